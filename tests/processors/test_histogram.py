"""Histograms: one table, quantiles within the stated error, at most 20 exported buckets."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.histogram import (
    ABSOLUTE_ERROR_MS_MAX,
    BUCKET_BOUNDS_MS,
    BUCKET_COUNT,
    EXPORT_BOUNDS_MS,
    RELATIVE_ERROR_MAX,
    bucket_bounds_ms,
    bucket_index,
    exported_counts,
    quantile_ms,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DURATIONS = st.one_of(
    st.integers(0, 3_000),
    st.integers(0, BUCKET_BOUNDS_MS[-1] - 1),
    st.sampled_from(BUCKET_BOUNDS_MS[:-1]),
)


def nearest_rank(samples: Sequence[int], percent: int) -> int:
    """The quantile of the samples themselves."""
    return sorted(samples)[-(-len(samples) * percent // 100) - 1]


def test_bounds_rise_by_the_stated_steps() -> None:
    """No bucket is wider than 5 % of its lower bound, or than 50 ms."""
    assert BUCKET_BOUNDS_MS[0] <= ABSOLUTE_ERROR_MS_MAX
    for lower, upper in itertools.pairwise(BUCKET_BOUNDS_MS):
        assert 0 < upper - lower <= max(RELATIVE_ERROR_MAX * lower, ABSOLUTE_ERROR_MS_MAX)


@given(DURATIONS)
def test_a_duration_is_in_its_bucket(duration_ms: int) -> None:
    """Buckets are half-open and leave no gap."""
    lower, upper = bucket_bounds_ms(bucket_index(duration_ms))
    assert lower <= duration_ms < upper


def test_what_is_out_of_range_has_a_bucket() -> None:
    """Negative durations fall in the first bucket, endless ones in the last."""
    assert bucket_index(-5) == 0
    assert bucket_index(10**15) == BUCKET_COUNT - 1
    assert quantile_ms({BUCKET_COUNT - 1: 1}, 50) == BUCKET_BOUNDS_MS[-1]


@given(st.lists(DURATIONS, min_size=1, max_size=200), st.sampled_from([1, 50, 90, 95, 100]))
@example([0], 50)
@example([1_000, 1_046], 95)
def test_quantile_error_is_as_stated(samples: list[int], percent: int) -> None:
    """A quantile is within 5 %, or 50 ms, of the nearest-rank sample."""
    true_ms = nearest_rank(samples, percent)
    found = quantile_ms(Counter(map(bucket_index, samples)), percent)
    assert found is not None
    assert abs(found - true_ms) <= max(RELATIVE_ERROR_MAX * true_ms, ABSOLUTE_ERROR_MS_MAX)


@given(st.lists(DURATIONS, min_size=1, max_size=100))
def test_quantiles_do_not_cross(samples: list[int]) -> None:
    """A higher percentage is never a shorter duration."""
    buckets = Counter(map(bucket_index, samples))
    found = [quantile_ms(buckets, percent) or 0 for percent in range(1, 101)]
    assert found == sorted(found)


def test_nothing_has_no_quantile() -> None:
    """An empty histogram, or one whose samples were all taken back, has no quantile."""
    assert quantile_ms({}, 50) is None
    assert quantile_ms({3: 0, 7: -1}, 50) is None


@given(st.lists(DURATIONS, max_size=100))
def test_exported_counts_are_exact(samples: list[int]) -> None:
    """Exported bounds are bounds of the table, so what lies below each is counted exactly."""
    assert len(EXPORT_BOUNDS_MS) + 1 <= 20
    counts = exported_counts(Counter(map(bucket_index, samples)))
    below = [sum(sample < bound for sample in samples) for bound in EXPORT_BOUNDS_MS]
    assert counts == [*below, len(samples)]


@pytest.mark.parametrize("bound_ms", EXPORT_BOUNDS_MS)
def test_exported_bounds_are_in_the_table(bound_ms: int) -> None:
    """No exported bucket cuts a stored one in two."""
    assert bound_ms in BUCKET_BOUNDS_MS
