"""Laws of window sums, as the recomputation slides."""

from __future__ import annotations

from typing import Any

from processors.catalog.model import Aggregation, Measure, window
from streams.verify.grid import Grid
from streams.verify.series import Source, final_end_ms, series
from tests.support.recomputing import (
    MINUTE_MS,
    T0_MS,
    catalog_of,
    count,
    event,
    log_of,
    recomputed,
    tick,
)

DAY_MS = 86_400_000
NOV_14_MS = 1_699_920_000_000  # midnight UTC before T0


def view(at_ms: int, visitor: str = "v") -> dict[str, Any]:
    """Return a page view."""
    return event("page_view", at_ms, visitor_id=visitor)


def steps(
    measure: Measure, name: str, events: list[dict[str, Any]], zone: str = "UTC"
) -> list[tuple[int, int]]:
    """Return (end in ms after T0, amount) of a window of one measure's total."""
    con = recomputed(log_of(events), catalog_of(measure, zone=zone))
    one = window(name)
    final_ms = final_end_ms(con, one, ["tracking.visitor"])
    changes = series(con, {Source(measure.name, ()): measure}, one, final_ms)
    return [(change.end_ms - T0_MS, change.amount) for change in changes]


def test_a_trailing_window_changes_where_panes_come_in_and_leave() -> None:
    """A pane is in every window whose end lies in (its start, its start + size]."""
    # panes      0: 2   30 s: 1        window 1m, by 10 s
    # ends       10: 2  40: 3   70: 1 (the first has left)   100: 0
    events = [view(0), view(9_999), view(30_000), tick(5 * MINUTE_MS)]
    assert steps(count("page_view"), "1m", events) == [
        (10_000, 2),
        (40_000, 3),
        (70_000, 1),
        (100_000, 0),
    ]


def test_windows_are_final_behind_the_watermark() -> None:
    """The last end is the last on the grid at or before the watermark, the lateness behind."""
    # the tick at 70 s puts the watermark at 40 s
    assert steps(count("page_view"), "1m", [view(0), view(30_000), tick(70_000)]) == [
        (10_000, 1),
        (40_000, 2),
    ]


def test_members_are_counted_once_while_any_pane_holds_them() -> None:
    """A member stays as long as its last pane, not its first."""
    # panes    0: a b   30 s: a c      window 1m
    # ends     10: 2    40: 3          70: b left, 2    100: all left
    people = Measure("people", ("page_view",), Aggregation.DISTINCT, "visitor")
    events = [view(0, "a"), view(0, "b"), view(30_000, "a"), view(30_000, "c")]
    assert steps(people, "1m", [*events, tick(5 * MINUTE_MS)]) == [
        (10_000, 2),
        (40_000, 3),
        (70_000, 2),
        (100_000, 0),
    ]


def test_a_member_that_returns_after_the_window_counts_anew() -> None:
    """A member is gone between two panes that no window holds together."""
    people = Measure("people", ("page_view",), Aggregation.DISTINCT, "visitor")
    events = [view(0), view(70_000), tick(5 * MINUTE_MS)]
    assert steps(people, "1m", events) == [(10_000, 1), (70_000, 0), (80_000, 1), (140_000, 0)]


def test_a_calendar_window_starts_anew_with_its_period() -> None:
    """Month to date adds days up, and its first end in the next month starts from nothing."""
    # days (from 14 Nov)    0: 1   1: 2   16 (30 Nov): 1    17 (1 Dec): none
    days = [0, 1, 1, 16]
    events = [view(NOV_14_MS + day * DAY_MS - T0_MS + MINUTE_MS) for day in days]
    events.append(tick(NOV_14_MS + 20 * DAY_MS - T0_MS))
    found = steps(count("page_view"), "month_to_date", events)
    ends = [
        (NOV_14_MS + day * DAY_MS - T0_MS, amount)
        for day, amount in [(1, 1), (2, 3), (17, 4), (18, 0)]
    ]
    assert found == ends


def test_the_grid_counts_every_window_between() -> None:
    """Ends are counted from one to the last final one, both included."""
    con = recomputed(log_of([view(0), tick(10 * DAY_MS)]), catalog_of(count("page_view")))
    trailing = Grid(con, window("1m"), T0_MS + 100_000)
    assert trailing.count_from(T0_MS + 10_000) == 10
    assert trailing.start_ms(T0_MS + 100_000) == T0_MS + 40_000
    calendar = Grid(con, window("month_to_date"), NOV_14_MS + 3 * DAY_MS)
    assert calendar.count_from(NOV_14_MS + DAY_MS) == 3
    assert calendar.start_ms(NOV_14_MS + DAY_MS) == NOV_14_MS - 13 * DAY_MS
