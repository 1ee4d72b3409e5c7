"""Distinct members of a window that slides: each hash is remembered by the last pane it was in.

::

    panes      | a b |  b  |  c  | a c |
    window     |-----------------|             a:0 b:1 c:2
    one later        |-----------------|       a:3 b:1 c:3      nothing is lost with pane 0

Adding is one dictionary step a hash and leaving a pane costs what it held. Of a large window only
hashes are kept that can still be among the k smallest (see :mod:`processors.sketch`): a hash is
dropped once k smaller ones were seen in the same pane or later, for they stay at least as long.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from processors.sketch import SKETCH_SIZE, estimate, smallest

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_HASHES_MAX: Final = 16 * SKETCH_SIZE


class SlidingUnion:
    """The union of the sketches of a run of panes."""

    __slots__ = ("_estimate", "_last", "_panes", "_prune_at")

    def __init__(self) -> None:
        self._last: dict[int, int] = {}  # hash -> start of the last pane that holds it
        self._panes: dict[int, list[int]] = {}  # pane start -> hashes that were last seen there
        self._estimate: int | None = 0
        self._prune_at = _HASHES_MAX

    def __len__(self) -> int:
        return len(self._last)

    def add(self, pane_ms: int, hashes: AbstractSet[int]) -> None:
        """Add what a pane holds, or what a late event brought into it."""
        last = self._last
        moved = [one for one in hashes if last.get(one, pane_ms - 1) < pane_ms]
        if not moved:
            return
        last.update(dict.fromkeys(moved, pane_ms))
        self._panes.setdefault(pane_ms, []).extend(moved)
        self._estimate = None
        if len(last) > self._prune_at:
            self._prune()

    def evict(self, before_ms: int) -> bool:
        """Forget panes that start before ``before_ms``; return whether there were any."""
        last = self._last
        gone = [start for start in self._panes if start < before_ms]
        for pane_ms in gone:
            self._estimate = None
            for one in self._panes.pop(pane_ms):
                if last.get(one) == pane_ms:
                    del last[one]
        return bool(gone)

    def hashes(self) -> AbstractSet[int]:
        """Return the k smallest hashes."""
        return smallest(self._last.keys())

    def estimate(self) -> int:
        """Return the number of distinct members; see :func:`processors.sketch.estimate`."""
        if self._estimate is None:
            self._estimate = estimate(self._last.keys())
        return self._estimate

    def _prune(self) -> None:
        """Drop what cannot be among the k smallest any more, newest panes first."""
        largest_first: list[int] = []  # the k smallest so far, negated: a heap of the largest
        kept: dict[int, int] = {}
        panes: dict[int, list[int]] = {}
        for pane_ms in sorted(self._panes, reverse=True):
            here = [one for one in set(self._panes[pane_ms]) if self._last.get(one) == pane_ms]
            for one in sorted(here):
                if len(largest_first) < SKETCH_SIZE:
                    heapq.heappush(largest_first, -one)
                elif one < -largest_first[0]:
                    heapq.heapreplace(largest_first, -one)
                else:
                    break
                kept[one] = pane_ms
                panes.setdefault(pane_ms, []).append(one)
        self._last, self._panes = kept, panes
        self._prune_at = max(_HASHES_MAX, 2 * len(kept))
