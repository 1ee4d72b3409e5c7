"""A cable between the workers and a server: slow, deaf, cut, or plugged in elsewhere."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any, Final

LOOPBACK: Final = "127.0.0.1"
CHUNK_BYTES: Final = 1 << 16


class Cable:
    """Listens on a loopback port of its own and passes on to another.

    Args:
        target: the server's loopback port.

    Attributes:
        port: where clients connect.
        delay_s: added to everything, in each direction.
        deaf: the server hears, but its answers get lost.
        refusing: new connections are closed at once.
    """

    def __init__(self, target: int) -> None:
        self.target, self.port = target, 0
        self.delay_s, self.deaf, self.refusing = 0.0, False, False
        self._ends: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def cut(self) -> None:
        """Break every connection."""
        self._call(self._cut)

    def plug(self, target: int) -> None:
        """Break every connection and lead new ones to another port."""
        self.target = target
        self.cut()

    def close(self) -> None:
        """End."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, what: Any) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (what(), done.set()))
        done.wait()

    def _cut(self) -> None:
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, LOOPBACK, 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()

    async def _connect(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self.refusing:
            back.transport.abort()
            return
        try:
            far, forth = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            back.transport.abort()
            return
        self._ends |= {back, forth}
        with suppress(OSError):
            await asyncio.gather(
                self._pump(near, forth, answers=False), self._pump(far, back, answers=True)
            )
        for end in (back, forth):
            end.transport.abort()
            self._ends.discard(end)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(CHUNK_BYTES):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if answers and self.deaf:
                continue
            sink.write(data)
            await sink.drain()
        raise ConnectionResetError
