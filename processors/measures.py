"""Measures into cells: what a chunk of events adds to which pane.

Events are first counted by (base pane, all dimension values that any measure of the type reads):
one dictionary step an event. Only at the checkpoint is each group spread over measures,
dimension sets and rungs, which is per group and not per event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any

from processors import names
from processors.admission import Admission, Values
from processors.catalog.model import Aggregation, Bound, Catalog, Measure, Requirement
from processors.checkpoint import PaneDeltas, PaneSketches
from processors.event import STRUCT_BY_TYPE
from processors.facts import FACT_BY_TYPE
from processors.histogram import bucket_index
from processors.ladder import BASE_MS, Ladder, Rung
from processors.sketch import SKETCH_SIZE, hash_bytes

Key = tuple[Any, ...]
"""(base pane number, dimension values ...)"""


def readable(struct: type, fields: Sequence[str]) -> set[str]:
    """Return those of the fields that a struct has, properties included."""
    known = set(struct.__struct_fields__)  # type: ignore[attr-defined]
    return {f for f in fields if f in known or isinstance(getattr(struct, f, None), property)}


def field_getter(struct: type, fields: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that reads ``fields`` of a struct as a tuple; absent fields read None."""
    if not fields:
        return lambda _event: ()
    if len(readable(struct, fields)) == len(fields):
        if len(fields) == 1:
            one = attrgetter(fields[0])
            return lambda event: (one(event),)
        return attrgetter(*fields)
    return lambda event: tuple(getattr(event, name, None) for name in fields)


@dataclass(frozen=True)
class Reading:
    """One measure as one event type feeds it: where its dimensions stand in the group key.

    ``where`` holds the values let through by position; a bound's place in the key is True or False.
    """

    measure: Measure
    dimension_sets: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]
    where: tuple[tuple[int, frozenset[str | bool]], ...]
    weights: tuple[int, Mapping[str, int]] | None
    rungs: tuple[Rung, ...]

    def picks(self, groups: dict[Key, Any]) -> dict[Key, Any]:
        """Return the groups that the measure counts, weighted; all of them as they are if plain."""
        if self.where:
            groups = {
                key: amount
                for key, amount in groups.items()
                if all(key[position] in wanted for position, wanted in self.where)
            }
        if self.weights is not None:
            position, weights = self.weights
            groups = {key: amount * weights.get(key[position], 1) for key, amount in groups.items()}
        return groups


@dataclass(frozen=True)
class LanePlan:
    """Measures of one event type with one aggregation over one field: they share groups.

    A group's key is the base pane, the dimensions, and whether each of the bounds holds. Bounds
    cost a step an event, so measures without any share lanes of their own.
    """

    type: str
    agg: Aggregation
    of: str
    dimensions: tuple[str, ...]
    bounds: tuple[Bound, ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class MeasurePlan:
    """All lanes, by event or fact type."""

    lanes: dict[str, tuple[LanePlan, ...]]
    ladder: Ladder
    values_max: int


def compile_measures(catalog: Catalog) -> MeasurePlan:
    """Plan what each event type adds to, from the catalogue's requirements."""
    grouped: dict[tuple[str, Aggregation, str, bool], list[Requirement]] = {}
    for requirement in catalog.requirements.values():
        measure = requirement.measure
        for event_type in measure.events:
            lane = (event_type, measure.agg, measure.of, bool(measure.bounds))
            grouped.setdefault(lane, []).append(requirement)
    lanes: dict[str, tuple[LanePlan, ...]] = {}
    for (event_type, agg, of, _), requirements in grouped.items():
        plan = _lane(event_type, agg, of, requirements, catalog.ladder)
        lanes[event_type] = (*lanes.get(event_type, ()), plan)
    return MeasurePlan(lanes, catalog.ladder, catalog.defaults.dimension_values_max)


def _lane(
    event_type: str, agg: Aggregation, of: str, requirements: list[Requirement], ladder: Ladder
) -> LanePlan:
    fields = {name for r in requirements for dims in r.dimension_sets for name in dims}
    fields |= {name for r in requirements for name, _ in r.measure.where}
    fields |= {r.measure.weights.field for r in requirements if r.measure.weights}
    dimensions = tuple(sorted(fields))
    bounds = tuple(dict.fromkeys(bound for r in requirements for bound in r.measure.bounds))
    places: tuple[str | Bound, ...] = (*dimensions, *bounds)
    position = {name: index + 1 for index, name in enumerate(places)}
    return LanePlan(
        event_type,
        agg,
        of,
        dimensions,
        bounds,
        tuple(
            Reading(
                r.measure,
                tuple((dims, tuple(position[name] for name in dims)) for dims in r.dimension_sets),
                (
                    *((position[name], frozenset(wanted)) for name, wanted in r.measure.where),
                    *((position[bound], frozenset({True})) for bound in r.measure.bounds),
                ),
                _weights(r.measure, position),
                tuple(ladder.rung(name) for name in r.rungs),
            )
            for r in requirements
        ),
    )


def _weights(
    measure: Measure, position: Mapping[str | Bound, int]
) -> tuple[int, Mapping[str, int]] | None:
    weights = measure.weights
    return None if weights is None else (position[weights.field], dict(weights.by_value))


def _readers(struct: type, plan: LanePlan) -> list[Callable[[Any], Any]]:
    """Return what reads each place of a group's key after the pane."""
    absent = set(plan.dimensions) - readable(struct, plan.dimensions)
    reads: list[Callable[[Any], Any]] = [
        _nothing if name in absent else attrgetter(name) for name in plan.dimensions
    ]
    return reads + [_holds(bound) for bound in plan.bounds]


def _nothing(_event: Any) -> None:
    return None


def _holds(bound: Bound) -> Callable[[Any], bool]:
    get = attrgetter("micro" if bound.field == "value" else bound.field)
    low = -_NO_BOUND if bound.low is None else bound.low
    high = _NO_BOUND if bound.high is None else bound.high
    return lambda event: low <= (get(event) or 0) <= high


_NO_BOUND = 1 << 62


class _Lane:
    """Groups of one lane since the last checkpoint."""

    def __init__(self, plan: LanePlan) -> None:
        self.plan = plan
        is_fact = plan.type in FACT_BY_TYPE
        struct: type = (FACT_BY_TYPE if is_fact else STRUCT_BY_TYPE)[plan.type]
        self._reads = _readers(struct, plan)
        attribute = "micro" if plan.of == "value" else plan.of
        self._field: Callable[[Any], Any] = attrgetter(attribute or "ts")
        self.groups: dict[Key, Any] = Counter()
        self._added = 0
        self._wide: dict[Values, Counter[Any]] = {}
        self._plain = plan.agg is Aggregation.COUNT and not any(
            reading.where or reading.weights for reading in plan.readings
        )
        adders: dict[Aggregation, Callable[[Sequence[Any]], None]] = {
            Aggregation.COUNT: self._count_facts if is_fact else self._count_events,
            Aggregation.SUM: self._sum_facts if is_fact else self._sum_events,
            Aggregation.HISTOGRAM: self._histogram,
            Aggregation.DISTINCT: self._distinct,
        }
        self._is_fact = is_fact
        self._add = adders[plan.agg]

    def add(self, events: Sequence[Any]) -> None:
        """Add events or facts, in offset order."""
        self._added += len(events)
        self._add(events)

    def _keys(self, events: Sequence[Any]) -> Iterable[Key]:
        panes = [event.ts // BASE_MS for event in events]
        # Tuples are made by zip alone: no step of the interpreter an event.
        return zip(panes, *(map(read, events) for read in self._reads), strict=True)

    def drain(self) -> dict[Key, Any]:
        """Return the groups since the last drain.

        Where nearly every event was a group of its own, grouping by all dimensions at once only
        costs: from then on a plain count is kept by each dimension set instead.
        """
        groups, self.groups = self.groups, Counter()
        added, self._added = self._added, 0
        if self._plain and not self._wide and added >= _WIDE_EVENTS and 4 * len(groups) > added:
            sets = {dims for reading in self.plan.readings for dims, _ in reading.dimension_sets}
            self._wide = {dims: Counter() for dims in sorted(sets)}
            self._add = self._count_wide
        return groups

    def drain_wide(self) -> dict[Values, dict[tuple[int, tuple[Any, ...]], int]]:
        """Return the counts by dimension set since the last drain, in order of appearance."""
        drained: dict[Values, dict[tuple[int, tuple[Any, ...]], int]] = {}
        for dimensions, counts in self._wide.items():
            if not dimensions:
                drained[dimensions] = {(pane, ()): n for pane, n in counts.items()}
            elif len(dimensions) == 1:
                drained[dimensions] = {(pane, (value,)): n for (pane, value), n in counts.items()}
            else:
                drained[dimensions] = dict(counts)
            self._wide[dimensions] = Counter()
        return drained

    def _count_wide(self, events: Sequence[Any]) -> None:
        if self._is_fact:
            taken_back = [fact for fact in events if fact.weight < 0]
            if taken_back:
                self._count_sets(taken_back, Counter.subtract)
                events = [fact for fact in events if fact.weight > 0]
        self._count_sets(events, Counter.update)

    def _count_sets(
        self, events: Sequence[Any], count: Callable[[Any, Iterable[Any]], None]
    ) -> None:
        panes = [event.ts // BASE_MS for event in events]
        reads = dict(zip(self.plan.dimensions, self._reads, strict=False))
        for dimensions, counts in self._wide.items():
            if not dimensions:
                count(counts, panes)
                continue
            values = [map(reads[name], events) for name in dimensions]
            count(
                counts,
                zip(
                    panes, values[0] if len(values) == 1 else zip(*values, strict=True), strict=True
                ),
            )

    def _count_events(self, events: Sequence[Any]) -> None:
        self.groups.update(self._keys(events))

    def _count_facts(self, facts: Sequence[Any]) -> None:
        groups = self.groups
        for key, fact in zip(self._keys(facts), facts, strict=True):
            groups[key] += fact.weight

    def _sum_events(self, events: Sequence[Any]) -> None:
        groups, read = self.groups, self._field
        for key, event in zip(self._keys(events), events, strict=True):
            groups[key] += read(event) or 0

    def _sum_facts(self, facts: Sequence[Any]) -> None:
        groups, read = self.groups, self._field
        for key, fact in zip(self._keys(facts), facts, strict=True):
            groups[key] += fact.weight * read(fact)

    def _histogram(self, events: Sequence[Any]) -> None:
        groups, read = self.groups, self._field
        for key, event in zip(self._keys(events), events, strict=True):
            value, weight = read(event), getattr(event, "weight", 1)
            group = groups.get(key)
            if group is None:
                group = groups[key] = Counter()
            group[f"b{bucket_index(value)}"] += weight
            group["sum"] += weight * value

    def _distinct(self, events: Sequence[Any]) -> None:
        groups, read = self.groups, self._field
        for key, event in zip(self._keys(events), events, strict=True):
            member = read(event)
            if not member:
                continue  # an event that names nobody counts nobody
            group = groups.get(key)
            if group is None:
                group = groups[key] = set()
            group.add(_HASHES[member])


class _Hashes(dict[str, bytes]):
    """Hashes of the latest members of distinct counts; a pure cache."""

    def __missing__(self, member: str) -> bytes:
        if len(self) >= _HASHES_MAX:
            self.clear()
        found = self[member] = hash_bytes(member)
        return found


_HASHES_MAX = 100_000
_WIDE_EVENTS = 1_000
_HASHES = _Hashes()


@dataclass
class Drained:
    """What the lanes added since the last drain, by base pane and by rung."""

    base: PaneDeltas
    rungs: dict[str, PaneDeltas]
    base_sketches: PaneSketches
    sketches: dict[str, PaneSketches]
    overflow: int


class Accumulator:
    """Adds events and facts up and hands the sums over at each checkpoint."""

    def __init__(self, plan: MeasurePlan, admission: Admission) -> None:
        self._ladder = plan.ladder
        self._admission = admission
        self._lanes = {t: tuple(map(_Lane, lanes)) for t, lanes in plan.lanes.items()}
        self._cells: dict[tuple[str, str, Values, Values], str] = {}
        self._sent: dict[tuple[str, int, str], set[bytes]] = {}
        self._sent_hashes = 0

    @property
    def types(self) -> frozenset[str]:
        """Types that any measure reads."""
        return frozenset(self._lanes)

    def add(self, event_type: str, events: Sequence[Any]) -> None:
        """Add events or facts of one type, in offset order."""
        for lane in self._lanes.get(event_type, ()):
            lane.add(events)

    def drain(self) -> Drained:
        """Return and forget everything added since the last drain."""
        drained = Drained({}, {}, {}, {}, 0)
        for lanes in self._lanes.values():
            for lane in lanes:
                groups = lane.drain()
                if groups:
                    self._spread(lane.plan, groups, drained)
                wide = lane.drain_wide()
                if any(wide.values()):
                    self._spread_wide(lane.plan, wide, drained)
        return drained

    def _spread_wide(
        self,
        plan: LanePlan,
        wide: dict[Values, dict[tuple[int, tuple[Any, ...]], int]],
        drained: Drained,
    ) -> None:
        labelled = {
            dims: self._label(plan, dims, raw, drained) if dims else raw
            for dims, raw in wide.items()
        }
        for reading in plan.readings:
            for dimensions, _ in reading.dimension_sets:
                self._emit(reading, dimensions, labelled[dimensions], drained)

    def _spread(self, plan: LanePlan, groups: dict[Key, Any], drained: Drained) -> None:
        for reading in plan.readings:
            accepted = reading.picks(groups)
            for dimensions, positions in reading.dimension_sets:
                projected = self._project(plan, dimensions, positions, groups, accepted, drained)
                if plan.agg is Aggregation.DISTINCT:
                    self._emit_sketches(reading, dimensions, projected, drained)
                else:
                    self._emit(reading, dimensions, projected, drained)

    def _project(
        self,
        plan: LanePlan,
        dimensions: Values,
        positions: tuple[int, ...],
        groups: dict[Key, Any],
        accepted: dict[Key, Any],
        drained: Drained,
    ) -> dict[tuple[int, Values], Any]:
        """Reduce groups to one dimension set, under admitted labels."""
        raw: dict[tuple[int, tuple[Any, ...]], Any] = {}
        pick = _picker(positions)
        merge, copy = _MERGE[plan.agg], _COPY.get(plan.agg)
        for key, amount in accepted.items():
            projected_key = (key[0], pick(key))
            found = raw.get(projected_key)
            if found is None:  # groups are shared by all dimension sets: never merge into them
                raw[projected_key] = amount if copy is None else copy(amount)
            else:
                raw[projected_key] = merge(found, amount)
        if not dimensions:
            return raw
        scope = f"{plan.type}|{','.join(dimensions)}"
        labels = self._admission.labels
        if accepted is not groups:
            # Admission follows the type's events, not one measure's filter.
            for key in groups:
                labels(scope, dimensions, pick(key))
        return self._label(plan, dimensions, raw, drained)

    def _label(
        self,
        plan: LanePlan,
        dimensions: Values,
        raw: dict[tuple[int, tuple[Any, ...]], Any],
        drained: Drained,
    ) -> dict[tuple[int, Values], Any]:
        """Put raw dimension values under their admitted labels."""
        scope = f"{plan.type}|{','.join(dimensions)}"
        labels, merge = self._admission.labels, _MERGE[plan.agg]
        labelled: dict[tuple[int, Values], Any] = {}
        for (pane, values), amount in raw.items():
            label = labels(scope, dimensions, values)
            if label[0] == names.OTHER_VALUE:
                drained.overflow += amount if isinstance(amount, int) else len(amount)
            found = labelled.get((pane, label))
            labelled[pane, label] = amount if found is None else merge(found, amount)
        return labelled

    def _cell(self, measure: str, component: str, dimensions: Values, values: Values) -> str:
        known = (measure, component, dimensions, values)
        cell = self._cells.get(known)
        if cell is None:
            cell = names.cell_name(names.Cell(measure, component, dimensions, values))
            self._cells[known] = cell
        return cell

    def _emit(
        self,
        reading: Reading,
        dimensions: Values,
        projected: dict[tuple[int, Values], Any],
        drained: Drained,
    ) -> None:
        name = reading.measure.name
        histogram = reading.measure.agg is Aggregation.HISTOGRAM
        starts: dict[int, list[dict[str, int]]] = {}
        for (pane, values), amount in projected.items():
            panes = starts.get(pane)
            if panes is None:
                panes = starts[pane] = self._panes(pane * BASE_MS, reading.rungs, drained)
            parts = amount.items() if histogram else (("", amount),)
            for component, delta in parts:
                if delta:
                    cell = self._cell(name, component, dimensions, values)
                    for cells in panes:
                        cells[cell] = cells.get(cell, 0) + delta

    def _panes(
        self, base_ms: int, rungs: tuple[Rung, ...], drained: Drained
    ) -> list[dict[str, int]]:
        panes = [drained.base.setdefault(base_ms, {})]
        for rung in rungs:
            start = self._ladder.pane_start(rung, base_ms)
            panes.append(drained.rungs.setdefault(rung.name, {}).setdefault(start, {}))
        return panes

    def _emit_sketches(
        self,
        reading: Reading,
        dimensions: Values,
        projected: dict[tuple[int, Values], set[bytes]],
        drained: Drained,
    ) -> None:
        name = reading.measure.name
        for (pane, values), hashes in projected.items():
            cell = self._cell(name, "", dimensions, values)
            base_ms = pane * BASE_MS
            # What a pane was sent before, the coarser panes around it were sent too.
            fresh = self._fresh("", base_ms, cell, hashes)
            if not fresh:
                continue
            _append(drained.base_sketches, base_ms, cell, fresh)
            for rung in reading.rungs:
                start = self._ladder.pane_start(rung, base_ms)
                if rung.size_ms != BASE_MS:
                    fresh = self._fresh(rung.name, start, cell, fresh)
                if fresh:
                    _append(drained.sketches.setdefault(rung.name, {}), start, cell, fresh)

    def _fresh(self, rung: str, start_ms: int, cell: str, hashes: set[bytes]) -> set[bytes]:
        """Return the hashes that this pane was not sent yet and that its sketch would keep."""
        sent = self._sent.get((rung, start_ms, cell))
        if sent is None:
            sent = self._sent[rung, start_ms, cell] = set()
        fresh = hashes - sent
        sent |= fresh
        self._sent_hashes += len(fresh)
        if len(sent) > 2 * SKETCH_SIZE:
            kept = set(sorted(sent)[:SKETCH_SIZE])
            fresh &= kept
            self._sent_hashes -= len(sent) - len(kept)
            sent.intersection_update(kept)
        while self._sent_hashes > _SENT_HASHES_MAX:  # forgetting only sends some hashes twice
            self._sent_hashes -= len(self._sent.pop(next(iter(self._sent))))
        return fresh


def _append(panes: PaneSketches, start_ms: int, cell: str, hashes: set[bytes]) -> None:
    pane = panes.setdefault(start_ms, {})
    pane[cell] = pane.get(cell, b"") + b"".join(hashes)


_SENT_HASHES_MAX = 200_000


def _picker(positions: tuple[int, ...]) -> Callable[[Key], tuple[Any, ...]]:
    if not positions:
        return lambda _key: ()
    if len(positions) == 1:
        only = positions[0]
        return lambda key: (key[only],)
    return itemgetter(*positions)


def _merge_counters(left: Counter[str], right: Counter[str]) -> Counter[str]:
    for name, delta in right.items():  # Counter's own + drops what is not positive
        left[name] += delta
    return left


_COPY: dict[Aggregation, Callable[[Any], Any]] = {
    Aggregation.HISTOGRAM: Counter,
    Aggregation.DISTINCT: set,
}
_MERGE: dict[Aggregation, Callable[[Any, Any], Any]] = {
    Aggregation.COUNT: int.__add__,
    Aggregation.SUM: int.__add__,
    Aggregation.HISTOGRAM: _merge_counters,
    Aggregation.DISTINCT: set.__ior__,
}
