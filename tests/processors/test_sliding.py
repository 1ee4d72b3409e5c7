"""Sliding sums: whatever comes in whatever order, the same as adding the window's panes up.

::

    base panes  0   10  20  30  40  50  60  70
    delta           +2      +1          +4         at 70 s: 10 s, 30 s, 60 s
    1m final            [-----------------------)  ends at the watermark's pane
    late                    +1                     counts: its pane is in the window
    too late    +1                                 changes nothing: no window reads it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import names
from processors.cells import CellTable
from processors.ladder import BASE_MS, DAY_MS
from processors.sketch import estimate
from processors.sliding import SlidingSums
from processors.windows import cover, final_end, live_end, pane_starts, previous_span, window_start
from tests.processors.catalog.presets import loaded

if TYPE_CHECKING:
    from processors.catalog.model import Metric, Window

CATALOG = loaded(
    """
measures:
  views: {events: [page_view], agg: count}
  visitors: {events: [page_view], agg: distinct, of: visitor}
  shows: {events: [ad_impression], agg: count}
  clicks: {events: [ad_click], agg: count}
  waits: {events: [ticket_answered], agg: histogram, of: duration_ms}
metrics:
  views: {type: simple, unit: count, direction: up, numerator: views,
    dimension_sets: [[], [source]], windows: [1m, 16m, month_to_date]}
  visitors: {type: simple, unit: count, direction: up, numerator: visitors, windows: [30s, 2h]}
  rate: {type: ratio, unit: ratio, direction: up, numerator: clicks, denominator: shows,
    windows: [1m, 2h]}
  waits: {type: simple, unit: seconds, direction: down, numerator: waits, windows: [1m]}
""",
    zone="Asia/Kolkata",
)
START_MS = 1_706_725_800_000  # 2024-02-01 00:00 in Kolkata
TOPIC = {
    "views": names.VISITOR,
    "visitors": names.VISITOR,
    "clicks": names.VISITOR,
    "shows": names.ADS,
    "waits": names.SUPPORT,
}
CELLS = [
    names.cell_name(names.Cell(*cell))
    for cell in (
        ("views", "", (), ()),
        ("views", "", ("source",), ("mail",)),
        ("views", "", ("source",), ("ads",)),
        ("clicks", "", (), ()),
        ("shows", "", (), ()),
        ("waits", "b3", (), ()),
        ("waits", "sum", (), ()),
    )
]
VISITORS = names.cell_name(names.Cell("visitors", "", (), ()))

AMOUNTS = st.dictionaries(st.sampled_from(CELLS), st.integers(-2, 3), max_size=3)
SKETCHES = st.dictionaries(
    st.just(VISITORS), st.frozensets(st.integers(1, 30), max_size=4), max_size=1
)
DELTAS = st.tuples(st.integers(0, 30_000), st.builds(lambda a, b: {**a, **b}, AMOUNTS, SKETCHES))
JUMPS = st.sampled_from([0, 3_000, 10_000, 25_000, 60_000, 600_000, 7_200_000, 3 * DAY_MS])
STEPS = st.lists(st.tuples(st.lists(DELTAS, max_size=3), JUMPS, st.integers(0, 4)), max_size=12)

Log = list[tuple[int, dict[str, int | frozenset[int]]]]


def shown(table: CellTable, measures: set[str]) -> dict[tuple[str, ...], int]:
    """Return what is not 0 of some measures, sketches as estimates."""
    sets = {(cell.measure, cell.dimensions) for cell in map(names.parse_cell, (*CELLS, VISITORS))}
    return {
        (measure, *dimensions, component, values): number
        for measure, dimensions in sets
        if measure in measures
        for component, cells in table.components(measure, dimensions).items()
        for values, amount in cells.items()
        if (number := amount if isinstance(amount, int) else estimate(amount))
    }


def added_up(log: Log, start_ms: int, end_ms: int) -> CellTable:
    """The slow way: every delta of every base pane of the window."""
    return CellTable.of(cells for at_ms, cells in log if start_ms <= at_ms < end_ms)


def reads(metric: Metric) -> set[str]:
    """Return the measures of one of the KPIs above."""
    return {metric.numerator, metric.denominator} - {""}


def views() -> list[tuple[Metric, Window]]:
    """Return every KPI with each of its windows."""
    return [(metric, one) for metric in CATALOG.metrics.values() for one in metric.windows]


def check(sums: SlidingSums, log: Log, now_ms: int, watermarks: dict[str, int]) -> None:
    """Compare every live and final window, and each window before, with adding them up."""
    for metric, one in views():
        slowest = min(watermarks[TOPIC[name]] for name in reads(metric))
        for final in (False, True):
            where = final_end(one, slowest, CATALOG.ladder)
            end_ms = where if final else live_end(one, now_ms, CATALOG.ladder)
            spans = {
                False: (window_start(one, end_ms, CATALOG.ladder), end_ms),
                True: previous_span(one, end_ms, CATALOG.ladder),
            }
            span = sums.span(metric, one, final=final)
            assert span is not None
            assert (span.start_ms, span.end_ms) == spans[False]
            assert span.provisional == (slowest < end_ms)
            for previous, bounds in spans.items():
                table = sums.table(metric, one, final=final, previous=previous)
                assert table is not None
                expected = added_up(log, *bounds)
                assert shown(table, reads(metric)) == shown(expected, reads(metric)), (
                    metric.id,
                    one.name,
                    final,
                    previous,
                )


@settings(max_examples=60)
@given(STEPS)
def test_sums_are_those_of_the_panes(steps: list[tuple[list[tuple[int, dict]], int, int]]) -> None:
    """After any deltas, in order, late or ahead, and any moves, all windows are right."""
    sums, log = SlidingSums(CATALOG, previous=True), []
    now_ms = START_MS + 40 * DAY_MS
    watermarks = dict.fromkeys(names.EVENT_TOPICS, now_ms - 30_000)
    sums.advance(now_ms, watermarks)
    for deltas, jump_ms, behind in steps:
        for offset_ms, cells in deltas:
            at_ms = now_ms + 15_000 - offset_ms * 10
            at_ms -= at_ms % BASE_MS
            log.append((at_ms, cells))
            sums.add({at_ms: cells})
        check(sums, log, now_ms, watermarks)
        now_ms += jump_ms
        for place, topic in enumerate((names.VISITOR, names.ADS, names.SUPPORT)):
            slower = now_ms - 30_000 - (place * behind * 7_000)
            watermarks[topic] = max(watermarks[topic], slower)
        sums.advance(now_ms, watermarks)
        check(sums, log, now_ms, watermarks)
        assert sums.whole


@settings(max_examples=30)
@given(st.lists(DELTAS, max_size=10), st.integers(0, 2 * DAY_MS))
def test_loading_stored_panes_is_following_from_the_start(
    deltas: list[tuple[int, dict]], later_ms: int
) -> None:
    """Panes of the rungs that are needed give the sums that following all deltas gives."""
    now_ms = START_MS + 40 * DAY_MS + later_ms
    watermarks = dict.fromkeys(names.EVENT_TOPICS, now_ms - 30_000)
    log: Log = []
    for offset_ms, cells in deltas:
        at_ms = now_ms - offset_ms * 10_000
        log.append((at_ms - at_ms % BASE_MS, cells))
    sums = SlidingSums(CATALOG, previous=True)
    ladder = CATALOG.ladder
    for name, since_ms in sums.needs(now_ms, watermarks).items():
        rung = ladder.rung(name)
        for at_ms, cells in log:
            pane_ms = ladder.pane_start(rung, at_ms)
            if pane_ms >= since_ms:
                sums.load(name, {pane_ms: cells})
    sums.advance(now_ms, watermarks)
    check(sums, log, now_ms, watermarks)


@pytest.mark.parametrize("one", [w for m in CATALOG.metrics.values() for w in m.windows])
def test_a_cover_adds_up_to_the_window(one: Window) -> None:
    """Panes of different rungs, each the sum of its base panes, make up the same window."""
    ladder = CATALOG.ladder
    end_ms = final_end(one, START_MS + 40 * DAY_MS + 12_345_000, ladder)
    start_ms = window_start(one, end_ms, ladder)
    log: Log = [(at, {CELLS[0]: at // BASE_MS % 7 + 1}) for at in range(start_ms, end_ms, 70_000)]
    panes = []
    for run in cover(one, end_ms, ladder):
        rung = ladder.rung(run.rung)
        for pane_ms in pane_starts(run, ladder):
            held = added_up(log, pane_ms, ladder.pane_end(rung, pane_ms))
            panes.append({CELLS[0]: held.components("views", ())[""][""]} if held.groups else {})
    assert CellTable.of(panes).groups == added_up(log, start_ms, end_ms).groups


def test_nothing_is_known_before_a_watermark_is() -> None:
    """A KPI over a silent topic has live windows and no final one."""
    sums = SlidingSums(CATALOG)
    rate = CATALOG.metrics["rate"]
    assert sums.table(rate, rate.windows[0], final=False) is None
    sums.advance(START_MS, {names.VISITOR: START_MS})
    assert sums.table(rate, rate.windows[0], final=False) is not None
    assert sums.table(rate, rate.windows[0], final=True) is None
    assert sums.span(rate, rate.windows[0], final=True) is None


def test_panes_are_dropped_behind_the_last_window() -> None:
    """Memory holds what some window reads; an end that goes back behind that is noticed."""
    sums, topics = SlidingSums(CATALOG), dict.fromkeys(names.EVENT_TOPICS, START_MS)
    sums.advance(START_MS, topics)
    sums.add({START_MS + i * BASE_MS: {CELLS[0]: 1} for i in range(100)})
    later_ms = START_MS + 90 * DAY_MS
    assert sums.advance(later_ms, dict.fromkeys(topics, later_ms))
    assert not sums.advance(later_ms, dict.fromkeys(topics, later_ms))
    assert sums.whole
    sums.advance(later_ms, dict.fromkeys(topics, START_MS + 60_000))
    assert not sums.whole
