"""Waiting: how old what waits is, in classes that it moves through as time goes on.

::

    opened   |--1m--|---2m---|------- 5m -------|-- answered
    0        +1     -1
    1 m             +1       -1
    2 m                      +1                 -1           (at 5 m, had it waited that long)

Summed up since the beginning, the counts of the classes are a histogram of the ages of all that
waits just then: integers that only add, in a bounded number of cells, and a function of the log
alone, because each move is a timer's.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import msgspec

from processors import facts
from processors.keyed.marks import Mark


class Wait(msgspec.Struct, frozen=True, gc=False):
    """One wait, as far as it is known.

    Attributes:
        since: what began it; the facts carry its dimensions.
        until_ms: when it was over, None where it goes on.
        gone_ms: the age at which it is taken for forgotten, and over in any case.
    """

    since: Mark
    until_ms: int | None
    gone_ms: int

    def facts(self, bounds_ms: Sequence[int], seen_ms: int) -> list[facts.TicketFact]:
        """Return each coming to an age class and each leaving it, up to a watermark.

        Args:
            bounds_ms: ages that begin a class, 0 first.
            seen_ms: the watermark; the first class begins with the wait, others once time is seen
                to have passed.
        """
        begun_ms, end_ms = self.since.ts, self._end_ms
        possible, reached = self._classes(bounds_ms, seen_ms)
        found: list[facts.TicketFact] = []
        for number, age_ms in enumerate(bounds_ms[:reached], 1):
            found.append(_fact(self.since, begun_ms + age_ms, 1, age_ms))
            if number < reached:
                found.append(_fact(self.since, begun_ms + bounds_ms[number], -1, age_ms))
            elif number == possible and self._is_over(seen_ms):
                found.append(_fact(self.since, end_ms, -1, age_ms))
        return found

    def due_ms(self, bounds_ms: Sequence[int], seen_ms: int) -> int | None:
        """Return when it moves on by itself, None where it does not any more."""
        possible, reached = self._classes(bounds_ms, seen_ms)
        if reached < possible:
            return self.since.ts + bounds_ms[reached]
        return None if self._is_over(seen_ms) else self._end_ms

    @property
    def _end_ms(self) -> int:
        gone_ms = self.since.ts + self.gone_ms
        return gone_ms if self.until_ms is None else min(self.until_ms, gone_ms)

    def _is_over(self, seen_ms: int) -> bool:
        return self.until_ms == self._end_ms or self._end_ms <= seen_ms

    def _classes(self, bounds_ms: Sequence[int], seen_ms: int) -> tuple[int, int]:
        """Return how many classes it can come to, and how many it has."""
        begun_ms = self.since.ts
        possible = bisect_left(bounds_ms, self._end_ms - begun_ms)
        return possible, min(possible, max(1, bisect_right(bounds_ms, seen_ms - begun_ms)))


def _fact(since: Mark, ts: int, weight: int, age_ms: int) -> facts.TicketFact:
    struct: Any = facts.TicketWaiting
    fact: facts.TicketWaiting = struct(ts, weight, *since.dimensions, duration_ms=age_ms)
    return fact
