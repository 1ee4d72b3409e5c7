"""Panes, windows and counters of a namespace, held against the recomputation of its log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from streams.verify.compare_panes import compare_rung
from streams.verify.compare_windows import compare_window, more_rungs
from streams.verify.formula import formula
from streams.verify.live import by_source
from streams.verify.oracle import counters
from streams.verify.pool import each
from streams.verify.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

    from processors.catalog.model import Catalog, Window
    from streams.tables.base import RungPanes
    from streams.verify.live import SourcePanes
    from streams.verify.series import Source

    Connect = Callable[[], duckdb.DuckDBPyConnection]
    ReadRung = Callable[[str], RungPanes]
    Report = Callable[[str, int, int], None]

COUNTERS: Final = frozenset({"events", "ticks", "duplicates", "late", "late_unkeyed", "linked"})


@dataclass
class Comparison:
    """The outcome.

    Attributes:
        kpis: by KPI; a pane cell that several KPIs read is in each of them.
        cells: pane cells compared, each once.
        cells_differ: those that differ, each once.
        estimates: distinct counts compared that are estimates, because there are too many members.
        estimate_off_max: the largest share by which one of them is off.
        counters: pipeline counter -> (ours, recomputed).
    """

    kpis: dict[str, Tally] = field(default_factory=dict)
    unread: Tally = field(default_factory=lambda: Tally("(no KPI)"))
    cells: int = 0
    cells_differ: int = 0
    estimates: int = 0
    estimate_off_max: float = 0.0
    counters: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def tallies(self) -> list[Tally]:
        """Every KPI, and what none reads if there is anything."""
        return [*self.kpis.values(), *([self.unread] if self.unread.cells else [])]

    @property
    def windows(self) -> int:
        """Windows compared."""
        return sum(tally.windows for tally in self.kpis.values())

    @property
    def grid(self) -> int:
        """Windows of the grid that these stand for."""
        return sum(tally.grid for tally in self.kpis.values())

    @property
    def windows_differ(self) -> int:
        """Windows that differ."""
        return sum(tally.windows_differ for tally in self.kpis.values())

    @property
    def counters_differ(self) -> int:
        """Pipeline counters that differ."""
        return sum(ours != exact for ours, exact in self.counters.values())

    @property
    def agrees(self) -> bool:
        """Nothing differs, and panes and windows were compared."""
        differ = self.cells_differ + self.windows_differ + self.counters_differ
        return differ == 0 and self.cells > 0 and self.windows > 0

    @property
    def empty(self) -> tuple[str, ...]:
        """KPIs of which every compared window is 0 or undefined: their equality says little."""
        return tuple(tally.name for tally in self.kpis.values() if not tally.filled)


class _Task(NamedTuple):
    """One window of one KPI: all its dimension sets, or of a KPI of durations one."""

    metric: str
    window: Window
    sets: tuple[tuple[str, ...], ...]


def compare(
    connect: Connect,
    catalog: Catalog,
    read_rung: ReadRung,
    pipeline_counters: Mapping[str, int],
    *,
    processes: int = 1,
    report: Report = lambda *_: None,
    check: Callable[[], None] = lambda: None,
) -> Comparison:
    """Compare everything, one rung after the other so that only one is in memory.

    Args:
        connect: opens a recomputed log, read-only; called in each process.
        catalog: what was measured.
        read_rung: returns all stored panes of a rung.
        pipeline_counters: as stored, over all partitions.
        processes: how many may work on windows at once.
        report: gets the progress.
        check: raises to give up.
    """
    outcome = Comparison({name: Tally(name) for name in catalog.metrics})
    readers = _readers(catalog, outcome.kpis)
    tasks = _tasks(catalog)
    done = 0
    for rung in (r.name for r in catalog.ladder.rungs):
        check()
        panes = read_rung(rung)
        with connect() as con:
            _compare_panes(con, catalog, rung, panes, readers, outcome)
        apart = {rung: by_source(panes)}
        panes.clear()
        here = [task for task in tasks if task.window.rung == rung]
        for more in {m for task in here for m in _more_rungs(catalog, task)}:
            apart[more] = by_source(read_rung(more))
        work = partial(_compare_windows, connect, catalog, apart)
        for tally in each(work, here, processes, check):
            outcome.kpis[tally.name].add(tally)
            done += 1
            report("compared windows of KPIs", done, len(tasks))
    with connect() as con:
        exact = counters(con)
    wanted = {name for name in {**exact, **pipeline_counters} if _is_compared(name)}
    outcome.counters = {
        name: (pipeline_counters.get(name, 0), exact.get(name, 0)) for name in sorted(wanted)
    }
    return outcome


def _tasks(catalog: Catalog) -> list[_Task]:
    """Return the tasks, longest windows first: they take longest."""
    tasks = []
    for metric in catalog.metrics.values():
        sets = metric.dimension_sets
        apart = formula(catalog, metric, sets[0]).histogram
        for window in metric.windows:
            tasks += [
                _Task(metric.id, window, some)
                for some in ([(s,) for s in sets] if apart else [sets])
            ]
    return sorted(tasks, key=lambda task: -task.window.size_ms)


def _compare_windows(
    connect: Connect,
    catalog: Catalog,
    panes: Mapping[str, Mapping[Source, SourcePanes]],
    task: _Task,
) -> Tally:
    tally = Tally(task.metric)
    metric = replace(catalog.metrics[task.metric], dimension_sets=task.sets)
    rungs = {task.window.rung, *_more_rungs(catalog, task)}
    mine = {rung: found for rung, found in panes.items() if rung in rungs}
    with connect() as con:
        compare_window(con, catalog, metric, task.window, mine, tally)
    return tally


def _more_rungs(catalog: Catalog, task: _Task) -> set[str]:
    return more_rungs(catalog, catalog.metrics[task.metric], task.window)


def _is_compared(counter: str) -> bool:
    return counter in COUNTERS or counter.startswith("rejected:")


def _readers(catalog: Catalog, tallies: Mapping[str, Tally]) -> dict[tuple[str, str], list[Tally]]:
    """Return (measure, joined set) -> the KPIs that read it."""
    found: dict[tuple[str, str], list[Tally]] = {}
    for metric in catalog.metrics.values():
        for dimensions in metric.dimension_sets:
            for source in formula(catalog, metric, dimensions).reads:
                mine = found.setdefault((source.measure, ",".join(source.dimensions)), [])
                if tallies[metric.id] not in mine:
                    mine.append(tallies[metric.id])
    return found


def _compare_panes(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    rung: str,
    panes: RungPanes,
    readers: Mapping[tuple[str, str], list[Tally]],
    outcome: Comparison,
) -> None:
    def differs(group: tuple[str, str], where: str, ours: Any, recomputed: Any) -> None:
        outcome.cells_differ += 1
        for tally in readers.get(group, [outcome.unread]):
            tally.cell_differs(where, ours, recomputed)

    def estimated(off: float) -> None:
        outcome.estimates += 1
        outcome.estimate_off_max = max(outcome.estimate_off_max, off)

    compared = compare_rung(con, catalog, rung, panes, differs, estimated)
    outcome.cells += compared.total()
    for group, count in compared.items():
        for tally in readers.get(group, [outcome.unread]):
            tally.cells += count
