"""A KPI's course: its value at many past ends of a window, from the panes that are stored.

::

    panes      |··|··|··|··|··|··|··|··|··|··|··|··|
    ends                      e1    e2    e3    e4       every step, up to the last before now
    window     |--------------|--------------|           at each end; at e3 the one before is e1's

The sums slide over the panes as the exporter's own do, so a past value is what ``kpi query --at``
answers for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from processors.catalog.model import CHANGE
from processors.catalog.requirements import measures_of, reads_of
from processors.cells import cell_ref
from processors.durations import parse_duration_ms
from processors.evaluate import evaluate
from processors.ladder import ALL, DAY_MS
from processors.reading import reading
from processors.sliding import SlidingSums
from processors.windows import Span, final_end, previous_span, window_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from processors.catalog.model import Catalog, Metric, Window
    from processors.evaluate import Figure, Row
    from processors.ladder import Ladder
    from streams.exporter.selection import Part
    from streams.tables.base import Cells

    _Key = tuple[str, str, tuple[str, ...], tuple[str, ...]]


Counted = Callable[["Metric", "Window", tuple[str, ...], int], bool]
_NEVER_MS: Final = 1 << 62


class Grid(NamedTuple):
    """Which ends are looked at: every ``step_ms``, over ``range_ms``."""

    step_ms: int
    range_ms: int


def _grid(step: str, length: str) -> Grid:
    return Grid(parse_duration_ms(step), parse_duration_ms(length))


_GRIDS: Final = (  # windows up to this long (ms)
    (parse_duration_ms("1m"), _grid("20s", "20m")),
    (parse_duration_ms("5m"), _grid("1m", "1h")),
    (parse_duration_ms("15m"), _grid("3m", "3h")),
    (parse_duration_ms("1h"), _grid("5m", "6h")),
    (parse_duration_ms("1d"), _grid("3h", "7d")),
    (parse_duration_ms("7d"), _grid("12h", "28d")),
    (parse_duration_ms("90d"), _grid("1d", "30d")),
)
_CALENDAR: Final = _grid("1d", "31d")
_COARSER: Final = ("1m", "1h")


def grid_of(window: Window) -> Grid:
    """Return the grid on which a window's course is shown."""
    if window.calendar:
        return _CALENDAR
    return next(grid for size_ms, grid in _GRIDS if window.size_ms <= size_ms)


def next_change_ms(window: Window, now_ms: int) -> int:
    """Return when a course has its next point."""
    step_ms = grid_of(window).step_ms
    return now_ms - now_ms % step_ms + step_ms


class Point(NamedTuple):
    """One figure of a course: at an end, and the one of the window just before that end."""

    end_ms: int
    value: Figure
    before: Figure


@dataclass
class Course:
    """One stat of one KPI for one combination of dimension values."""

    kpi: str
    stat: str
    window: str
    dimensions: dict[str, str]
    unit: str
    step_ms: int
    points: list[Point]


class CoursePlan:
    """What one window's courses of some KPIs need, and how they are worked out.

    Args:
        catalog: that the KPIs are of.
        parts: KPIs with one of their dimension sets each.
        window: theirs, as :func:`coarse` has it for all of them.
        now_ms: the clock; no end lies behind it.
    """

    def __init__(
        self, catalog: Catalog, parts: Sequence[Part], window: Window, now_ms: int
    ) -> None:
        self._window, self._grid = window, grid_of(window)
        metrics = {m.id: replace(m, windows=(window,), alerts=()) for m, _, _ in parts}
        self._parts = [(metrics[metric.id], by) for metric, _, by in parts]
        self._catalog = replace(catalog, metrics=metrics)
        self._sums = SlidingSums(self._catalog)
        ladder = catalog.ladder
        self._ends = list(_ends(window, self._grid, now_ms, ladder))
        self._before = {end_ms: previous_span(window, end_ms, ladder)[1] for end_ms in self._ends}
        self._looks = sorted({*self._ends, *self._before.values()})
        self._levels = {m.id for m in metrics.values() if any(r.slot.level for r in reads_of(m))}
        self._wanted = frozenset(
            (measure, ",".join(kept))
            for metric, by in self._parts
            for measure, _, kept in reading(self._catalog, metric, by).stored
        )
        self._first_ms: int | None = None

    def needs(self) -> dict[str, int]:
        """Return rung -> the first pane start (ms) to read."""
        return self._sums.needs(self._looks[0] - 1, {})

    def load(self, rung: str, start_ms: int, cells: Cells) -> None:
        """Add one partition's pane."""
        wanted = {n: a for n, a in cells.items() if cell_ref(n).group in self._wanted}
        self._sums.load(rung, {start_ms: wanted})
        if rung != ALL:
            self._first_ms = min(start_ms, self._first_ms or start_ms)

    def steps(self) -> Iterator[list[Row]]:
        """Yield the rows at every end that is looked at, from old to new; once."""
        ladder = self._catalog.ladder
        for end_ms in self._looks:
            self._sums.advance(end_ms - 1, {})
            span = Span(window_start(self._window, end_ms, ladder), end_ms)
            rows: list[Row] = []
            for metric, by in self._parts:
                tables = self._sums.tables(metric, self._window, final=False)
                if tables is not None:
                    rows += evaluate(self._catalog, metric, self._window, by, tables, span)
            yield rows

    def courses(
        self, looks: Iterable[list[Row]], values_max: int | None, counted: Counted
    ) -> list[Course]:
        """Return the courses of what :meth:`steps` yielded.

        A window from before the first stored pane is unknown, not 0, but for levels; and so is one
        from before what it reads was counted.

        Args:
            looks: rows by end.
            values_max: only so many dimension values, those with the most samples at last.
            counted: tells whether all that a window reads was counted when it began.
        """
        known_from = self._counted_ends(counted)
        values: dict[_Key, dict[int, Figure]] = {}
        latest: dict[_Key, Row] = {}
        first_ms = self._first_ms
        for row in (row for look in looks for row in look):
            if row.stat != CHANGE:
                key = (row.kpi, row.stat, tuple(row.dimensions), tuple(row.dimensions.values()))
                latest[key] = row
                stored = first_ms is not None and row.window_start_ms >= first_ms
                since_ms = known_from[row.kpi, key[2]]
                if (stored or row.kpi in self._levels) and row.window_end_ms >= since_ms:
                    values.setdefault(key, {})[row.window_end_ms] = row.value
        shown = sorted(values, key=lambda key: self._weight(latest[key]), reverse=True)
        taken = Counter[tuple[Any, ...]]()
        found: list[Course] = []
        for key in shown:
            taken[key[:3]] += 1
            if values_max is None or taken[key[:3]] <= values_max:
                found.append(self._course(latest[key], values[key]))
        return found

    def _counted_ends(self, counted: Counted) -> dict[tuple[str, tuple[str, ...]], int]:
        """Return, for each KPI and dimension set, the first end of a window that is whole."""
        return {
            (metric.id, by): next(
                (end for end in self._looks if counted(metric, self._window, by, end)), _NEVER_MS
            )
            for metric, by in self._parts
        }

    def _weight(self, row: Row) -> tuple[int, int]:
        return row.window_end_ms, row.samples

    def _course(self, row: Row, values: Mapping[int, Figure]) -> Course:
        points = [
            Point(end_ms, values.get(end_ms), values.get(self._before[end_ms]))
            for end_ms in self._ends
        ]
        step_ms = self._grid.step_ms
        return Course(row.kpi, row.stat, row.window, row.dimensions, row.unit, step_ms, points)


def coarse(catalog: Catalog, metric: Metric, window: Window) -> Window:
    """Return the window sliding by the largest panes that its course can be read from."""
    if window.calendar:
        return window
    ladder, grid = catalog.ladder, grid_of(window)
    kept = [catalog.requirements[name].rungs for name in measures_of(metric)]
    for name in _COARSER:
        size_ms = ladder.rung(name).size_ms
        larger = size_ms > ladder.rung(window.rung).size_ms
        fits = grid.step_ms % size_ms == 0 and window.size_ms % size_ms == 0
        if larger and fits and all(name in rungs for rungs in kept):
            window = replace(window, rung=name)
    return window


def _ends(window: Window, grid: Grid, now_ms: int, ladder: Ladder) -> Iterator[int]:
    """Yield the ends of a course, old to new; those of calendar windows are midnights."""
    if not window.calendar:
        last_ms = now_ms - now_ms % grid.step_ms
        yield from range(last_ms - grid.range_ms, last_ms + 1, grid.step_ms)
        return
    last_ms = final_end(window, now_ms, ladder)
    # From the middle of a day: local days are an hour longer or shorter twice a year.
    noon_ms = last_ms + DAY_MS // 2
    for days in range(grid.range_ms // DAY_MS, -1, -1):
        yield final_end(window, noon_ms - days * DAY_MS, ladder)
