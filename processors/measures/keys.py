"""The keys under which a lane counts events, made by iterators alone: no Python step an event."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from processors.event import STRUCT_BY_TYPE
from processors.facts import FACT_BY_TYPE
from processors.getters import readable
from processors.ladder import BASE_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from processors.catalog.model import Bound
    from processors.measures.plan import LanePlan, Where

Key = tuple[Any, ...]
"""(base pane number, dimension values ...)"""
Slice = tuple["Where", tuple[str, ...]]
"""(what is let through, dimension set)"""
ByPane = dict[tuple[int, tuple[Any, ...]], Any]
"""(base pane number, raw dimension values) -> amount"""

_NO_BOUND = 1 << 62


def is_fact(event_type: str) -> bool:
    """Tell whether a type is concluded by a keyed processor; facts can be taken back."""
    return event_type in FACT_BY_TYPE


def readers(plan: LanePlan) -> list[Callable[[Any], Any]]:
    """Return what reads each place of a group's key after the pane."""
    struct: type = (FACT_BY_TYPE if is_fact(plan.type) else STRUCT_BY_TYPE)[plan.type]
    known = readable(struct, plan.dimensions)
    reads: list[Callable[[Any], Any]] = [
        attrgetter(name) if name in known else _nothing for name in plan.dimensions
    ]
    return reads + [_holds(bound) for bound in plan.bounds]


def field_reader(plan: LanePlan) -> Callable[[Any], Any]:
    """Return what reads the field that is added up; of a count anything."""
    return attrgetter(("micro" if plan.of == "value" else plan.of) or "ts")


def _nothing(_event: Any) -> None:
    return None


def _holds(bound: Bound) -> Callable[[Any], bool]:
    get = attrgetter("micro" if bound.field == "value" else bound.field)
    low = -_NO_BOUND if bound.low is None else bound.low
    high = _NO_BOUND if bound.high is None else bound.high
    return lambda event: low <= (get(event) or 0) <= high


def panes_of(events: Sequence[Any]) -> list[int]:
    """Return the number of each event's base pane."""
    return [event.ts // BASE_MS for event in events]


class GroupKeys:
    """Keys of all dimensions at once."""

    def __init__(self, plan: LanePlan) -> None:
        self._reads = readers(plan)

    def __call__(self, events: Sequence[Any]) -> Iterable[Key]:
        """Return one key an event."""
        values = (map(read, events) for read in self._reads)
        return zip(panes_of(events), *values, strict=True)


class SliceKeys:
    """Keys by dimension set, for every filter that some measure has.

    Without a filter every set is there: admission follows the type's events, not one filter. The
    key of no dimension is the pane, of one (pane, value), of several (pane, values).
    """

    def __init__(self, plan: LanePlan) -> None:
        self._reads = readers(plan)
        self._place = {name: place for place, name in enumerate(plan.dimensions)}
        everything = {dims for reading in plan.readings for dims, _ in reading.dimension_sets}
        sets: dict[Where, set[tuple[str, ...]]] = {(): everything}
        for reading in plan.readings:
            sets.setdefault(reading.where, set()).update(d for d, _ in reading.dimension_sets)
        self.slices = {where: sorted(dims) for where, dims in sets.items()}

    def __call__(
        self, events: Sequence[Any], beside: Sequence[Any]
    ) -> Iterator[tuple[Slice, Iterable[Any], Sequence[Any]]]:
        """Yield every slice, its events' keys, and those of ``beside`` that belong to them."""
        for where, sets in self.slices.items():
            kept, kept_beside = events, beside
            if where:
                places = self._let_through(where, events)
                kept = [events[place] for place in places]
                kept_beside = [beside[place] for place in places]
            if not kept:
                continue
            panes = panes_of(kept)
            for dimensions in sets:
                yield (where, dimensions), self._keys(panes, dimensions, kept), kept_beside

    def _let_through(self, where: Where, events: Sequence[Any]) -> Sequence[int]:
        places: Sequence[int] = range(len(events))
        for position, wanted in where:
            read = self._reads[position - 1]
            places = [place for place in places if read(events[place]) in wanted]
        return places

    def _keys(
        self, panes: list[int], dimensions: tuple[str, ...], events: Sequence[Any]
    ) -> Iterable[Any]:
        if not dimensions:
            return panes
        values = [map(self._reads[self._place[name]], events) for name in dimensions]
        if len(values) == 1:
            return zip(panes, values[0], strict=True)
        return zip(panes, zip(*values, strict=True), strict=True)


def by_pane(dimensions: tuple[str, ...], table: dict[Any, Any]) -> ByPane:
    """Return a slice's table with (pane, values) as its keys, in order of appearance."""
    if not dimensions:
        return {(pane, ()): amount for pane, amount in table.items()}
    if len(dimensions) == 1:
        return {(pane, (value,)): amount for (pane, value), amount in table.items()}
    return dict(table)
