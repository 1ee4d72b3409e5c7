"""The live side: panes as the tables hold them, windows as the exporter works them out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from processors.catalog.model import Catalog
from processors.catalog.requirements import topics_of
from processors.cells import SEPARATOR, CellRef, CellTable, cell_ref
from processors.evaluate import evaluate
from processors.sliding import SlidingSums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from processors.catalog.model import Metric, Window
    from processors.evaluate import Row
    from streams.tables.base import RungPanes

    MeasurePanes = dict[int, dict[str, int | frozenset[int]]]


def by_measure(panes: RungPanes) -> dict[str, MeasurePanes]:
    """Return one rung's panes apart by measure: a KPI then loads nothing but its own."""
    found: dict[str, MeasurePanes] = {}
    for start_ms, cells in panes.items():
        for name, amount in cells.items():
            measure = cell_ref(name).group[0]
            found.setdefault(measure, {}).setdefault(start_ms, {})[name] = amount
    return found


class LiveWindow:
    """One window of one KPI, moved from end to end over stored panes.

    Args:
        catalog: the whole catalogue; only this KPI is worked out.
        metric: the KPI.
        window: one of its windows.
        panes: measure -> panes of the rung by which the window slides.
    """

    def __init__(
        self, catalog: Catalog, metric: Metric, window: Window, panes: Mapping[str, MeasurePanes]
    ) -> None:
        only = Catalog(
            catalog.measures,
            {metric.id: _with_window(metric, window)},
            {},
            catalog.defaults,
            catalog.ladder,
        )
        self._catalog, self._metric, self._window = only, only.metrics[metric.id], window
        self._sums = SlidingSums(only)
        self._topics = topics_of(metric, catalog.measures)
        self._panes: dict[int, list[dict[str, int | frozenset[int]]]] = {}
        for measure_panes in panes.values():
            for start_ms, cells in measure_panes.items():
                self._panes.setdefault(start_ms, []).append(cells)
        self._waiting = sorted(self._panes, reverse=True)
        self._table = CellTable()

    def ends(self, final_ms: int) -> list[int]:
        """Return every end up to the last final one at which a pane comes in or leaves."""
        ladder, window = self._catalog.ladder, self._window
        rung = ladder.rung(window.rung)
        found: set[int] = set()
        for start_ms in self._panes:
            end_ms = ladder.pane_end(rung, start_ms)
            found.add(end_ms)
            if not window.calendar:
                found.add(end_ms + window.size_ms)
        return sorted(end_ms for end_ms in found if end_ms <= final_ms)

    def advance(self, end_ms: int) -> None:
        """Move to an end; ends only go up."""
        while self._waiting and self._waiting[-1] < end_ms:
            start_ms = self._waiting.pop()
            for cells in self._panes[start_ms]:
                self._sums.load(self._window.rung, {start_ms: cells})
        # The live end is the final one's here, and both windows forget the same panes.
        self._sums.advance(end_ms - 1, dict.fromkeys(self._topics, end_ms))
        table = self._sums.table(self._metric, self._window, final=True)
        if table is None:
            raise AssertionError("a window that was advanced has an end")
        self._table = table

    def touched(self, end_ms: int) -> Iterator[CellRef]:
        """Yield the cells of the panes that came in or left at an end of a trailing window."""
        slide_ms = self._catalog.ladder.rung(self._window.rung).size_ms
        for start_ms in (end_ms - slide_ms, end_ms - slide_ms - self._window.size_ms):
            for cells in self._panes.get(start_ms, ()):
                yield from map(cell_ref, cells)

    def rows(
        self, dimensions: tuple[str, ...], sets: Mapping[str, tuple[str, ...]], keys: set[str]
    ) -> list[Row]:
        """Return the exporter's rows of one dimension set, of some values.

        Args:
            dimensions: the set.
            sets: measure -> the set under which its cells are kept.
            keys: values of cells, in any of ``sets``.
        """
        picked = CellTable()
        for measure, names in sets.items():
            joined = ",".join(names)
            for component, values in self._table.components(measure, names).items():
                mine = picked.values(CellRef((measure, joined), component, ""))
                for key in keys:
                    amount = values.get(key)
                    if amount is not None:
                        mine[key] = amount
        span = self._sums.span(self._metric, self._window, final=True)
        if span is None:
            raise AssertionError("a window that was advanced has a span")
        return evaluate(self._catalog, self._metric, self._window, dimensions, picked, span)


def row_key(dimensions: Iterable[str], row: Row) -> str:
    """Return a row's values as cells spell them."""
    return SEPARATOR.join(row.dimensions[name] for name in dimensions)


def _with_window(metric: Metric, window: Window) -> Metric:
    return replace(metric, windows=(window,))
