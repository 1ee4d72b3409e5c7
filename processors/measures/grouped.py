"""Amounts by all dimensions at once, spread over the dimension sets at the checkpoint.

Right where many events share a group: then a set costs a step a group, not a step an event.
"""

from __future__ import annotations

from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from processors.catalog.model import Aggregation
from processors.histogram import bucket_index
from processors.measures.keys import ByPane, GroupKeys, Key, field_reader, is_fact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from processors.measures.plan import LanePlan, Reading


class Grouped:
    """Groups of one lane since the last take."""

    def __init__(self, plan: LanePlan) -> None:
        self._agg = plan.agg
        self._keys = GroupKeys(plan)
        self._field = field_reader(plan)
        self._is_fact = is_fact(plan.type)
        self._groups: dict[Key, Any] = Counter()

    def add(self, events: Sequence[Any]) -> None:
        """Add events or facts, in offset order."""
        match self._agg:
            case Aggregation.COUNT:
                self._count(events)
            case Aggregation.SUM:
                self._sum(events)
            case _:
                self._histogram(events)

    def take(self) -> TakenGroups | None:
        """Return and forget the groups; None where there are none."""
        groups, self._groups = self._groups, Counter()
        return TakenGroups(self._agg, groups) if groups else None

    def _count(self, events: Sequence[Any]) -> None:
        groups = self._groups
        if not self._is_fact:
            groups.update(self._keys(events))
            return
        for key, fact in zip(self._keys(events), events, strict=True):
            groups[key] += fact.weight

    def _sum(self, events: Sequence[Any]) -> None:
        groups, read = self._groups, self._field
        for key, event in zip(self._keys(events), events, strict=True):
            amount = read(event) or 0
            groups[key] += amount * event.weight if self._is_fact else amount

    def _histogram(self, events: Sequence[Any]) -> None:
        groups, read = self._groups, self._field
        for key, event in zip(self._keys(events), events, strict=True):
            value, weight = read(event), getattr(event, "weight", 1)
            group = groups.get(key)
            if group is None:
                group = groups[key] = Counter()
            group[f"b{bucket_index(value)}"] += weight
            group["sum"] += weight * value


class TakenGroups:
    """Groups, to be read by dimension set."""

    def __init__(self, agg: Aggregation, groups: dict[Key, Any]) -> None:
        self.groups = groups
        self._agg = agg

    def amounts(
        self, reading: Reading, _dimensions: tuple[str, ...], positions: tuple[int, ...]
    ) -> ByPane:
        """Return what a reading counts, by pane and the values of a dimension set."""
        pick = _picker(positions)
        found: ByPane = {}
        histogram = self._agg is Aggregation.HISTOGRAM
        for key, amount in self._picked(reading).items():
            at = (key[0], pick(key))
            before = found.get(at)
            if before is None:  # groups are shared by all dimension sets: never merge into them
                found[at] = Counter(amount) if histogram else amount
            elif histogram:
                for name, delta in amount.items():  # Counter's own + drops what is not positive
                    before[name] += delta
            else:
                found[at] = before + amount
        return found

    def seen(
        self, _dimensions: tuple[str, ...], positions: tuple[int, ...]
    ) -> Iterable[tuple[Any, ...]]:
        """Return the values of a dimension set over all events, in order of first appearance."""
        return map(_picker(positions), self.groups)

    def _picked(self, reading: Reading) -> dict[Key, Any]:
        groups = self.groups
        if reading.where:
            groups = {
                key: amount
                for key, amount in groups.items()
                if all(key[position] in wanted for position, wanted in reading.where)
            }
        if reading.weights is not None:
            position, weights = reading.weights
            groups = {key: amount * weights.get(key[position], 1) for key, amount in groups.items()}
        return groups


def _picker(positions: tuple[int, ...]) -> Callable[[Key], tuple[Any, ...]]:
    if not positions:
        return lambda _key: ()
    if len(positions) == 1:
        (only,) = positions
        return lambda key: (key[only],)
    return itemgetter(*positions)
