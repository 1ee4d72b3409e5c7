"""Window sums that follow the log of deltas: a step costs what changed, not what the window holds.

::

    panes     | 3 | 1 | 4 | 1 | 5 |        a delta adds to its pane and to every window over it
    window    |-----------|        8
    advance       |-----------|    6       what leaves is taken off, what comes in is added
    late          +1               7       a correction reaches the pane while a window holds it

Each window of each KPI has a live and a final view (see :mod:`processors.windows`), and one for
each slot that the KPI reads beside it (see :mod:`processors.slots`). A level is the one pane of the
rung ``all`` less a view from the window's end on. KPIs that read the same topics share views,
because a final end follows the slowest of their watermarks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from processors import windows
from processors.catalog.model import Window
from processors.catalog.operand import PREVIOUS, WINDOW, Slot
from processors.catalog.requirements import reads_of, slide_rung, topics_of
from processors.ladder import ALL, ALL_MS
from processors.sliding_panes import SlidingPanes
from processors.sliding_view import CellNumbers, View
from processors.slots import Tables, slot_span, slots_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from processors.catalog.model import Catalog, Metric
    from processors.cells import CellTable
    from processors.ladder import Ladder, Panes

    Topics = frozenset[str]

_EVER = Slot("", level=True)


class _Key(NamedTuple):
    """Which view: of what window and slot; a live end is the clock's whatever the topics are."""

    window: str
    topics: frozenset[str]
    final: bool
    slot: Slot


class SlidingSums:
    """Sums of every window of a catalogue, live and final.

    Args:
        catalog: says which measures are read through which windows.
        previous: also keep each window just before, whether a KPI reads it or not.
    """

    def __init__(self, catalog: Catalog, *, previous: bool = False) -> None:
        self._ladder: Ladder = catalog.ladder
        self._topics = {m.id: topics_of(m, catalog.measures) for m in catalog.metrics.values()}
        self._slots = {m.id: slots_of(m) for m in catalog.metrics.values()}
        self._views: dict[_Key, View] = {}
        self._numbers = CellNumbers()
        self._rungs = {rung.name: SlidingPanes(self._numbers) for rung in self._ladder.rungs}
        self._ever = View(Window(ALL, 0, ALL), frozenset(), final=False, slot=_EVER, rung=ALL)
        for metric in catalog.metrics.values():
            self._plan(metric, previous=previous)
        for view in self._views.values():
            self._rungs[view.rung].attach(view)
        if self._ever.measures:
            self._rungs[ALL].attach(self._ever)
            self._rungs[ALL].move(self._ever, 0, ALL_MS)
        self._watermarks: dict[Topics, int] = {}
        self._reads: dict[tuple[str, str, bool], tuple[tuple[View, str], ...]] = {}

    def _plan(self, metric: Metric, *, previous: bool) -> None:
        """Make the views that a KPI reads, and tell them which measures."""
        topics = self._topics[metric.id]
        reads = [(read.slot, read.measure) for read in reads_of(metric)]
        if previous:
            reads += [(Slot(PREVIOUS), name) for slot, name in reads if slot == WINDOW]
        reads += [(WINDOW, "")]  # every window has a place, whatever is read of it
        for window in metric.windows:
            for final in (False, True):
                for slot, measure in reads:
                    key = _Key(window.name, topics if final else frozenset(), final, slot)
                    view = self._views.get(key)
                    if view is None:
                        rung = slide_rung(slot, window)
                        view = View(window, key.topics, final=final, slot=slot, rung=rung)
                        self._views[key] = view
                    view.measures |= {measure} - {""}
                    if slot.level:
                        self._ever.measures.add(measure)

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
        since: dict[str, int] = {ALL: 0} if self._ever.measures else {}
        for view in self._views.values():
            end_ms = self._end(view, now_ms, watermarks)
            if end_ms is not None:
                start_ms = self._span(view, end_ms)[0]
                since[view.rung] = min(start_ms, since.get(view.rung, start_ms))
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
        """Return the sums of a KPI's window, or of the one before; None where no end is known."""
        view = self._view(metric, window, final, Slot(PREVIOUS) if previous else WINDOW)
        return view.table(self._numbers) if view.placed else None

    def tables(self, metric: Metric, window: Window, *, final: bool) -> Tables | None:
        """Return the sums that a KPI reads, by slot; None where no end is known yet."""
        found = Tables()
        for slot in self._slots[metric.id]:
            view = self._view(metric, window, final, slot)
            if not view.placed:
                return None
            found[slot] = view.table(self._numbers)
            if slot.level:
                found[slot] = self._ever.table_less(view, self._numbers)
        return found

    def changes(self, metric: Metric, window: Window, *, final: bool) -> tuple[int, ...]:
        """Return numbers that differ once anything that a KPI reads has changed."""
        key = (metric.id, window.name, final)
        reads = self._reads.get(key)
        if reads is None:
            reads = self._reads[key] = tuple(self._reads_of(metric, window, final))
        return tuple(
            count for view, measure in reads for count in (view.moves, view.changes.get(measure, 0))
        )

    def _reads_of(self, metric: Metric, window: Window, final: bool) -> Iterator[tuple[View, str]]:
        for read in reads_of(metric):
            yield self._view(metric, window, final, read.slot), read.measure
            if read.slot.level:
                yield self._ever, read.measure

    def ever(self) -> CellTable:
        """Return what came since the beginning, of the measures of which some KPI reads a level."""
        return self._ever.table(self._numbers)

    def span(self, metric: Metric, window: Window, *, final: bool) -> windows.Span | None:
        """Return the time that a KPI's rows stand for; None where no end is known yet."""
        view = self._view(metric, window, final, WINDOW)
        if not view.placed:
            return None
        watermark_ms = self._watermarks.get(self._topics[metric.id])
        provisional = watermark_ms is None or watermark_ms < view.end_ms
        return windows.Span(
            view.start_ms, view.end_ms, provisional=provisional, watermark_ms=watermark_ms
        )

    def _view(self, metric: Metric, window: Window, final: bool, slot: Slot) -> View:
        topics = self._topics[metric.id] if final else frozenset[str]()
        return self._views[_Key(window.name, topics, final, slot)]

    def _end(self, view: View, now_ms: int, watermarks: Mapping[str, int]) -> int | None:
        if not view.final:
            return windows.live_end(view.window, now_ms, self._ladder)
        watermark_ms = _slowest(view.topics, watermarks)
        if watermark_ms is None:
            return None
        return windows.final_end(view.window, watermark_ms, self._ladder)

    def _span(self, view: View, window_end_ms: int) -> tuple[int, int]:
        """Return the panes of a view; a level's are those after its end, to be taken off."""
        start_ms, end_ms = slot_span(view.slot, view.window, window_end_ms, self._ladder)
        return (end_ms, ALL_MS) if view.slot.level else (start_ms, end_ms)

    def _place(self, view: View, window_end_ms: int) -> bool:
        start_ms, end_ms = self._span(view, window_end_ms)
        if view.placed and (start_ms, end_ms) == (view.start_ms, view.end_ms):
            return False
        self._rungs[view.rung].move(view, start_ms, end_ms)
        return True


def _slowest(topics: Topics, watermarks: Mapping[str, int]) -> int | None:
    if not topics <= watermarks.keys():
        return None
    return min(watermarks[topic] for topic in topics)
