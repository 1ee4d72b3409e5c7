"""Durations as integer histograms: one literal table of bucket bounds in milliseconds.

Steps of 50 ms up to one second, then steps of at most 5 % up to 10^11 ms (3 years), then one
bucket without an end. Buckets are counts, so they only add; a bucket is stored only where it
holds something. The recomputation reads the same table, and neither takes a logarithm.

A quantile is the nearest-rank sample's bucket, interpolated in integers. It differs from the
sample by less than 5 %, or by less than 50 ms where that is more. What lies in the last bucket is
reported as the bucket's lower bound.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# One decade of bounds, no step above 5 %; the round durations that people look for are in it:
# 1 s 5 s 10 s 30 s 1 m 2 m 5 m 10 m 30 m 1 h 2 h 4 h 8 h 12 h 1 d 2 d 3 d 7 d 30 d 90 d.
_DECADE: Final = (
    1000, 1047, 1095, 1147, 1200, 1256, 1315, 1376, 1440, 1507, 1577, 1651, 1728, 1800, 1884,
    1972, 2064, 2160, 2261, 2366, 2477, 2592, 2685, 2781, 2880, 3000, 3140, 3286, 3440, 3600,
    3768, 3944, 4128, 4320, 4536, 4762, 5000, 5233, 5477, 5733, 6000, 6048, 6317, 6599, 6893,
    7200, 7482, 7776, 8054, 8342, 8640, 9000, 9322, 9655,
)  # fmt: skip
_DECADES: Final = 8

BUCKET_BOUNDS_MS: Final[tuple[int, ...]] = (
    *range(50, 1_000, 50),
    *(mantissa * 10**power for power in range(_DECADES) for mantissa in _DECADE),
    1_000 * 10**_DECADES,
)
"""Upper bounds, exclusive, of all buckets but the last."""
BUCKET_COUNT: Final = len(BUCKET_BOUNDS_MS) + 1

RELATIVE_ERROR_MAX: Final = 0.05
ABSOLUTE_ERROR_MS_MAX: Final = 50

EXPORT_BOUNDS_MS: Final[tuple[int, ...]] = (
    1_000, 5_000, 10_000, 30_000,
    60_000, 120_000, 300_000, 600_000, 1_800_000,
    3_600_000, 7_200_000, 14_400_000, 28_800_000,
    86_400_000, 172_800_000, 259_200_000, 604_800_000, 2_592_000_000, 7_776_000_000,
)  # fmt: skip
"""The bounds worth a series: with the one without an end they are 20."""

_WAIT_DECADE: Final = (
    1000, 1200, 1440, 1728, 2160, 2592, 3000, 3600, 4320, 5000, 6000, 7200, 8640,
)  # fmt: skip
WAIT_BOUNDS_MS: Final[tuple[int, ...]] = (
    *(0, 60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000),
    *(
        bound
        for power in range(3, 8)
        for mantissa in _WAIT_DECADE
        if (bound := mantissa * 10**power) >= 3_600_000
    ),
)
"""Ages at which what waits moves on to the next class, each a bucket's lower bound.

From an hour on a step is at most 25 %, so that an age is told to a quarter.
"""

PERCENT_BY_STAT: Final[Mapping[str, int]] = {"p50": 50, "p90": 90, "p95": 95}


def bucket_index(duration_ms: int) -> int:
    """Return the index of the bucket that holds a duration; negative ones fall in the first."""
    return bisect_right(BUCKET_BOUNDS_MS, duration_ms)


def bucket_bounds_ms(index: int) -> tuple[int, int]:
    """Return a bucket's [lower, upper); the last one's upper bound is its lower one."""
    lower = BUCKET_BOUNDS_MS[index - 1] if index else 0
    return lower, BUCKET_BOUNDS_MS[index] if index < BUCKET_COUNT - 1 else lower


def quantile_ms(buckets: Mapping[int, int], percent: int) -> int | None:
    """Return a quantile of a histogram, in whole milliseconds; None where it is empty.

    The sample of rank ceil(percent / 100 * count) decides the bucket. Samples are taken to lie
    evenly in it, each in the middle of its share: lower + width * (2 r - 1) // (2 c).

    Args:
        buckets: bucket index -> count; what is not above zero is passed over.
        percent: 1 to 100.
    """
    return quantiles_ms(buckets, (percent,))[0]


def quantiles_ms(buckets: Mapping[int, int], percents: Sequence[int]) -> list[int | None]:
    """Return several quantiles, as :func:`quantile_ms`; ``percents`` must rise."""
    held = sorted([item for item in buckets.items() if item[1] > 0])
    total = sum([count for _, count in held])
    if not total:
        return [None] * len(percents)
    found: list[int | None] = []
    position, passed = 0, 0
    for percent in percents:
        rank = -(-total * percent // 100) - passed
        while rank > held[position][1]:
            rank -= held[position][1]
            passed += held[position][1]
            position += 1
        index, count = held[position]
        lower, upper = bucket_bounds_ms(index)
        found.append(lower + (upper - lower) * (2 * rank - 1) // (2 * count))
    return found


def exported_counts(buckets: Mapping[int, int]) -> list[int]:
    """Return how many samples lie below each of EXPORT_BOUNDS_MS, cumulated, then all of them."""
    counts = [0] * (len(EXPORT_BOUNDS_MS) + 1)
    for index, count in buckets.items():
        counts[bisect_right(EXPORT_BOUNDS_MS, bucket_bounds_ms(index)[0])] += count
    for position in range(1, len(counts)):
        counts[position] += counts[position - 1]
    return counts
