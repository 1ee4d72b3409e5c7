"""Every final window of a KPI, held against the recomputation at every end where it can change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import groupby
from typing import TYPE_CHECKING, Any

from processors.sketch import SKETCH_SIZE
from streams.verify.agree import SKETCH_TOLERANCE, agrees, shown
from streams.verify.formula import Held, formula, topic_of
from streams.verify.live import LiveWindow, row_key
from streams.verify.series import final_end_ms, series, slide_ms, starts_by_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import duckdb

    from processors.catalog.model import Catalog, Metric, Window
    from processors.evaluate import Row
    from streams.verify.formula import Expected, Formula
    from streams.verify.live import MeasurePanes
    from streams.verify.series import Change, Source
    from streams.verify.tally import Tally


def compare_window(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    metric: Metric,
    window: Window,
    panes: Mapping[str, MeasurePanes],
    tally: Tally,
) -> None:
    """Compare one window of one KPI, over all its dimension sets.

    Args:
        con: a recomputed log.
        catalog: what was measured.
        metric: the KPI.
        window: one of its windows.
        panes: measure -> stored panes of the rung by which the window slides.
        tally: gets what was compared.
    """
    formulas = [formula(catalog, metric, dimensions) for dimensions in metric.dimension_sets]
    topics = {topic_of(t) for m in formulas[0].measures.values() for t in m.events}
    final_ms = final_end_ms(con, window, topics)
    mine = {name: panes.get(name, {}) for name in formulas[0].measures}
    live = LiveWindow(catalog, metric, window, mine)
    sources = {(n, read): f.measures[n] for f in formulas for n, read in f.sets.items()}
    ends = _Ends(con, window, final_ms)
    sides = [_Side(f, ends, tally) for f in formulas]
    held = Held()
    for end_ms, changes in _steps(live.ends(final_ms), series(con, sources, window, final_ms)):
        live.advance(end_ms)
        touched = {(ref.group, ref.values) for ref in live.touched(end_ms)}
        for change in changes:
            held.set(change)
            touched.add(((change.source[0], ",".join(change.source[1])), change.key))
        by_source: dict[Source, set[str]] = {}
        for (measure, joined), key in touched:
            by_source.setdefault((measure, _split(joined)), set()).add(key)
        for side in sides:
            side.compare(end_ms, by_source, held, live)
    for side in sides:
        side.finish()


def _split(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(",")) if joined else ()


def _steps(ends: list[int], changes: Iterator[Change]) -> Iterator[tuple[int, Iterable[Change]]]:
    """Yield every end of either side with the recomputation's changes there."""
    waiting = iter(ends)
    mine = next(waiting, None)
    for end_ms, group in groupby(changes, key=lambda change: change.end_ms):
        while mine is not None and mine < end_ms:
            yield mine, ()
            mine = next(waiting, None)
        yield end_ms, group
        if mine == end_ms:
            mine = next(waiting, None)
    while mine is not None:
        yield mine, ()
        mine = next(waiting, None)


class _Ends:
    """The grid of one window: its ends and their starts."""

    def __init__(self, con: duckdb.DuckDBPyConnection, window: Window, final_ms: int) -> None:
        self.window, self.final_ms = window, final_ms
        self._starts = starts_by_end(con, window) if window.calendar else {}
        self._sorted = sorted(self._starts)

    def start_ms(self, end_ms: int) -> int:
        """Return where the window that ends there starts."""
        return self._starts[end_ms] if self.window.calendar else end_ms - self.window.size_ms

    def count_from(self, end_ms: int) -> int:
        """Return how many ends there are from this one to the last final one."""
        if self.window.calendar:
            return bisect_right(self._sorted, self.final_ms) - bisect_left(self._sorted, end_ms)
        return (self.final_ms - end_ms) // slide_ms(self.window) + 1


class _Side:
    """One dimension set of the KPI."""

    def __init__(self, plan: Formula, ends: _Ends, tally: Tally) -> None:
        self._plan, self._ends, self._tally = plan, ends, tally
        self._keys: dict[str, set[str]] = {}  # what rows share -> all their values so far
        self._first_ms: dict[str, int] = {}  # values -> where they were first compared
        self._period_ms = 0

    def compare(
        self, end_ms: int, touched: Mapping[Source, set[str]], held: Held, live: LiveWindow
    ) -> None:
        plan = self._plan
        bares: set[str] = set()
        for name, read in plan.sets.items():
            for key in touched.get((name, read), ()):
                if name in plan.shared:
                    bares.add(key)
                else:
                    bare = plan.bare(key)
                    bares.add(bare)
                    self._keys.setdefault(bare, set()).add(key)
        start_ms = self._ends.start_ms(end_ms)
        if self._ends.window.calendar and start_ms != self._period_ms:
            bares.update(self._keys)  # a new period: everything starts anew
            self._period_ms = start_ms
        if not bares:
            return
        expected: dict[tuple[str, str], Expected] = {}
        asked = set(bares) if plan.shared else set[str]()
        for bare in bares:
            keys = self._keys.get(bare, ())
            asked.update(keys)
            expected |= plan.expected(bare, keys, held)
        rows = live.rows(plan.dimensions, plan.sets, asked)
        ours = {(row_key(plan.dimensions, row), row.stat): row for row in rows}
        self._count(end_ms, bares)
        for where in ours.keys() | expected.keys():
            self._hold(where, (start_ms, end_ms), ours.get(where), expected.get(where))

    def _count(self, end_ms: int, bares: set[str]) -> None:
        stats = len(self._plan.metric.stats)
        for bare in bares:
            for key in self._keys.get(bare, ()):
                self._first_ms.setdefault(key, end_ms)
                self._tally.windows += stats

    def finish(self) -> None:
        """Add up the grid that was covered."""
        stats = len(self._plan.metric.stats)
        self._tally.grid += stats * sum(map(self._ends.count_from, self._first_ms.values()))

    def _hold(
        self,
        where: tuple[str, str],
        span: tuple[int, int],
        ours: Row | None,
        expected: Expected | None,
    ) -> None:
        if ours is not None and expected is not None and self._same(span, ours, expected):
            return
        key, stat = where
        labels = ",".join(
            f"{n}={v}" for n, v in zip(self._plan.dimensions, key.split("\x1f"), strict=False)
        )
        self._tally.window_differs(
            f"window {self._ends.window.name} [{span[0]}, {span[1]}) {stat} {{{labels}}}",
            None if ours is None else _told(ours),
            None if expected is None else _must(expected),
        )

    def _same(self, span: tuple[int, int], ours: Row, expected: Expected) -> bool:
        large = self._plan.inexact and any(
            f is not None and f.exact is not None and f.exact >= SKETCH_SIZE
            for f in (expected.value, expected.numerator, expected.denominator)
        )
        tolerance = SKETCH_TOLERANCE if large else 0.0
        return (
            (ours.window_start_ms, ours.window_end_ms) == span
            and abs(ours.samples - expected.samples) <= tolerance * expected.samples
            and agrees(ours.value, expected.value, tolerance)
            and agrees(ours.numerator, expected.numerator, tolerance)
            and agrees(ours.denominator, expected.denominator, tolerance)
        )


def _told(row: Row) -> list[Any]:
    return [row.value, row.numerator, row.denominator, row.samples]


def _must(expected: Expected) -> list[Any]:
    figures = (expected.value, expected.numerator, expected.denominator)
    return [*map(shown, figures), expected.samples]
