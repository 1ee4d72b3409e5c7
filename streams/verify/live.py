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
    from collections.abc import Iterable, Mapping

    from processors.catalog.model import Metric, Window
    from processors.evaluate import Row
    from streams.tables.base import Cells, RungPanes
    from streams.verify.series import Source

    SourcePanes = dict[str, RungPanes]
    """Dimension values -> panes with the cells of these values alone."""


def by_source(panes: RungPanes) -> dict[Source, SourcePanes]:
    """Return one rung's panes apart by measure, dimension set and values."""
    found: dict[Source, SourcePanes] = {}
    sets: dict[str, tuple[str, ...]] = {}
    for start_ms, cells in panes.items():
        for name, amount in cells.items():
            (measure, joined), _, values = cell_ref(name)
            dimensions = sets.get(joined)
            if dimensions is None:
                dimensions = sets[joined] = tuple(joined.split(",")) if joined else ()
            keys = found.setdefault((measure, dimensions), {})
            keys.setdefault(values, {}).setdefault(start_ms, {})[name] = amount
    return found


class LiveWindow:
    """One window of one KPI, moved from end to end over stored panes.

    Args:
        catalog: the whole catalogue; only this KPI is worked out.
        metric: the KPI.
        window: one of its windows.
        panes: stored panes of the rung by which the window slides, by source.
    """

    def __init__(
        self, catalog: Catalog, metric: Metric, window: Window, panes: Mapping[Source, SourcePanes]
    ) -> None:
        self._metric, self._window = replace(metric, windows=(window,)), window
        self._catalog = Catalog(
            catalog.measures,
            {metric.id: self._metric},
            {},
            catalog.defaults,
            catalog.ladder,
        )
        self._sums = SlidingSums(self._catalog)
        self._topics = topics_of(metric, catalog.measures)
        self._panes: dict[int, list[tuple[Source, str, Cells]]] = {}
        for source, keys in panes.items():
            for key, found in keys.items():
                for start_ms, cells in found.items():
                    self._panes.setdefault(start_ms, []).append((source, key, cells))
        self._waiting = sorted(self._panes, reverse=True)
        self._table = CellTable()
        self._single = sum(map(len, panes.values())) <= 1  # then there is nothing to pick from

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
            for _, _, cells in self._panes[start_ms]:
                self._sums.load(self._window.rung, {start_ms: cells})
        # The live end is the final one's here, and both windows forget the same panes.
        self._sums.advance(end_ms - 1, dict.fromkeys(self._topics, end_ms))
        table = self._sums.table(self._metric, self._window, final=True)
        if table is None:
            raise AssertionError("a window that was advanced has an end")
        self._table = table

    def touched(self, end_ms: int) -> dict[Source, set[str]]:
        """Return the values of which anything came in or left at an end, by source."""
        ladder = self._catalog.ladder
        rung = ladder.rung(self._window.rung)
        starts = [ladder.pane_start(rung, end_ms - 1)]
        if not self._window.calendar:
            starts.append(starts[0] - self._window.size_ms)
        found: dict[Source, set[str]] = {}
        for start_ms in starts:
            for source, key, _ in self._panes.get(start_ms, ()):
                found.setdefault(source, set()).add(key)
        return found

    def rows(
        self, dimensions: tuple[str, ...], sources: Iterable[Source], keys: set[str]
    ) -> list[Row]:
        """Return the exporter's rows of one dimension set, of some values.

        Args:
            dimensions: the set.
            sources: what the KPI reads.
            keys: values of cells, as any of ``sources`` has them.
        """
        picked = self._table if self._single else self._pick(sources, keys)
        span = self._sums.span(self._metric, self._window, final=True)
        if span is None:
            raise AssertionError("a window that was advanced has a span")
        return evaluate(self._catalog, self._metric, self._window, dimensions, picked, span)

    def _pick(self, sources: Iterable[Source], keys: set[str]) -> CellTable:
        picked = CellTable()
        for measure, names in sources:
            joined = ",".join(names)
            for component, values in self._table.components(measure, names).items():
                mine = picked.values(CellRef((measure, joined), component, ""))
                for key in keys:
                    amount = values.get(key)
                    if amount is not None:
                        mine[key] = amount
        return picked


def row_key(dimensions: Iterable[str], row: Row) -> str:
    """Return a row's values as cells spell them."""
    return SEPARATOR.join(row.dimensions[name] for name in dimensions)
