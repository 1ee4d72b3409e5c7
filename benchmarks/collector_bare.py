"""What the collector's stack costs alone: handlers that check nothing and keep nothing.

Run by collector.py as ``python collector_bare.py PORT``. /read reads the body and answers;
/parse also parses it as JSON, which any handler of this API has to do.
"""

from __future__ import annotations

import sys

from aiohttp import web


async def read(request: web.Request) -> web.Response:
    """Read and answer."""
    await request.read()
    return web.Response(body=b'{"accepted":1}', content_type="application/json")


async def parse(request: web.Request) -> web.Response:
    """Read, parse and answer."""
    return web.json_response({"accepted": len(await request.json())})


def main() -> None:
    """Serve."""
    app = web.Application(client_max_size=4 << 20)
    app.router.add_post("/read", read)
    app.router.add_post("/parse", parse)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
