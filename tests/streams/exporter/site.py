"""One namespace as a test sees it: a clock to turn, a worker to publish with, an exporter."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import ClientSession, web

from streams.exporter.follower import Follower, end
from streams.exporter.server import LISTENERS, build_app
from streams.query import answer
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader
from tests.streams.exporter.owner import Owner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from processors.catalog.model import Catalog
    from processors.evaluate import Row
    from streams.exporter.board import Board
    from streams.query import Question

START_MS = 1_767_607_200_000  # 2026-01-05 10:00 UTC
DEADLINE_S = 60.0  # a busy machine is no failure


class Site:
    """See the module.

    Attributes:
        now_ms: the clock of worker and exporter.
    """

    def __init__(self, redis_url: str, namespace: str, catalog: Catalog) -> None:
        self.redis_url, self.namespace, self.catalog = redis_url, namespace, catalog
        self.now_ms = START_MS
        self.client = open_client(redis_url)
        self.reader = RedisReader(self.client, namespace)
        self.owner = Owner(self.client, namespace, catalog, self.clock_ms)

    def clock_ms(self) -> int:
        """Return the time."""
        return self.now_ms

    async def close(self) -> None:
        """End the connection."""
        await self.client.aclose()

    def follower(self) -> Follower:
        """Return an exporter's follower that has loaded nothing yet."""
        return Follower(self.reader, self.catalog, self.clock_ms)

    async def asked(self, question: Question) -> list[Row]:
        """Return what kpi query answers."""
        return await answer(self.reader, self.catalog, question, self.now_ms)

    async def caught_up(self, follower: Follower) -> Board:
        """Return the board once it has everything that is committed."""
        stored = await self.reader.progress()
        await until(
            lambda: follower.board().positions == {w: p.position for w, p in stored.items()}
        )
        return follower.board()

    @asynccontextmanager
    async def exporter(
        self, *, token: str = "", values_max: int = 50, port: int = 0, send_bytes: int = 0
    ) -> AsyncIterator[Exporter]:
        """Serve on a free port or this one, following.

        Args:
            token: what requests must carry.
            values_max: dimension values in /metrics.
            port: to serve on; 0: a free one.
            send_bytes: what the system buffers for a client that does not read; 0: as it likes.
        """
        follower = self.follower()
        runner = web.AppRunner(build_app(follower, token=token, values_max=values_max))
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", port))
        if send_bytes:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
        await web.SockSite(runner, listening).start()
        following = asyncio.create_task(follower.run())
        try:
            port = runner.addresses[0][1]
            async with ClientSession(f"http://127.0.0.1:{port}") as http:
                await until(lambda: follower.loaded)
                yield Exporter(follower, http, port, runner.app)
        finally:
            await end(following)
            await runner.cleanup()


class Exporter:
    """A serving exporter and a client of it."""

    def __init__(
        self, follower: Follower, http: ClientSession, port: int, app: web.Application
    ) -> None:
        self.follower, self.http, self.port, self.app = follower, http, port, app
        self.listeners = app[LISTENERS]

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    async def text(self, path: str, **headers: str) -> str:
        """Return a page."""
        async with self.http.get(path, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.text()

    async def status(self, path: str, **headers: str) -> int:
        """Return the status of a page."""
        async with self.http.get(path, headers=headers, allow_redirects=False) as response:
            return response.status


async def until(holds: Callable[[], object], timeout_s: float = DEADLINE_S) -> None:
    """Wait until something holds, and fail at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        await asyncio.sleep(0.01)
