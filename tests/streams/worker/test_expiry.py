"""Expiry: panes go only once no partition can need them, by event time."""

from __future__ import annotations

from processors.ladder import DAY_MS, Ladder
from streams.tables.base import PartitionId, Progress
from streams.worker.expiry import expire_before

HOUR_MS = 3_600_000
NOW_MS = 1_700_000_000_000
LATENESS_MS = 30_000


def progress(*times_ms: int | None) -> dict[PartitionId, Progress]:
    """Make the progress of partitions by the largest event time each has seen."""
    return {PartitionId("t", p): Progress(max_ts_ms=ts) for p, ts in enumerate(times_ms)}


def test_slowest_partition_decides() -> None:
    """A partition that lags a day keeps everyone's panes a day longer."""
    ladder = Ladder()
    fast = expire_before(ladder, LATENESS_MS, progress(NOW_MS, NOW_MS))
    slow = expire_before(ladder, LATENESS_MS, progress(NOW_MS, NOW_MS - DAY_MS))
    assert {name: fast[name] - slow[name] for name in fast} == dict.fromkeys(fast, DAY_MS)


def test_pane_stays_until_its_end_is_out_of_retention() -> None:
    """The pane's end decides, not its start.

    ::

        |pane|<----- retention ----->|watermark
    """
    watermark_ms = NOW_MS - LATENESS_MS
    bounds = expire_before(Ladder(), LATENESS_MS, progress(NOW_MS))
    assert set(bounds) == {"10s", "1m", "1h", "1d"}
    for name, start_ms in bounds.items():
        rung = Ladder().rung(name)
        pane_ms = rung.size_ms + (HOUR_MS if rung.size_ms == DAY_MS else 0)
        assert start_ms + pane_ms == watermark_ms - rung.retention_ms


def test_nothing_goes_while_a_partition_has_no_time() -> None:
    """A partition that nobody has read yet could still hold the oldest event."""
    assert expire_before(Ladder(), LATENESS_MS, progress(NOW_MS, None)) == {}
    assert expire_before(Ladder(), LATENESS_MS, {}) == {}
