"""Rows of one selection, worked out and written once a change for everybody who listens.

::

    board ──> refresh (twice a second at most) ──> rows, each with the version that changed it
                                                        │
              a listener that has seen version v <──────┴── what changed after v, written once
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processors.evaluate import Row
    from streams.exporter.follower import Follower
    from streams.exporter.selection import Selection

EVENT_INTERVAL_S: Final = 0.5

Key = tuple[str, ...]


class Listener:
    """Somebody who listens.

    Attributes:
        seen: the version that was sent last; 0 before the first.
    """

    def __init__(self) -> None:
        self.seen = 0


class _Shown(NamedTuple):
    """A row as it was last told: the version that changed it, its figures, its JSON."""

    version: int
    figures: tuple[Any, ...]
    text: bytes


class Channel:
    """What listeners of one selection are told.

    Attributes:
        version: grows with every change that they have to hear of; 0 before the first.
    """

    def __init__(self, follower: Follower, selection: Selection) -> None:
        self._follower, self._selection = follower, selection
        self.version = 0
        self._rows: dict[Key, _Shown] = {}
        self._gone: dict[Key, int] = {}
        self._listeners: set[Listener] = set()
        self._working = asyncio.Lock()
        self._shown: tuple[int, str] | None = None
        self._refreshed_s = float("-inf")
        self._head = b""
        self._written: dict[int, bytes] = {}

    @property
    def silent(self) -> bool:
        """Whether nobody listens."""
        return not self._listeners

    @property
    def behind(self) -> bool:
        """Whether something has changed since the last refresh."""
        return (self._follower.board().revision, self._follower.trouble()) != self._shown

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Join, and leave at the end."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def refresh(self) -> None:
        """Take in what has changed; one does it for all, and not too often."""
        async with self._working:
            board, trouble = self._follower.board(), self._follower.trouble()
            if (board.revision, trouble) == self._shown:
                return
            wait_s = self._refreshed_s + EVENT_INTERVAL_S - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                board, trouble = self._follower.board(), self._follower.trouble()
            shown = (board.revision, trouble)  # what comes while rows are worked out comes next
            self._take_in(await self._selection.rows(board), trouble)
            self._shown, self._refreshed_s = shown, time.monotonic()

    def event(self, seen: int) -> bytes:
        """Return what has changed since a version, as JSON that is written once for all."""
        found = self._written.get(seen)
        if found is None:
            rows = b",".join(row.text for row in self._rows.values() if row.version > seen)
            gone = [key for key, version in self._gone.items() if seen and version > seen]
            found = b'%s,"rows":[%s],"gone":%s}' % (self._head, rows, msgspec.json.encode(gone))
            self._written[seen] = found
        return found

    def _take_in(self, rows: Iterable[Row], trouble: str) -> None:
        """Note which rows changed, by their figures.

        A window that only moved on is no change: its new ends come with the next figure.
        """
        version = self.version + 1
        before, after = self._rows, dict[Key, _Shown]()
        changed = self._shown is None or self._shown[1] != trouble
        for row in rows:
            key = (row.kpi, row.stat, row.window, *row.dimensions, *row.dimensions.values())
            figures = (
                *(row.value, row.numerator, row.denominator, row.samples),
                *(row.provisional, row.complete),
            )
            known = before.get(key)
            if known is None or known.figures != figures:
                known = _Shown(version, figures, msgspec.json.encode(row))
                changed = True
                self._gone.pop(key, None)
            after[key] = known
        gone = before.keys() - after.keys()
        self._rows = after
        if not changed and not gone:
            return
        self._gone.update(dict.fromkeys(gone, version))
        oldest = min((listener.seen for listener in self._listeners), default=version)
        self._gone = {key: at for key, at in self._gone.items() if at > oldest}
        self.version = version
        head = {"now_ms": self._follower.clock_ms(), "stale": bool(trouble), "reason": trouble}
        self._head = msgspec.json.encode(head)[:-1]
        self._written = {}


class Channels:
    """The channels that somebody listens to."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._open: dict[tuple[object, ...], Channel] = {}

    @contextmanager
    def join(self, selection: Selection) -> Iterator[tuple[Channel, Listener]]:
        """Listen to a selection's channel; it is closed behind the last one."""
        key = selection.key
        channel = self._open.get(key)
        if channel is None:
            channel = self._open[key] = Channel(self._follower, selection)
        try:
            with channel.listening() as listener:
                yield channel, listener
        finally:
            if channel.silent and self._open.get(key) is channel:
                del self._open[key]
