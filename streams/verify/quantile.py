"""Quantiles of a histogram: nearest rank, its samples spread evenly over its bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.histogram import BUCKET_BOUNDS_MS

if TYPE_CHECKING:
    from collections.abc import Mapping


def quantile_ms(buckets: Mapping[int, int], percent: int) -> int | None:
    """Return a quantile in whole ms; None of nothing.

    The sample of rank ceil(percent * count / 100) is the r-th of the c in its bucket, and stands
    for lower + width * (2 r - 1) / (2 c), rounded down. The last bucket has no width.
    """
    samples = [index for index in sorted(buckets) for _ in range(buckets[index])]
    if not samples:
        return None
    at = (percent * len(samples) + 99) // 100 - 1
    index = samples[at]
    edges = (0, *BUCKET_BOUNDS_MS, BUCKET_BOUNDS_MS[-1])
    lower, upper = edges[index], edges[index + 1]
    rank, held = at + 1 - samples.index(index), samples.count(index)
    return lower + (upper - lower) * (2 * rank - 1) // (2 * held)
