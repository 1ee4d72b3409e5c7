"""Slots: what the exporter slides is what adding stored panes up gives, at any end.

::

    panes     |-5|·|·|·|·|-4|-3|-2|-1|0|+1|        ends lie between panes
    window                   |-----|
    previous           |-----|
    level     |--------------------|               the rung ``all`` less what came after
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from processors import names
from processors.catalog.operand import LAST_WEEK, PREVIOUS, Slot
from processors.cells import CellTable
from processors.ladder import ALL, ALL_MS, BASE_MS, DAY_MS, Ladder
from processors.sliding import SlidingSums
from processors.slots import add_up, slot_runs, slot_span, slots_of
from processors.windows import Run, live_end, pane_starts
from tests.processors.catalog.presets import loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

CATALOG = loaded(
    """
measures:
  views: {events: [page_view], agg: count}
  clicks: {events: [ad_click], agg: count}
metrics:
  growth: {type: derived, unit: count, direction: up, samples: views, windows: [1m, 2h, 30d],
    numerator: views - previous(views), dimension_sets: [[], [source]]}
  stock: {type: derived, unit: count, direction: up, samples: views,
    windows: [1m, 2h, 30d, month_to_date],
    numerator: level(views - clicks) - previous(level(views))}
  weekly: {type: ratio, unit: ratio, direction: up, samples: views, windows: [1m, 1d, day_to_date],
    numerator: views, denominator: same_time_last_week(views)}
""",
    zone="Europe/Berlin",
)
START_MS = 1_711_800_000_000  # 2024-03-30: the clock goes forward the night after
CELLS = [
    names.cell_name(names.Cell("views", "", (), ())),
    names.cell_name(names.Cell("views", "", ("source",), ("mail",))),
    names.cell_name(names.Cell("clicks", "", (), ())),
]
AT = st.integers(-40 * DAY_MS // BASE_MS, 6).map(lambda n: START_MS + n * BASE_MS) | st.integers(
    -800, 6
).map(lambda n: START_MS + n * BASE_MS)
LOG = st.lists(st.tuples(AT, st.sampled_from(CELLS), st.integers(-2, 3)), max_size=30)
JUMPS = st.lists(st.sampled_from([0, BASE_MS, 65_000, 3_700_000, DAY_MS, 8 * DAY_MS]), max_size=4)


def shown(table: CellTable) -> dict[tuple[str, str], int]:
    """Return what is not 0 of all cells."""
    return {
        (measure, key): amount
        for measure, dimensions in (("views", ()), ("views", ("source",)), ("clicks", ()))
        for key, amount in table.components(measure, dimensions).get("", {}).items()
        if isinstance(amount, int) and amount
    }


def stored(run: Run, log: list[tuple[int, str, int]], ladder: Ladder) -> list[Mapping[str, int]]:
    """Return the panes of a run, made up of the log."""
    rung = ladder.rung(run.rung)
    return [
        {cell: amount}
        for at_ms, cell, amount in log
        if run.start_ms <= ladder.pane_start(rung, at_ms) < run.end_ms
    ]


def reads(metric_id: str, slot: Slot, table: CellTable) -> dict[tuple[str, str], int]:
    """Leave out what the KPI does not read in a slot: views are shared by KPIs."""
    only = {"views"} if metric_id != "stock" or slot.shift or not slot.level else None
    return {k: n for k, n in shown(table).items() if only is None or k[0] in only}


@settings(max_examples=60, deadline=None)
@given(LOG, LOG, JUMPS)
def test_what_slides_is_what_panes_add_up_to(
    before: list[tuple[int, str, int]], after: list[tuple[int, str, int]], jumps: list[int]
) -> None:
    """Loaded, followed and moved on, every slot equals its runs of stored panes."""
    ladder, now_ms = CATALOG.ladder, START_MS + 30_000
    sums = SlidingSums(CATALOG)
    watermarks = dict.fromkeys(names.EVENT_TOPICS, now_ms)
    for rung, since_ms in sums.needs(now_ms, watermarks).items():
        for at_ms, cell, amount in before:
            start_ms = ladder.pane_start(ladder.rung(rung), at_ms)
            if start_ms >= since_ms:
                sums.load(rung, {start_ms: {cell: amount}})
    sums.advance(now_ms, watermarks)
    log = list(before)
    for jump_ms in (0, *jumps):
        now_ms += jump_ms
        watermarks = dict.fromkeys(names.EVENT_TOPICS, now_ms)
        sums.advance(now_ms, watermarks)
        for at_ms, cell, amount in after:
            sums.add({at_ms: {cell: amount}})
        log += after
        if not sums.whole:
            return
        for metric in CATALOG.metrics.values():
            for window in metric.windows:
                tables = sums.tables(metric, window, final=False)
                assert tables is not None
                end_ms = live_end(window, now_ms, ladder)
                for slot in slots_of(metric):
                    runs = slot_runs(slot, window, end_ms, ladder)
                    expected = add_up(runs, {run: stored(run, log, ladder) for run in runs.all})
                    found = reads(metric.id, slot, tables[slot])
                    assert found == reads(metric.id, slot, expected), (metric.id, window.name, slot)


def test_last_week_ends_at_a_minute_seven_days_before() -> None:
    """10 s panes are not kept for a week: what is compared is a whole minute."""
    one = CATALOG.metrics["weekly"].windows[0]
    week = slot_span(Slot(LAST_WEEK), one, START_MS + 30_000, CATALOG.ladder)
    assert week == (START_MS - 7 * DAY_MS - 60_000, START_MS - 7 * DAY_MS)


def test_last_weeks_day_is_a_local_day() -> None:
    """A day of 23 hours is held against the day of 24 hours a week before."""
    to_date = CATALOG.metrics["weekly"].windows[2]
    days = CATALOG.ladder.days
    midnight = days.midnight(days.local_date(START_MS + DAY_MS)) + 23 * 3_600_000
    start_ms, end_ms = slot_span(Slot(LAST_WEEK), to_date, midnight, CATALOG.ladder)
    assert end_ms - start_ms == 24 * 3_600_000


def test_a_level_reads_one_pane_less_what_came_after() -> None:
    """However long ago the beginning was."""
    window = CATALOG.metrics["stock"].windows[0]
    runs = slot_runs(Slot("", level=True), window, START_MS, CATALOG.ladder)
    assert runs.add == [Run(ALL, 0, ALL_MS)]
    assert runs.less == [Run("10s", START_MS, ALL_MS)]
    before = slot_runs(Slot(PREVIOUS, level=True), window, START_MS, CATALOG.ladder)
    assert before.less == [Run("10s", START_MS - 60_000, ALL_MS)]
    assert list(pane_starts(Run("10s", START_MS, START_MS + 20_000), CATALOG.ladder))
