"""Laws of the model that says what a load needs."""

from __future__ import annotations

import pytest

from benchmarks.scale.model import BUSY, BUSY_REDIS, fit, need, shards


def test_a_line_goes_through_points_that_lie_on_one() -> None:
    """Two parameters are found again, with no deviation."""
    points = [(x, 7.0 + 0.5 * x) for x in (1.0, 10.0, 100.0)]
    line = fit(points)
    assert (line.fixed, line.slope) == pytest.approx((7.0, 0.5))
    assert line.worst(points) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="one x"):
        fit([(1.0, 1.0), (1.0, 2.0)])


@pytest.mark.parametrize("events_s", [1_000.0, 200_000.0, 1e6])
def test_workers_and_shards_are_enough_and_not_one_more(events_s: float) -> None:
    """As many workers as keep below the share that they may be busy; as many shards likewise."""
    event_us, commit_us = 4.0, 4_000.0
    found = need(events_s, event_us)
    assert found.workers * BUSY >= events_s * event_us / 1e6 > (found.workers - 1) * BUSY
    busy = found.redis_busy(commit_us, 1.0)
    assert shards(busy) * BUSY_REDIS >= busy
    assert shards(busy) == 1 or (shards(busy) - 1) * BUSY_REDIS < busy
