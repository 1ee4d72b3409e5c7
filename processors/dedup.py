"""Duplicates by ``event_id`` within a partition, over a bounded run of offsets.

::

    offset      0 ........ H ........ 2H ........ 3H
    generation  |--- 0 ---|---- 1 ----|---- 2 ----|
                           ^ previous  ^ current

An id is a duplicate where it was seen in the current generation (offset // horizon) or the one
before: at least the last H records, at most the last 2 H. Generations hang on offsets, so a
re-read of the log finds the same duplicates however it was cut, or restarted.
"""

from __future__ import annotations

from collections.abc import Sequence


class Dedup:
    """Ids of the current and the previous generation.

    Memory: about 130 bytes an id of 36 characters, at most 2 x ``horizon`` ids.
    """

    def __init__(self, horizon: int) -> None:
        self.horizon = horizon
        self._generation = -1
        self._current: set[str] = set()
        self._previous: set[str] = set()

    def restore_from(self, offset: int) -> int:
        """Return the first offset to re-read so that ``offset`` finds every duplicate."""
        return max(0, (offset // self.horizon - 1) * self.horizon)

    def duplicates(self, offsets: Sequence[int], ids: Sequence[str]) -> list[int]:
        """Return the indexes of duplicates and remember all ids; ``offsets`` ascend."""
        if not offsets:
            return []
        if offsets[0] // self.horizon == offsets[-1] // self.horizon:
            self._turn(offsets[0] // self.horizon)
            return self._one_generation(ids, 0)
        found: list[int] = []
        start = 0
        while start < len(offsets):
            generation = offsets[start] // self.horizon
            end = start
            while end < len(offsets) and offsets[end] // self.horizon == generation:
                end += 1
            self._turn(generation)
            found += self._one_generation(ids[start:end], start)
            start = end
        return found

    def _turn(self, generation: int) -> None:
        if generation == self._generation:
            return
        self._previous = self._current if generation == self._generation + 1 else set()
        self._current = set()
        self._generation = generation

    def _one_generation(self, ids: Sequence[str], base: int) -> list[int]:
        current, previous = self._current, self._previous
        fresh = set(ids)
        if (
            len(fresh) == len(ids)
            and current.isdisjoint(fresh)
            and (not previous or previous.isdisjoint(fresh))
        ):
            current |= fresh
            return []
        found = []
        for index, event_id in enumerate(ids):
            if event_id in current or event_id in previous:
                found.append(base + index)
            current.add(event_id)
        return found
