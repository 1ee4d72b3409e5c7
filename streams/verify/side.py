"""One dimension set of a KPI: the exporter's rows beside what they must say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processors.sketch import SKETCH_SIZE
from streams.verify.agree import SKETCH_TOLERANCE, agrees, shown
from streams.verify.live import row_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.evaluate import Row
    from streams.verify.formula import Expected, Formula
    from streams.verify.grid import Grid
    from streams.verify.held import Held
    from streams.verify.live import LiveWindow
    from streams.verify.series import Source
    from streams.verify.tally import Tally


class Side:
    """Compares one dimension set from end to end.

    Args:
        plan: what the rows must say.
        grid: the window's ends.
        tally: gets what was compared.
    """

    def __init__(self, plan: Formula, grid: Grid, tally: Tally) -> None:
        self._plan, self._grid, self._tally = plan, grid, tally
        self._keys: dict[str, set[str]] = {}  # what rows share -> all their values so far
        self._first_ms: dict[str, int] = {}  # values -> where they were first compared
        self._period_ms = 0

    def compare(
        self, end_ms: int, touched: Mapping[Source, set[str]], held: Held, live: LiveWindow
    ) -> None:
        """Compare the rows of all values that anything came in or left of at an end."""
        plan = self._plan
        bares = self._bares(touched)
        start_ms = self._grid.start_ms(end_ms)
        if self._grid.window.calendar and start_ms != self._period_ms:
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
        ours = {
            (row_key(plan.dimensions, row), row.stat): row
            for row in live.rows(plan.dimensions, plan.sources.values(), asked)
        }
        self._count(end_ms, bares)
        span = start_ms, end_ms
        for where in ours.keys() | expected.keys():
            row, must = ours.get(where), expected.get(where)
            if row is None or must is None or not self._same(span, row, must):
                self._differs(where, span, row, must)

    def finish(self) -> None:
        """Add up the grid that was covered."""
        stats = len(self._plan.metric.stats)
        self._tally.grid += stats * sum(map(self._grid.count_from, self._first_ms.values()))

    def _bares(self, touched: Mapping[Source, set[str]]) -> set[str]:
        plan = self._plan
        bares: set[str] = set()
        for name, source in plan.sources.items():
            for key in touched.get(source, ()):
                bare = key if name in plan.shared else plan.bare(key)
                bares.add(bare)
                if name not in plan.shared:
                    self._keys.setdefault(bare, set()).add(key)
        return bares

    def _count(self, end_ms: int, bares: set[str]) -> None:
        stats = len(self._plan.metric.stats)
        for bare in bares:
            for key in self._keys.get(bare, ()):
                self._first_ms.setdefault(key, end_ms)
                self._tally.windows += stats

    def _same(self, span: tuple[int, int], ours: Row, expected: Expected) -> bool:
        tolerance = SKETCH_TOLERANCE if self._plan.inexact and _is_large(expected) else 0.0
        return (
            (ours.window_start_ms, ours.window_end_ms) == span
            and abs(ours.samples - expected.samples) <= tolerance * expected.samples
            and agrees(ours.value, expected.value, tolerance)
            and agrees(ours.numerator, expected.numerator, tolerance)
            and agrees(ours.denominator, expected.denominator, tolerance)
        )

    def _differs(
        self,
        where: tuple[str, str],
        span: tuple[int, int],
        ours: Row | None,
        expected: Expected | None,
    ) -> None:
        key, stat = where
        values = zip(self._plan.dimensions, key.split("\x1f"), strict=False)
        labels = ",".join(f"{name}={value}" for name, value in values)
        self._tally.window_differs(
            f"window {self._grid.window.name} [{span[0]}, {span[1]}) {stat} {{{labels}}}",
            None if ours is None else _told(ours),
            None if expected is None else _must(expected),
        )


def _is_large(expected: Expected) -> bool:
    """Whether a sketch may have been full."""
    figures = (expected.value, expected.numerator, expected.denominator)
    exacts = [figure.exact for figure in figures if figure is not None]
    return any(e is not None and e.over >= SKETCH_SIZE * e.under for e in exacts)


def _told(row: Row) -> list[Any]:
    return [row.value, row.numerator, row.denominator, row.samples]


def _must(expected: Expected) -> list[Any]:
    figures = (expected.value, expected.numerator, expected.denominator)
    return [*map(shown, figures), expected.samples]
