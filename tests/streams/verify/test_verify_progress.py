"""Laws of duplicates, watermarks and lateness, as the recomputation counts them."""

from __future__ import annotations

from typing import Any

from streams.verify.oracle import counters
from tests.support.recomputing import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    catalog_of,
    cells_of,
    count,
    event,
    log_of,
    recomputed,
    tick,
)

VIEWS = catalog_of(count("page_view"))


def view(at_ms: int, **fields: Any) -> dict[str, Any]:
    """Return a page view."""
    return event("page_view", at_ms, **{"visitor_id": "v", **fields})


def test_a_duplicate_is_seen_one_generation_back_and_no_further() -> None:
    """An id counts again once neither its own nor the previous generation holds it."""
    # offset       0  1 | 2  3 | 4  5 | 6  7      horizon 2
    # id           a  b | c  a | d  e | f  a
    # duplicate             ^ (one generation back)    a again at 7: 3 is two back
    rows = log_of([view(i, event_id=one) for i, one in enumerate("abcadefa")])
    found = counters(recomputed(rows, VIEWS, dedup_horizon=2))
    assert found == {"events": 7, "duplicates": 1}


def test_a_duplicate_keeps_its_id_known() -> None:
    """A duplicate counts as having stood there: an id repeated often stays known."""
    # offset       0  1 | 2  3 | 4  5      horizon 2
    # id           a  b | a  c | a  d
    rows = log_of([view(i, event_id=one) for i, one in enumerate("abacad")])
    assert counters(recomputed(rows, VIEWS, dedup_horizon=2)) == {"events": 4, "duplicates": 2}


def test_a_duplicate_moves_nothing() -> None:
    """A duplicate's time moves no watermark: what comes after it is not late for its sake."""
    rows = log_of([view(0, event_id="a"), view(HOUR_MS, event_id="a"), view(MINUTE_MS)])
    assert counters(recomputed(rows, VIEWS)) == {"events": 2, "duplicates": 1}


def test_a_rejected_record_moves_nothing() -> None:
    """A rejected record's time moves no watermark and its id is not remembered."""
    bad = view(HOUR_MS, event_id="a", visitor_id="")
    found = counters(recomputed(log_of([view(0), bad, view(MINUTE_MS, event_id="a")]), VIEWS))
    assert found == {"events": 2, "rejected:missing_identity": 1}


def test_late_is_behind_the_watermark_before_the_record() -> None:
    """Late is behind the largest time before it less the lateness; it counts all the same."""
    # time     0            60 s     30 s: at the watermark   29.999 s: late
    rows = log_of([view(0), view(60_000), view(30_000), view(29_999)])
    con = recomputed(rows, VIEWS)
    assert counters(con) == {"events": 4, "late": 1}
    assert [row[3:] for row in cells_of(con)] == [(0, 1), (20_000, 1), (30_000, 1), (60_000, 1)]


def test_a_tick_is_progress_and_nothing_else() -> None:
    """A tick moves the watermark, repeats at will, and is no event and never late."""
    rows = log_of([view(0), tick(HOUR_MS), tick(HOUR_MS), tick(0), view(SECOND_MS)])
    assert counters(recomputed(rows, VIEWS)) == {"events": 2, "ticks": 3, "late": 1}


def test_what_keyed_figures_refuse_is_counted_once() -> None:
    """An event beyond the keyed lateness counts in measures, in no session, and once as refused."""
    catalog = catalog_of(count("page_view"), count("session_started"), count("cart_closed"))
    rows = log_of([view(0), tick(3 * HOUR_MS), view(HOUR_MS, visitor_id="w")])
    con = recomputed(rows, catalog)
    assert counters(con) == {"events": 2, "ticks": 1, "late": 1, "late_unkeyed": 1}
    assert [(row[0], row[4]) for row in cells_of(con)] == [
        ("page_view", 1),
        ("page_view", 1),
        ("session_started", 1),
    ]
