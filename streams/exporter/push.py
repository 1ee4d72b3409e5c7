"""The stream of changes: server-sent events, at most two a second, for pages that stay open.

The first event holds every row asked for, later ones those that changed and the keys of those that
are gone. A page that falls behind gets fewer events, never a queue of old ones.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable

    from processors.evaluate import Row
    from streams.exporter.follower import Follower
    from streams.exporter.selection import Selection

EVENT_INTERVAL_S: Final = 0.5
SILENCE_S_MAX: Final = 10.0  # then a comment, so that proxies and browsers know it is alive
LOOK_INTERVAL_S: Final = 1.0  # windows move with the clock, without any news from the tables
_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}

Key = tuple[str, ...]


class Changes:
    """What one listener has seen."""

    def __init__(self) -> None:
        self._seen: dict[Key, tuple[Any, ...]] = {}

    def since_last(self, rows: Iterable[Row]) -> tuple[list[Row], list[Key]]:
        """Return the rows whose figures changed, and the keys of rows that are gone.

        A window that only moved on is no change: its new ends come with the next figure.
        """
        seen: dict[Key, tuple[Any, ...]] = {}
        fresh = []
        for row in rows:
            key = (row.kpi, row.stat, row.window, *row.dimensions, *row.dimensions.values())
            figures = seen[key] = (
                *(row.value, row.numerator, row.denominator, row.samples),
                *(row.provisional, row.complete),
            )
            if self._seen.get(key) != figures:
                fresh.append(row)
        gone = [key for key in self._seen if key not in seen]
        self._seen = seen
        return fresh, gone


async def push(
    request: web.Request, follower: Follower, selection: Selection
) -> web.StreamResponse:
    """Answer with events until the listener goes away or the exporter ends."""
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    changes = Changes()
    shown: tuple[int, str] | None = None
    spoke = time.monotonic()
    while True:
        board, trouble = follower.board(), follower.trouble()
        if (board.revision, trouble) != shown:
            first, shown = shown is None, (board.revision, trouble)
            rows, gone = changes.since_last(await selection.rows(board))
            if first or rows or gone or trouble:
                await response.write(_event(follower.clock_ms(), trouble, rows, gone))
                spoke = time.monotonic()
            await asyncio.sleep(EVENT_INTERVAL_S)
        elif time.monotonic() - spoke > SILENCE_S_MAX:
            await response.write(b": alive\n\n")
            spoke = time.monotonic()
        await follower.changed(LOOK_INTERVAL_S)


def _event(now_ms: int, trouble: str, rows: list[Row], gone: list[Key]) -> bytes:
    body = {"now_ms": now_ms, "stale": bool(trouble), "reason": trouble, "rows": rows, "gone": gone}
    return b"event: kpis\ndata: " + msgspec.json.encode(body) + b"\n\n"
