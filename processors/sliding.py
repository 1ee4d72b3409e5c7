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
from processors.sliding_panes import SlidingPanes
from processors.sliding_view import CellNumbers, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.model import Catalog, Metric, Window
    from processors.cells import CellTable
    from processors.ladder import Ladder, Panes

    Topics = frozenset[str]


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
        self._numbers = CellNumbers()
        self._rungs = {rung.name: SlidingPanes(self._numbers) for rung in self._ladder.rungs}
        for view in self._views.values():
            self._rungs[view.window.rung].attach(view)
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
        return all(rung.whole for rung in self._rungs.values())

    def table(
        self, metric: Metric, window: Window, *, final: bool, previous: bool = False
    ) -> CellTable | None:
        """Return the sums that a KPI reads; None where no end is known yet."""
        view = self._view(metric, window, final=final, previous=previous)
        return view.table(self._numbers) if view.placed else None

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
