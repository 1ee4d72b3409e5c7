"""A webhook that remembers what Alertmanager has told it."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self


class Webhook:
    """Listens on a free port of loopback; a context manager.

    Attributes:
        told: (alert's name, ``firing`` or ``resolved``), in order of arrival.
    """

    def __init__(self) -> None:
        told = self.told = list[tuple[str, str]]()

        class Handler(BaseHTTPRequestHandler):
            """Takes notifications."""

            def do_POST(self) -> None:
                """Remember every alert of one."""
                length = int(self.headers["Content-Length"])
                message: dict[str, Any] = json.loads(self.rfile.read(length))
                told.extend((a["labels"]["alertname"], a["status"]) for a in message["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
