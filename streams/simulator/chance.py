"""Draws that the simulator's parts share, all from the one generator that the seed starts."""

from __future__ import annotations

import math
from bisect import bisect
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_DAY_MS: Final = 86_400_000
_QUIETEST_MS: Final = 4 * 3_600_000  # four in the morning, UTC
_SWING: Final = 0.45
RHYTHM_MAX: Final = 1 + _SWING

T = TypeVar("T")


def rhythm(ts_ms: int) -> float:
    """Return an instant's share of the mean rate: 0.55 at night, 1.45 in the afternoon, mean 1."""
    return 1 - _SWING * math.cos(2 * math.pi * ((ts_ms - _QUIETEST_MS) % _DAY_MS) / _DAY_MS)


class Choice(Generic[T]):
    """A weighted choice among fixed rows."""

    def __init__(self, rows: Sequence[T], weights: Sequence[float]) -> None:
        self._rows = rows
        self._bounds = list(accumulate(weights))

    def draw(self, random: Random) -> T:
        """Choose one row."""
        return self._rows[bisect(self._bounds, random.random() * self._bounds[-1])]


def delay_ms(random: Random, median_ms: int, spread: float, max_ms: int) -> int:
    """Draw how long a person takes: log-normal around the median, at least 1 ms, capped."""
    return max(1, min(max_ms, int(median_ms * math.exp(random.gauss(0, spread)))))
