"""Window sums that follow the log of deltas: a step costs what changed, not what the window holds.

::

    panes     | 3 | 1 | 4 | 1 | 5 |        a delta adds to its pane and to every window over it
    window    |-----------|        8
    advance       |-----------|    6       what leaves is taken off, what comes in is added
    late          +1               7       a correction reaches the pane while a window holds it

Each window of each KPI has a live and a final view (see :mod:`processors.windows`). KPIs that read
the same topics share views, because a final end follows the slowest of their watermarks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors import windows
from processors.catalog.requirements import measures_of, topics_of
from processors.cells import CellRef, CellTable, cell_ref
from processors.sketch import smallest
from processors.sliding_union import SlidingUnion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from processors.catalog.model import Catalog, Metric, Window
    from processors.ladder import Ladder, Panes

    Pane = dict[str, int | frozenset[int]]
    Topics = frozenset[str]


class View:
    """Sums over one run of panes that moves forward. Nothing until it has been placed."""

    def __init__(self, window: Window, topics: Topics, *, final: bool, previous: bool) -> None:
        self.window, self.topics, self.final, self.previous = window, topics, final, previous
        self.measures: set[str] = set()
        self.start_ms = self.end_ms = 0
        self.placed = False
        self._sums = CellTable()
        self._unions: dict[CellRef, SlidingUnion] = {}
        self._stale: set[CellRef] = set()

    def add(self, pane_ms: int, ref: CellRef, amount: int | AbstractSet[int]) -> None:
        """Add to a cell of a pane that is in the window."""
        if isinstance(amount, int):
            self._sums.add(ref, amount)
            return
        union = self._unions.get(ref)
        if union is None:
            union = self._unions[ref] = SlidingUnion()
        union.add(pane_ms, amount)
        self._stale.add(ref)

    def take_off(self, cells: Pane) -> None:
        """Take a pane off that has left the window; distinct counts leave by :meth:`leave`."""
        for name, amount in cells.items():
            ref = cell_ref(name)
            if isinstance(amount, int) and ref.group[0] in self.measures:
                self._sums.add(ref, -amount)

    def leave(self, start_ms: int) -> None:
        """Forget distinct members last seen before ``start_ms``."""
        for ref, union in self._unions.items():
            if union.evict(start_ms):
                self._stale.add(ref)

    def clear(self) -> None:
        """Forget all sums."""
        self._sums = CellTable()
        self._unions.clear()
        self._stale.clear()

    def table(self) -> CellTable:
        """Return the sums, distinct counts as estimates. It is changed by what is added later."""
        for ref in self._stale:
            union = self._unions[ref]
            values = self._sums.values(ref)
            if len(union):
                values[ref.values] = union.estimate()
            else:
                values.pop(ref.values, None)
                del self._unions[ref]
        self._stale.clear()
        return self._sums


class SlidingSums:
    """Sums of every window of a catalogue, live and final.

    Args:
        catalog: says which measures are read through which windows.
        previous: also keep each window just before, for ``change``.
    """

    def __init__(self, catalog: Catalog, *, previous: bool = False) -> None:
        self._ladder: Ladder = catalog.ladder
        self._topics = {m.id: topics_of(m, catalog.measures) for m in catalog.metrics.values()}
        self._views: dict[tuple[str, Topics, bool, bool], View] = {}
        for metric in catalog.metrics.values():
            topics = self._topics[metric.id]
            for window in metric.windows:
                for final in (False, True):
                    for before in (False, True) if previous else (False,):
                        # A live end is the clock's whatever the topics are.
                        key = (window.name, topics if final else frozenset[str](), final, before)
                        view = self._views.get(key)
                        if view is None:
                            view = View(window, key[1], final=final, previous=before)
                            self._views[key] = view
                        view.measures.update(measures_of(metric))
        self._rungs = {name: _RungPanes() for name in (r.name for r in self._ladder.rungs)}
        for view in self._views.values():
            rung = self._rungs[view.window.rung]
            rung.views.append(view)
            rung.measures |= view.measures
        self._watermarks: dict[Topics, int] = {}

    def add(self, base: Panes) -> None:
        """Add deltas of the base rung, in order or late."""
        ladder = self._ladder
        for base_ms, cells in base.items():
            for name, rung in self._rungs.items():
                if rung.views:
                    rung.add(ladder.pane_start(ladder.rung(name), base_ms), cells)

    def load(self, rung: str, panes: Panes) -> None:
        """Add stored panes of one rung; see :meth:`needs`."""
        for start_ms, cells in panes.items():
            self._rungs[rung].add(start_ms, cells)

    def advance(self, now_ms: int, watermarks: Mapping[str, int]) -> bool:
        """Move every window's end on, and drop panes that no window holds any more.

        Args:
            now_ms: the clock, for live ends.
            watermarks: topic -> the slowest watermark of its live partitions. A topic that is not
                there holds the final windows of its KPIs where they are.

        Returns:
            Whether any window moved.
        """
        self._watermarks.update(
            (topics, slowest)
            for topics in self._topics.values()
            if (slowest := _slowest(topics, watermarks)) is not None
        )
        moved = False
        for view in self._views.values():
            end_ms = self._end(view, now_ms, watermarks)
            if end_ms is not None:
                moved |= self._place(view, end_ms)
        for rung in self._rungs.values():
            rung.drop()
        return moved

    def needs(self, now_ms: int, watermarks: Mapping[str, int]) -> dict[str, int]:
        """Return rung -> the first pane start (ms) to load before advancing to these ends."""
        since: dict[str, int] = {}
        for view in self._views.values():
            end_ms = self._end(view, now_ms, watermarks)
            if end_ms is not None:
                start_ms = self._span(view, end_ms)[0]
                name = view.window.rung
                since[name] = min(start_ms, since.get(name, start_ms))
        return since

    @property
    def whole(self) -> bool:
        """Whether every placed window has all of its panes.

        False after an end went back behind panes already dropped: load them anew.
        """
        return all(rung.whole() for rung in self._rungs.values())

    def table(
        self, metric: Metric, window: Window, *, final: bool, previous: bool = False
    ) -> CellTable | None:
        """Return the sums that a KPI reads; None where no end is known yet."""
        view = self._view(metric, window, final=final, previous=previous)
        return view.table() if view.placed else None

    def span(self, metric: Metric, window: Window, *, final: bool) -> windows.Span | None:
        """Return the time that a KPI's rows stand for; None where no end is known yet."""
        view = self._view(metric, window, final=final, previous=False)
        if not view.placed:
            return None
        watermark_ms = self._watermarks.get(self._topics[metric.id])
        provisional = watermark_ms is None or watermark_ms < view.end_ms
        return windows.Span(view.start_ms, view.end_ms, provisional=provisional)

    def _view(self, metric: Metric, window: Window, *, final: bool, previous: bool) -> View:
        topics = self._topics[metric.id] if final else frozenset[str]()
        return self._views[window.name, topics, final, previous]

    def _end(self, view: View, now_ms: int, watermarks: Mapping[str, int]) -> int | None:
        if not view.final:
            return windows.live_end(view.window, now_ms, self._ladder)
        watermark_ms = _slowest(view.topics, watermarks)
        if watermark_ms is None:
            return None
        return windows.final_end(view.window, watermark_ms, self._ladder)

    def _span(self, view: View, end_ms: int) -> tuple[int, int]:
        if view.previous:
            return windows.previous_span(view.window, end_ms, self._ladder)
        return windows.window_start(view.window, end_ms, self._ladder), end_ms

    def _place(self, view: View, window_end_ms: int) -> bool:
        start_ms, end_ms = self._span(view, window_end_ms)
        if view.placed and (start_ms, end_ms) == (view.start_ms, view.end_ms):
            return False
        self._rungs[view.window.rung].move(view, start_ms, end_ms)
        return True


def _slowest(topics: Topics, watermarks: Mapping[str, int]) -> int | None:
    if not topics <= watermarks.keys():
        return None
    return min(watermarks[topic] for topic in topics)


class _RungPanes:
    """The panes of one rung that some window may still read, and the windows over them."""

    def __init__(self) -> None:
        self.views: list[View] = []
        self.measures: set[str] = set()
        self._panes: dict[int, Pane] = {}
        self._kept_from_ms: int | None = None

    def add(self, start_ms: int, cells: Mapping[str, int | frozenset[int]]) -> None:
        """Add to a pane and to the windows over it; nothing where it is dropped already."""
        if self._kept_from_ms is not None and start_ms < self._kept_from_ms:
            return
        over = [v for v in self.views if v.placed and v.start_ms <= start_ms < v.end_ms]
        pane = self._panes.get(start_ms)
        if pane is None:
            pane = self._panes[start_ms] = {}
        for name, amount in cells.items():
            ref = cell_ref(name)
            if ref.group[0] not in self.measures:
                continue
            found = pane.get(name)
            if isinstance(amount, int):
                pane[name] = amount if found is None else amount + found  # type: ignore[operator]
            elif found is None:
                pane[name] = amount
            else:
                pane[name] = frozenset(smallest(amount | found))  # type: ignore[operator]
            for view in over:
                if ref.group[0] in view.measures:
                    view.add(start_ms, ref, amount)

    def move(self, view: View, start_ms: int, end_ms: int) -> None:
        """Make a view sum over other panes."""
        overlaps = view.placed and view.start_ms <= start_ms < view.end_ms <= end_ms
        if overlaps:
            for pane_ms, cells in self._between(view.start_ms, start_ms):
                del pane_ms
                view.take_off(cells)
            view.leave(start_ms)
            fresh = self._between(view.end_ms, end_ms)
        else:
            view.clear()
            fresh = self._between(start_ms, end_ms)
        for pane_ms, cells in fresh:
            for name, amount in cells.items():
                ref = cell_ref(name)
                if ref.group[0] in view.measures:
                    view.add(pane_ms, ref, amount)
        view.start_ms, view.end_ms, view.placed = start_ms, end_ms, True

    def drop(self) -> None:
        """Forget panes before every placed window."""
        starts = [view.start_ms for view in self.views if view.placed]
        if not starts:
            return
        first_ms = min(starts)
        for start_ms in [start for start in self._panes if start < first_ms]:
            del self._panes[start_ms]
            self._kept_from_ms = max(first_ms, self._kept_from_ms or first_ms)

    def whole(self) -> bool:
        """Whether no placed window reaches back behind what was dropped."""
        kept_from_ms = self._kept_from_ms
        return kept_from_ms is None or all(
            view.start_ms >= kept_from_ms for view in self.views if view.placed
        )

    def _between(self, start_ms: int, end_ms: int) -> list[tuple[int, Pane]]:
        return [item for item in self._panes.items() if start_ms <= item[0] < end_ms]
