"""The live side: panes as the tables hold them, windows as the exporter works them out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from processors.catalog.requirements import topics_of
from processors.cells import SEPARATOR, CellTable, cell_ref
from processors.evaluate import evaluate
from processors.ladder import ALL
from processors.sliding import SlidingSums
from processors.slots import Tables, slots_of
from streams.verify.series import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from processors.catalog.model import Catalog, Metric, Window
    from processors.cells import Values
    from processors.evaluate import Row
    from streams.tables.base import Cells, RungPanes

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
            keys = found.setdefault(Source(measure, dimensions), {})
            keys.setdefault(values, {}).setdefault(start_ms, {})[name] = amount
    return found


class LiveWindow:
    """One window of one KPI, moved from end to end over stored panes, as the exporter does.

    Panes come in as time goes on. Where a level is read, the next one is in beforehand, because a
    level is all that there is, less what came after the window's end.

    Args:
        catalog: the whole catalogue; only this KPI is worked out.
        metric: the KPI.
        window: one of its windows.
        panes: rung -> stored panes by source: the rung by which the window slides, and others that
            it reads.
    """

    def __init__(
        self,
        catalog: Catalog,
        metric: Metric,
        window: Window,
        panes: Mapping[str, Mapping[Source, SourcePanes]],
    ) -> None:
        self._metric, self._window = replace(metric, windows=(window,)), window
        self._catalog = replace(catalog, metrics={metric.id: self._metric}, requirements={})
        self._slots = slots_of(metric)
        self._sums = SlidingSums(self._catalog)
        self._topics = topics_of(metric, catalog.measures)
        self._levels = any(slot.level for slot in self._slots)
        self._panes: dict[int, list[tuple[Source, str, Cells]]] = {}
        self._waiting: list[tuple[int, str, list[Cells]]] = []
        for rung, sources in panes.items():
            starts: dict[int, list[Cells]] = {}
            for source, keys in sources.items():
                for key, found in keys.items():
                    for start_ms, cells in found.items():
                        starts.setdefault(start_ms, []).append(cells)
                        if rung == window.rung:
                            self._panes.setdefault(start_ms, []).append((source, key, cells))
            self._waiting += ((start_ms, rung, cells) for start_ms, cells in starts.items())
        self._waiting.sort(key=lambda pane: -pane[0])
        self._loaded_ms = -1
        self._tables = Tables()

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
        waiting = self._waiting
        while waiting and (waiting[-1][0] < end_ms or (self._levels and self._loaded_ms < end_ms)):
            start_ms, rung, panes = waiting.pop()
            for cells in panes:
                self._sums.load(rung, {start_ms: cells})
                if self._levels and rung == self._window.rung:
                    self._sums.load(ALL, {0: cells})
            self._loaded_ms = start_ms
        # The live end is the final one's here, and both windows forget the same panes.
        self._sums.advance(end_ms - 1, dict.fromkeys(self._topics, end_ms))
        tables = self._sums.tables(self._metric, self._window, final=True)
        if tables is None:
            raise AssertionError("a window that was advanced has an end")
        self._tables = tables

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
        self,
        dimensions: tuple[str, ...],
        by_row: set[tuple[str, tuple[str, ...]]],
        keys: set[str],
    ) -> list[Row]:
        """Return the exporter's rows of one dimension set, of some values and maybe of more.

        Args:
            dimensions: the set.
            by_row: measures and sets whose cells have the rows' values, or share them.
            keys: values of cells, as any of ``by_row`` has them.
        """
        picked = Tables({slot: _Picked(self._tables[slot], by_row, keys) for slot in self._slots})
        span = self._sums.span(self._metric, self._window, final=True)
        if span is None:
            raise AssertionError("a window that was advanced has a span")
        return evaluate(self._catalog, self._metric, self._window, dimensions, picked, span)


class _Picked(CellTable):
    """Some dimension values of a table; of what is not by them everything."""

    def __init__(
        self, table: CellTable, by_row: set[tuple[str, tuple[str, ...]]], keys: set[str]
    ) -> None:
        super().__init__()
        self._table, self._keys = table, keys
        self._by_row = by_row

    def components(self, measure: str, dimensions: tuple[str, ...]) -> Mapping[str, Values]:
        """Return a measure's cells of the values picked, by component."""
        if (measure, dimensions) not in self._by_row:
            return self._table.components(measure, dimensions)
        return self._table.picked(measure, dimensions, self._keys)

    def members(self, measure: str, dimensions: tuple[str, ...]) -> Mapping[str, AbstractSet[int]]:
        """Return the hashes of a distinct count, of the values picked."""
        found = self._table.members(measure, dimensions)
        return {key: found[key] for key in self._keys if key in found}


def row_key(dimensions: Iterable[str], row: Row) -> str:
    """Return a row's values as cells spell them."""
    return SEPARATOR.join(row.dimensions[name] for name in dimensions)
