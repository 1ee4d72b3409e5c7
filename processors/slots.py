"""Which panes a slot of a window is read from: the window, one shifted, or all up to its end.

::

    time        |····|····|····|····|····|····|
    window                     |---------|           ends at e
    previous         |---------|                     the window just before
    level       |------------------------|           since the beginning = the one pane of the rung
                                         |-----> -   ``all``, less the panes from e on
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from processors.catalog.operand import LAST_WEEK, PREVIOUS, WINDOW, Slot
from processors.catalog.requirements import reads_of, slide_rung, slot_rungs
from processors.cells import CellTable
from processors.ladder import ALL, ALL_MS, DAY_MS
from processors.windows import Run, cover_span, previous_span, window_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processors.catalog.model import Metric, Window
    from processors.cells import Amount
    from processors.ladder import Ladder

_WEEK_MS = 7 * DAY_MS


class SlotRuns(NamedTuple):
    """Panes that add up to a slot, and panes to take off again."""

    add: list[Run]
    less: list[Run]

    @property
    def all(self) -> list[Run]:
        """Every run that must be read."""
        return [*self.add, *self.less]


class Tables(dict[Slot, CellTable]):
    """The cells of a window, by slot."""

    def shifted(self, slot: Slot, shift: str) -> CellTable:
        """Return a slot's cells, or those of the same slot of a shifted window."""
        return self[slot._replace(shift=shift or slot.shift)]


def slots_of(metric: Metric) -> tuple[Slot, ...]:
    """Return the slots that a metric reads, its window first."""
    return tuple(dict.fromkeys((WINDOW, *(read.slot for read in reads_of(metric)))))


def slot_span(slot: Slot, window: Window, end_ms: int, ladder: Ladder) -> tuple[int, int]:
    """Return (start, end) of the window or the shifted one, for the window ending at ``end_ms``."""
    if slot.shift == PREVIOUS:
        return previous_span(window, end_ms, ladder)
    start_ms = window_start(window, end_ms, ladder)
    if slot.shift != LAST_WEEK:
        return start_ms, end_ms
    if window.calendar:
        days, week = ladder.days, timedelta(days=7)
        first, last = days.local_date(start_ms) - week, days.local_date(end_ms) - week
        return days.midnight(first), days.midnight(last)
    rung = ladder.rung(slide_rung(slot, window))
    week_ago_ms = ladder.pane_start(rung, end_ms - _WEEK_MS)
    return week_ago_ms - window.size_ms, week_ago_ms


def slot_runs(slot: Slot, window: Window, end_ms: int, ladder: Ladder) -> SlotRuns:
    """Return the panes that a slot is read from.

    Raises:
        ValueError: the window is not a whole number of panes of the finest rung that is kept.
    """
    start_ms, end_ms = slot_span(slot, window, end_ms, ladder)
    if slot.level:
        return SlotRuns([Run(ALL, 0, ALL_MS)], [Run(slide_rung(slot, window), end_ms, ALL_MS)])
    return SlotRuns(cover_span(start_ms, end_ms, slot_rungs(slot, window, ladder), ladder), [])


def add_up(runs: SlotRuns, panes: Mapping[Run, Iterable[Mapping[str, Amount]]]) -> CellTable:
    """Return a slot's cells from the panes of its runs."""
    table = CellTable.of(cells for run in runs.add for cells in panes[run])
    if not runs.less:
        return table
    return table.less(CellTable.of(cells for run in runs.less for cells in panes[run]))
