"""One lane: it counts in the way that its events make cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processors.catalog.model import Aggregation
from processors.measures.grouped import Grouped, TakenGroups
from processors.measures.sliced import Sliced, TakenSlices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.measures.plan import LanePlan

_SLICED_EVENTS_MIN = 100
_SLICED_TAKES = 16  # then the groups are counted once more: traffic changes


class Lane:
    """What one lane added since the last take."""

    def __init__(self, plan: LanePlan) -> None:
        self.plan = plan
        self._added = self._slices_left = 0
        weighted = any(reading.weights for reading in plan.readings)
        self._may_slice = plan.agg in (Aggregation.COUNT, Aggregation.SUM) and not weighted
        distinct = plan.agg is Aggregation.DISTINCT
        self._store: Grouped | Sliced = Sliced(plan) if distinct else Grouped(plan)

    def add(self, events: Sequence[Any]) -> None:
        """Add events or facts, in offset order."""
        self._added += len(events)
        self._store.add(events)

    def take(self) -> TakenGroups | TakenSlices | None:
        """Return and forget what was added; None if nothing was.

        Where nearly every event was a group of its own, the lane slices for a while.
        """
        added, self._added = self._added, 0
        if not added:
            return None
        taken = self._store.take()
        if (
            self._may_slice
            and isinstance(taken, TakenGroups)
            and added >= _SLICED_EVENTS_MIN
            and 4 * len(taken.groups) > added
        ):
            self._store, self._slices_left = Sliced(self.plan), _SLICED_TAKES
        elif self._slices_left:
            self._slices_left -= 1
            if not self._slices_left:
                self._store = Grouped(self.plan)
        return taken
