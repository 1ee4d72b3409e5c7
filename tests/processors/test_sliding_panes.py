"""Distinct counts of panes that fill up delta by delta: as exact as one sketch of all members."""

from __future__ import annotations

from random import Random

from processors import names
from processors.sketch import SKETCH_SIZE, estimate
from processors.sliding import SlidingSums
from tests.processors.catalog.presets import loaded

CATALOG = loaded(
    """
measures:
  visitors: {events: [page_view], agg: distinct, of: visitor}
metrics:
  visitors: {type: simple, unit: count, direction: up, numerator: visitors, windows: [1m, 1d]}
"""
)
START_MS = 1_767_607_200_000
DELTAS = 120
MEMBERS = 100  # a delta: far more than a sketch holds


def test_many_small_deltas_are_one_large_sketch() -> None:
    """However many deltas a sketch comes in, windows over it estimate what all members do."""
    random = Random(1)
    sums = SlidingSums(CATALOG)
    sums.advance(START_MS, {})
    metric = CATALOG.metrics["visitors"]
    minute, day = metric.windows
    cell = names.cell_name(names.Cell("visitors", "", (), ()))
    members: set[int] = set()
    for number in range(DELTAS):
        fresh = frozenset(random.getrandbits(64) for _ in range(MEMBERS))
        members |= fresh
        sums.add({START_MS + number % 3 * 10_000: {cell: fresh}})
    assert len(members) > 5 * SKETCH_SIZE
    for now_ms, window in (
        (START_MS + 30_000, minute),
        (START_MS + 30_000, day),
        (START_MS + 7_200_000, day),  # placed anew, from panes alone
    ):
        sums.advance(now_ms, {})
        table = sums.table(metric, window, final=False)
        assert table is not None
        assert table.components("visitors", ()) == {"": {"": estimate(members)}}
