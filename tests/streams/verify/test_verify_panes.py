"""Laws of panes, as the recomputation adds up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from processors.catalog.model import Aggregation, Measure
from processors.names import SUPPORT
from streams.verify.compare_panes import recomputed_panes
from tests.support.recomputing import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    T0_MS,
    catalog_of,
    cells_of,
    count,
    event,
    log_of,
    recomputed,
)

VALUE = Measure("paid", ("purchase",), Aggregation.SUM, "value")


def view(at_ms: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a page view."""
    return event("page_view", at_ms, **{"visitor_id": "v", **fields})


def buy(value: Any, at_ms: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a purchase."""
    who = {"visitor_id": "v", "order_id": "o", "currency": "EUR"}
    return event("purchase", at_ms, **{**who, "value": value, **fields})


def test_a_pane_is_half_open() -> None:
    """A pane begins with its first millisecond and ends before the next one's."""
    con = recomputed(log_of([view(0), view(9_999), view(10_000)]), catalog_of(count("page_view")))
    assert [row[3:] for row in cells_of(con)] == [(0, 2), (10_000, 1)]


def test_sums_are_exact() -> None:
    """Ten thousand times a tenth is a thousand, to the micro-unit."""
    rows = log_of([buy(0.1) for _ in range(1_000)])
    con = recomputed(rows, catalog_of(VALUE))
    assert cells_of(con) == [("paid", "", "", 0, 100_000_000)]


def test_values_become_labels() -> None:
    """Absent, empty, too long or unprintable values have labels of their own."""
    sources = [None, "", "x" * 200, "x" * 201, "a\nb", "é"]
    con = recomputed(
        log_of([view(source=one) for one in sources]),
        catalog_of(count("page_view"), sets=[("source",)]),
    )
    assert [row[2:] for row in cells_of(con, "source")] == [
        ("__invalid__", 0, 2),
        ("__none__", 0, 2),
        ("x" * 200, 0, 1),
        ("é", 0, 1),
    ]


def test_a_field_that_a_type_does_not_have_is_absent() -> None:
    """A purchase has no landing page, whatever its record says."""
    con = recomputed(
        log_of([buy(1, landing_page="/x")]), catalog_of(VALUE, sets=[("landing_page",)])
    )
    assert [row[2] for row in cells_of(con, "landing_page")] == ["__none__"]


def test_the_budget_admits_the_first_in_offset_order() -> None:
    """What comes first keeps its name, a partition at a time; a currency always does."""
    # partition 0: a, b admitted, c is not; partition 1: c, a admitted, b is not
    catalog = catalog_of(VALUE, sets=[("source", "currency")], dimension_values_max=2)
    rows = log_of([buy(1, 5 - i, source=s) for i, s in enumerate("abcab")])
    rows += log_of([buy(1, source=s, currency="USD") for s in "cab"], partition=1)
    assert [row[2::2] for row in cells_of(recomputed(rows, catalog), "source,currency")] == [
        ("__other__,EUR", 1_000_000),
        ("__other__,USD", 1_000_000),
        ("a,EUR", 2_000_000),
        ("a,USD", 1_000_000),
        ("b,EUR", 2_000_000),
        ("c,USD", 1_000_000),
    ]


def test_the_budget_is_the_type_s_not_the_filter_s() -> None:
    """Events that a filter leaves out take their place in the budget all the same."""
    measure = replace(count("page_view"), where=(("device", ("phone",)),))
    catalog = catalog_of(measure, sets=[("source",)], dimension_values_max=1)
    rows = log_of([view(source="a", device="desk"), view(source="b", device="phone")])
    assert [row[2] for row in cells_of(recomputed(rows, catalog), "source")] == ["__other__"]


@pytest.mark.parametrize(
    ("lasted_ms", "bucket"), [(0, "b0"), (49, "b0"), (50, "b1"), (999, "b19"), (1_000, "b20")]
)
def test_a_duration_is_in_the_bucket_whose_bounds_hold_it(lasted_ms: int, bucket: str) -> None:
    """Buckets are half-open: a bound belongs to the bucket above it."""
    measure = Measure("times", ("ticket_answered",), Aggregation.HISTOGRAM, "duration_ms")
    log = [
        event("ticket_opened", 0, ticket_id="t"),
        event("ticket_replied", lasted_ms, ticket_id="t", by="agent"),
    ]
    found = cells_of(recomputed(log_of(log, SUPPORT), catalog_of(measure)))
    assert found == [("times", bucket, "", 0, 1), ("times", "sum", "", 0, lasted_ms)]


def test_distinct_members_count_once_a_pane() -> None:
    """Whoever comes twice is one, over partitions too; who names nobody is none."""
    measure = Measure("people", ("page_view",), Aggregation.DISTINCT, "visitor")
    ids = [{"visitor_id": "v"}, {"visitor_id": "v"}, {"visitor_id": "", "customer_id": "c"}]
    rows = log_of([view(**one) for one in ids]) + log_of([view()], partition=1)
    catalog = catalog_of(measure)
    found = dict(recomputed_panes(recomputed(rows, catalog), catalog, "1h"))
    assert found == {T0_MS - T0_MS % HOUR_MS: {"people\x1f": 2}}


def test_coarser_panes_are_sums_of_base_panes() -> None:
    """Every rung holds everything once."""
    catalog = catalog_of(count("page_view"))
    rows = log_of([view(i * MINUTE_MS + SECOND_MS) for i in range(200)])
    con = recomputed(rows, catalog)
    for rung in ("10s", "1m", "1h", "1d"):
        panes = dict(recomputed_panes(con, catalog, rung))
        assert sum(cells["page_view\x1f"] for cells in panes.values()) == 200


def test_days_are_local_days() -> None:
    """A day pane is cut at local midnight: also of 25 hours, also half an hour off."""
    # Berlin, 2023-10-29: the day starts at 22:00 UTC on the 28th and ends at 23:00 UTC on the 29th
    starts = {
        "Europe/Berlin": (1_698_530_400_000, 1_698_620_400_000),
        "Asia/Kolkata": (1_698_517_800_000, 1_698_604_200_000),
    }
    for zone, (start_ms, end_ms) in starts.items():
        catalog = catalog_of(count("page_view"), zone=zone)
        times = [start_ms - 1, start_ms, end_ms - 1, end_ms]
        con = recomputed(log_of([view(ts - T0_MS) for ts in times]), catalog)
        panes = dict(recomputed_panes(con, catalog, "1d"))
        assert [(start, cells["page_view\x1f"]) for start, cells in sorted(panes.items())][1] == (
            start_ms,
            2,
        )
        assert sorted(panes)[2] == end_ms
