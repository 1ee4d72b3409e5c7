"""Every final window of a KPI, held against the recomputation at every end where it can change.

A KPI of durations is taken one combination of dimension values at a time, because each has
hundreds of cells; any other KPI with all its dimension sets at once.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from streams.verify.formula import formula, topic_of
from streams.verify.grid import Grid
from streams.verify.held import Held
from streams.verify.leaves import LAST_WEEK
from streams.verify.live import LiveWindow
from streams.verify.series import final_end_ms, series
from streams.verify.side import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import duckdb

    from processors.catalog.model import Catalog, Metric, Window
    from streams.verify.figures import Formula
    from streams.verify.live import SourcePanes
    from streams.verify.series import Change, Source
    from streams.verify.tally import Tally


def compare_window(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    metric: Metric,
    window: Window,
    panes: Mapping[str, Mapping[Source, SourcePanes]],
    tally: Tally,
) -> None:
    """Compare one window of one KPI, over all its dimension sets.

    Args:
        con: a recomputed log.
        catalog: what was measured.
        metric: the KPI.
        window: one of its windows.
        panes: rung -> stored panes by source: the rung by which the window slides, and what
            :func:`more_rungs` names.
        tally: gets what was compared.
    """
    formulas = [formula(catalog, metric, dimensions) for dimensions in metric.dimension_sets]
    measures = formulas[0].measures
    topics = {topic_of(t) for measure in measures.values() for t in measure.events}
    grid = Grid(con, window, final_end_ms(con, window, topics))
    sources = {s: measures[s.measure] for f in formulas for s in f.reads}
    changes = series(con, sources, window, grid.final_ms, by_key=formulas[0].histogram)
    stored = {source.stored for source in sources}
    mine = {
        rung: {source: found.get(source, {}) for source in stored} for rung, found in panes.items()
    }
    if formulas[0].histogram:
        _compare_keys(catalog, formulas, grid, mine[window.rung], changes, tally)
    else:
        live = LiveWindow(catalog, metric, window, mine)
        _compare(live, formulas, grid, changes, tally)


def more_rungs(catalog: Catalog, metric: Metric, window: Window) -> set[str]:
    """Return the rungs that a window is read from beside its own: a week ago is to the minute."""
    plan = formula(catalog, metric, metric.dimension_sets[0])
    finer = window.rung == "10s" and any(source.shift == LAST_WEEK for source in plan.reads)
    return {"1m"} if finer else set()


def _compare_keys(
    catalog: Catalog,
    formulas: Sequence[Formula],
    grid: Grid,
    panes: Mapping[Source, SourcePanes],
    changes: Iterator[Change],
    tally: Tally,
) -> None:
    by_set = {f.own[0]: f for f in formulas}
    left = {(source, key): found for source, keys in panes.items() for key, found in keys.items()}
    rung = grid.window.rung
    for (source, key), group in groupby(changes, key=lambda c: (c.source.stored, c.key)):
        plan = by_set[source]
        only = {rung: {source: {key: left.pop((source, key), {})}}}
        live = LiveWindow(catalog, plan.metric, grid.window, only)
        _compare(live, [plan], grid, group, tally)
    for (source, key), found in left.items():
        only = {rung: {source: {key: found}}}
        live = LiveWindow(catalog, by_set[source].metric, grid.window, only)
        _compare(live, [by_set[source]], grid, (), tally)


def _compare(
    live: LiveWindow,
    formulas: Sequence[Formula],
    grid: Grid,
    changes: Iterable[Change],
    tally: Tally,
) -> None:
    held = Held()
    sides = [Side(plan, grid, tally) for plan in formulas]
    for end_ms, arrived in _steps(live.ends(grid.final_ms), changes):
        live.advance(end_ms)
        touched = live.touched(end_ms)
        for change in arrived:
            held.set(change)
            touched.setdefault(change.source, set()).add(change.key)
        for side in sides:
            side.compare(end_ms, touched, held, live)
    for side in sides:
        side.finish()


def _steps(ends: list[int], changes: Iterable[Change]) -> Iterator[tuple[int, Iterable[Change]]]:
    """Yield every end of either side with the recomputation's changes there."""
    waiting = iter(ends)
    mine = next(waiting, None)
    for end_ms, group in groupby(changes, key=attrgetter("end_ms")):
        while mine is not None and mine < end_ms:
            yield mine, ()
            mine = next(waiting, None)
        yield end_ms, group
        if mine == end_ms:
            mine = next(waiting, None)
    while mine is not None:
        yield mine, ()
        mine = next(waiting, None)
