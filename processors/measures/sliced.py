"""Amounts by dimension set as events come in: counts, sums, and the members of distinct counts.

Right where nearly every event is a group of its own, so that grouping by all dimensions at once
would only cost; and for members, each of which is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from processors.catalog.model import Aggregation
from processors.measures.keys import ByPane, Slice, SliceKeys, by_pane, field_reader, is_fact
from processors.sketch import hash_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from processors.measures.plan import LanePlan, Reading


class Sliced:
    """Tables of one lane by slice since the last take."""

    def __init__(self, plan: LanePlan) -> None:
        self._keys = SliceKeys(plan)
        self._field = field_reader(plan)
        self._is_fact = is_fact(plan.type)
        adders: dict[Aggregation, Callable[[Sequence[Any]], None]] = {
            Aggregation.COUNT: self._count,
            Aggregation.SUM: self._sum,
            Aggregation.DISTINCT: self._members,
        }
        self.add = adders[plan.agg]
        self._new: Callable[[], dict[Any, Any]] = Counter
        if plan.agg is Aggregation.DISTINCT:
            self._new = _sets
        self._tables = self._empty()

    def _empty(self) -> dict[Slice, dict[Any, Any]]:
        slices = self._keys.slices.items()
        return {(where, dims): self._new() for where, sets in slices for dims in sets}

    def take(self) -> TakenSlices | None:
        """Return and forget the tables; None where nothing was added."""
        tables = self._tables
        if not any(tables.values()):
            return None
        self._tables = self._empty()
        return TakenSlices({at: by_pane(at[1], table) for at, table in tables.items()})

    def _count(self, events: Sequence[Any]) -> None:
        weights = [fact.weight for fact in events] if self._is_fact else []
        if any(weight != 1 for weight in weights):
            # In order, what is taken back too: values are admitted by their first appearance.
            self._add_up(events, weights)
            return
        for at, keys, _ in self._keys(events, events):
            self._tables[at].update(keys)

    def _sum(self, events: Sequence[Any]) -> None:
        amounts = [value or 0 for value in map(self._field, events)]
        if self._is_fact:
            amounts = [amount * fact.weight for amount, fact in zip(amounts, events, strict=True)]
        self._add_up(events, amounts)

    def _add_up(self, events: Sequence[Any], amounts: Sequence[int]) -> None:
        for at, keys, kept in self._keys(events, amounts):
            table = self._tables[at]
            for key, amount in zip(keys, kept, strict=True):
                table[key] += amount

    def _members(self, events: Sequence[Any]) -> None:
        members = list(map(self._field, events))
        if not all(members):  # an event that names nobody counts nobody
            events = [event for event, member in zip(events, members, strict=True) if member]
            members = list(filter(None, members))
        hashes = list(map(_HASHES.__getitem__, members))
        for at, keys, kept in self._keys(events, hashes):
            table = self._tables[at]
            for key, member in zip(keys, kept, strict=True):
                table[key].add(member)


class TakenSlices:
    """Tables by slice, to be read by dimension set."""

    def __init__(self, tables: dict[Slice, ByPane]) -> None:
        self._tables = tables

    def amounts(
        self, reading: Reading, dimensions: tuple[str, ...], _positions: tuple[int, ...]
    ) -> ByPane:
        """Return what a reading counts, by pane and the values of a dimension set."""
        return self._tables[reading.where, dimensions]

    def seen(
        self, dimensions: tuple[str, ...], _positions: tuple[int, ...]
    ) -> Iterable[tuple[Any, ...]]:
        """Return the values of a dimension set over all events, in order of first appearance."""
        return (values for _, values in self._tables[(), dimensions])


class _Hashes(dict[str, bytes]):
    """Hashes of the latest members of distinct counts; a pure cache."""

    def __missing__(self, member: str) -> bytes:
        if len(self) >= _HASHES_MAX:
            self.clear()
        found = self[member] = hash_bytes(member)
        return found


def _sets() -> dict[Any, Any]:
    return defaultdict(set)


_HASHES_MAX = 100_000
_HASHES = _Hashes()
