"""One partition's way from records to checkpoints: pure, and deaf to how the log was cut.

::

    decode -> dedup -> watermark -> keyed processors -> measures -> (checkpoint)

Everything is a function of the records in offset order. Chunks and checkpoints only decide how
much is worked on at once: timers fire at the end of a chunk, but what they conclude depends on
the set of events and the watermark alone (see processors/keyed/base.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from operator import attrgetter, itemgetter
from typing import Any

from processors.admission import Admission
from processors.bundles import PASSED_ON, Emission
from processors.catalog.model import Catalog
from processors.catalog.versions import NOTHING_CHANGED, Kept, pending_of
from processors.checkpoint import Checkpoint, Claim
from processors.control import Controls, Forgotten
from processors.decode import Decoder, Rejection, Validity
from processors.dedup import Dedup
from processors.erasure import RECEIPTS, Erasure, arrivals_id
from processors.event import (
    BEFORE_ANY_MS,
    PROCESSED_BY_TYPE,
    STRUCT_BY_TYPE,
    CustomerBought,
    CustomerForgotten,
    CustomerLinked,
    Event,
    Purchase,
    PurchaseLinked,
    Tick,
)
from processors.facts import FACT_BY_TYPE
from processors.inputs import REPORTS, SEEN, last_seen_ms
from processors.items import ITEM_FACTS, item_facts
from processors.keyed.base import Processor
from processors.keyed.registry import Reads, needed_processors, unneeded_processors
from processors.measures import Accumulator, MeasurePlan, compile_measures
from processors.names import CUSTOMER
from processors.passing import (
    MARKS,
    Marks,
    PassedDecoder,
    Wanted,
    emissions,
    forgetting,
    forgotten_again,
    handed_over,
    numbered,
)
from processors.record import Record
from processors.retries import LEDGER, Ledger, Retried
from processors.schema import SCHEMA, Schema
from processors.state import Entry, StateCache, state_id
from processors.unneeded import Unneeded

EXCLUDED = "excluded:"  # + kind of traffic: the counter of what no KPI counts
_TRAFFIC = attrgetter("traffic")
_OFFSET = itemgetter(2)
_TYPE_BY_STRUCT: dict[type, str] = {
    **{struct: tag for tag, struct in STRUCT_BY_TYPE.items()},
    **{struct: tag for tag, struct in FACT_BY_TYPE.items()},
}


@dataclass(frozen=True)
class Plan:
    """A catalogue, compiled for the pipeline."""

    catalog: Catalog
    kept: Kept
    measures: MeasurePlan
    fact_types: frozenset[str]
    reads: Reads


def compile_plan(catalog: Catalog, kept: Kept = NOTHING_CHANGED) -> Plan:
    """Compile a catalogue once; every partition's pipeline shares the plan.

    Args:
        catalog: the definitions.
        kept: which versions of them the namespace keeps.
    """
    measures = compile_measures(catalog, kept)
    reads = {
        fact: frozenset(name for lane in lanes for name in (*lane.dimensions, lane.of))
        for fact, lanes in measures.lanes.items()
        if fact in FACT_BY_TYPE
    }
    return Plan(catalog, kept, measures, frozenset(reads), reads)


_MARKS_ID = state_id(MARKS)


def _takes_from(processor: Processor, topic: str) -> bool:
    return any(PROCESSED_BY_TYPE[t].topic == topic for t in processor.types)


def keeps_states_of(plan: Plan, topic: str) -> bool:
    """Tell whether any keyed processor takes events of a topic."""
    needed = needed_processors(plan.catalog.defaults, plan.reads)
    return any(_takes_from(processor, topic) for processor in needed)


def hands_over(plan: Plan) -> bool:
    """Tell whether customers' purchases are handed over to the visitors linked to them."""
    needed = needed_processors(plan.catalog.defaults, plan.reads)
    return any(processor.hands_over for processor in needed)


Work = tuple[Entry, Event, int]
"""(the key's entry, event, offset)"""


@dataclass
class Linked:
    """What another topic passes on to this one, on its way to the states that take it.

    Attributes:
        offset: of its record.
        event: a purchase, or somebody to be forgotten.
        watermark_ms: before its record; None before any event.
        work: the states, each in its cache.
        refused: whether it is too late for some that would have taken it.
    """

    offset: int
    event: PurchaseLinked | CustomerForgotten
    watermark_ms: int | None
    work: list[tuple[StateCache, Entry]] = field(default_factory=list)
    refused: bool = False


@dataclass
class Batch:
    """Decoded records on their way through one partition's pipeline.

    Attributes:
        rejections: dead letters, in offset order.
        missing: processor -> state ids that the cache does not hold, to be loaded.
        emissions: what is to be passed on, in offset order, before the next checkpoint.
        sought: processor -> texts; every stored state that holds one is to be loaded.
        retried: retries of dead letters among the records.
        forgotten: (offset, whom, watermark there) to forget, in offset order.
        linked: what another topic passes on, in order; repetitions included.
        says_time: whether any is an event of this topic that is no repetition.
    """

    rejections: list[Rejection]
    missing: dict[str, list[bytes]]
    events: list[Event] = field(default_factory=list)
    emissions: list[Emission] = field(default_factory=list)
    work: list[tuple[StateCache, list[Work]]] = field(default_factory=list)
    missing_entries: list[tuple[StateCache, Entry]] = field(default_factory=list)
    sought: dict[str, list[bytes]] = field(default_factory=dict)
    retried: list[Retried] = field(default_factory=list)
    forgotten: list[tuple[int, Forgotten, int | None]] = field(default_factory=list)
    linked: list[Linked] = field(default_factory=list)
    says_time: bool = False


class _Clock:
    """Tells the watermark before any record of some that were decoded."""

    def __init__(
        self, offsets: Sequence[int], events: Sequence[Any], max_ts_ms: int, lateness_ms: int
    ) -> None:
        self._offsets, self._lateness_ms = list(offsets), lateness_ms
        self._highest_ms = list(accumulate((e.ts for e in events), max, initial=max_ts_ms))

    def watermark_ms(self, offset: int) -> int | None:
        """Return the watermark before a record; None before any event."""
        highest_ms = self._highest_ms[bisect_left(self._offsets, offset)]
        return None if highest_ms == BEFORE_ANY_MS else highest_ms - self._lateness_ms


Cut = tuple[int, int, Forgotten | None, int | None]
"""(index, index to go on from, whom to forget there if anybody, watermark)"""


def _cuts(batch: Batch, work: Sequence[Work], due: AbstractSet[int]) -> list[Cut]:
    """Return where somebody is forgotten. Of customers nothing is concluded by time."""
    cuts: list[Cut] = []
    for index, (_, event, _) in enumerate(work):
        if isinstance(event, CustomerForgotten):
            whom = _whom(event)
            cuts.append((index, index + 1, whom if id(event) in due else None, None))
    for offset, one, watermark_ms in batch.forgotten:
        index = bisect_left(work, offset, key=lambda taken: taken[2])
        cuts.append((index, index, one, watermark_ms))
    return cuts


def _whom(event: CustomerForgotten) -> Forgotten:
    return Forgotten(event.event_id, customer_id=event.customer_id, visitor_id=event.visitor_id)


class PartitionPipeline:
    """The pipeline of one partition since its owner claimed it.

    Args:
        plan: the compiled catalogue.
        claim: the progress to go on from.
        topic: the logical topic; decides which types and processors there are.
        dedup_horizon: H of processors/dedup.py, in records.
        state_cache_max: states a processor keeps in memory.
        schema: of the stored states.
        stage_clock_ns: where given, time by stage is added up in ``stage_ns``.
    """

    def __init__(
        self,
        plan: Plan,
        claim: Claim,
        *,
        topic: str,
        partition: int,
        dedup_horizon: int,
        state_cache_max: int,
        schema: Schema = SCHEMA,
        stage_clock_ns: Callable[[], int] | None = None,
    ) -> None:
        defaults = plan.catalog.defaults
        self.topic, self.partition = topic, partition
        self._claim = claim
        self._number = claim.number
        self._stored_offset = claim.offset
        self.offset = claim.offset or 0
        self._max_ts_ms = BEFORE_ANY_MS if claim.max_ts_ms is None else claim.max_ts_ms
        self._lateness_ms = defaults.allowed_lateness_ms
        validity = Validity(
            defaults.far_future_ms,
            plan.catalog.ladder.retention_ms_max,
            defaults.record_bytes_max,
        )
        self._marks = Marks() if topic == CUSTOMER else None
        self._linked_marks = Marks()
        self._decoder: Decoder | PassedDecoder = (
            Decoder(validity, topic, takes_control=True)
            if self._marks is None
            else PassedDecoder(validity)
        )
        self._dedup = Dedup(dedup_horizon)
        self.restore_from = (
            self._dedup.restore_from(self.offset) if self._marks is None else self.offset
        )
        admission = Admission(plan.measures.values_max, claim.admitted)
        self._admission = admission
        self._accumulator = Accumulator(plan.measures, admission)
        needed = needed_processors(defaults, plan.reads)
        self._caches = [
            StateCache(processor, state_cache_max, schema)
            for processor in needed
            if _takes_from(processor, topic)
        ]
        self._names = frozenset(cache.processor.name for cache in self._caches)
        others = unneeded_processors(defaults, plan.reads)
        self._unneeded = Unneeded([p for p in others if _takes_from(p, topic)])
        target = PASSED_ON.get(topic)
        receivers = [p for p in needed if target == CUSTOMER and _takes_from(p, CUSTOMER)]
        self._passes_on = bool(receivers)
        self._wanted = Wanted(
            links=any(p.hands_over for p in receivers),
            payments=not all(p.hands_over for p in receivers),
        )
        self._keyed: dict[type, list[StateCache]] = {}
        for cache in self._caches:
            for event_type in cache.processor.types:
                self._keyed.setdefault(PROCESSED_BY_TYPE[event_type], []).append(cache)
        if self._marks is not None:
            self._keyed[CustomerForgotten] = self._caches
        self._ledger, self._erasure = Ledger(), Erasure(self._caches)
        self._seen_ms = last_seen_ms([claim.counters])
        self._takes_apart = not ITEM_FACTS.isdisjoint(plan.fact_types)
        self._excluded = frozenset(defaults.excluded_traffic)
        self._counters: Counter[str] = Counter()
        self._take_up(plan, claim)
        self._facts: list[Any] = []
        self._clock_ns = stage_clock_ns
        self.stage_ns: Counter[str] = Counter()

    def _take_up(self, plan: Plan, claim: Claim) -> None:
        """Note since when what came into the catalogue later is counted, if nobody has."""
        for item in pending_of(plan.catalog, plan.kept, self.topic):
            key = plan.kept.since_key(item)
            if key is not None and key not in claim.counters:
                reached_ms = self._max_ts_ms + 1 if claim.offset else 1
                self._counters[key] = max(1, reached_ms)

    @property
    def watermark_ms(self) -> int | None:
        """Largest event time seen minus the allowed lateness; None before any event."""
        if self._max_ts_ms == BEFORE_ANY_MS:
            return None
        return self._max_ts_ms - self._lateness_ms

    @property
    def unneeded(self) -> tuple[str, ...]:
        """Processors that no KPI needs, of whose states the table may still have some."""
        return self._unneeded.names

    @property
    def states(self) -> int:
        """States in memory, over all processors."""
        return sum(map(len, self._caches))

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        clock = self._clock_ns
        if clock is None:
            yield
            return
        started_ns = clock()
        yield
        self.stage_ns[name] += clock() - started_ns

    def restore(self, records: Sequence[Record]) -> None:
        """Remember the ids of records before the claimed offset; nothing else changes."""
        if self._marks is not None:
            return  # repetitions are known by marks
        offsets, events, _ = self._decoder.decode(records)
        ids = [(o, e.event_id) for o, e in zip(offsets, events, strict=True) if type(e) is not Tick]
        self._dedup.duplicates([o for o, _ in ids], [i for _, i in ids])

    def decode(self, records: Sequence[Record]) -> Batch:
        """Decode and judge records, and say which states are needed to apply them."""
        with self._stage("decode"):
            offsets, events, rejections = self._decoder.decode(records)
            for rejection in rejections:
                self._counters[f"rejected:{rejection.reason}"] += 1
        if self._marks is not None:
            return self._decoded_passed(self._marks, offsets, events, rejections)
        with self._stage("dedup"):
            self._drop_duplicates(offsets, events)
        says_time = bool(events)
        max_before_ms = self._max_ts_ms
        with self._stage("watermark"):
            before_ms = self._advance(events)
        controls, clock = self._decoder.controls, None
        if controls:
            clock = _Clock(offsets, events, max_before_ms, self._lateness_ms)
        if self._excluded and any(map(_TRAFFIC, events)):
            before_ms = self._exclude(offsets, events, before_ms)
        batch = Batch(rejections, {}, events, says_time=says_time)
        if self._caches:
            with self._stage("keys"):
                self._plan_work(batch, offsets, before_ms)
        if self._passes_on:
            batch.emissions.extend(emissions(events, offsets, self._wanted))
        if clock is not None:
            self._plan_controls(batch, controls, offsets, clock)
        return batch

    def _plan_controls(
        self, batch: Batch, controls: Controls, offsets: list[int], clock: _Clock
    ) -> None:
        """Say what is needed to forget somebody, and to tell which retries were counted before."""
        batch.retried = self._ledger.plan(controls.retried, offsets, batch.events)
        batch.forgotten = [
            (offset, one, clock.watermark_ms(offset)) for offset, one in controls.forgotten
        ]
        whom = [one for _, one in controls.forgotten]
        if controls.passed:
            whom += self._plan_linked(batch, controls, clock)
        wanted = {*self._erasure.wanted(whom), *((LEDGER, one.id) for one in batch.retried)}
        self._want(batch, wanted, whom)
        if self._passes_on:
            batch.emissions.extend(forgetting(controls.forgotten, self._wanted))
            batch.emissions.sort(key=lambda one: (one.offset, one.index))

    def _want(
        self, batch: Batch, wanted: AbstractSet[tuple[str, bytes]], whom: Sequence[Forgotten]
    ) -> None:
        """Have states loaded, and beside them those that may hold whom to forget."""
        for name, identity in sorted({*wanted, *self._unneeded.wanted(whom)}):
            batch.missing.setdefault(name, []).append(identity)
        for name, text in (*self._erasure.sought(whom), *self._unneeded.sought(whom)):
            batch.sought.setdefault(name, []).append(text)

    def _plan_linked(self, batch: Batch, controls: Controls, clock: _Clock) -> list[Forgotten]:
        """Plan what was passed on to this topic; return whom it may say to forget."""
        if not self._linked_marks.loaded:
            batch.missing[MARKS] = [_MARKS_ID]
        new = {(id(cache), entry.key): entry for cache, entry in batch.missing_entries}
        for offset, one in controls.passed:
            watermark_ms = clock.watermark_ms(offset)
            for event in handed_over(one):
                linked = Linked(offset, event, watermark_ms)
                batch.linked.append(linked)
                if isinstance(event, PurchaseLinked):
                    self._find_linked(batch, linked, event.purchase, new)
        return [_whom(one.event) for one in batch.linked if type(one.event) is CustomerForgotten]

    def _find_linked(
        self,
        batch: Batch,
        linked: Linked,
        purchase: Purchase,
        new: dict[tuple[int, str], Entry],
    ) -> None:
        """Find the states that a purchase goes to which was handed over."""
        for cache in self._caches:
            processor = cache.processor
            key = processor.key(purchase) if processor.takes_linked else None
            if not key:
                continue
            late_ms = processor.lateness_ms
            if linked.watermark_ms is not None and linked.event.ts < linked.watermark_ms - late_ms:  # type: ignore[operator]
                linked.refused = True
                continue
            entry = cache.entries.get(key) or new.get((id(cache), key))
            if entry is None:
                entry = new[id(cache), key] = Entry(key)
                batch.missing_entries.append((cache, entry))
                batch.missing.setdefault(processor.name, []).append(entry.identity)
            linked.work.append((cache, entry))

    def _take_linked(self, batch: Batch, states: Mapping[tuple[str, bytes], bytes | None]) -> None:
        """Put what was passed on where it stands among the records, unless it was before."""
        if not self._linked_marks.loaded:
            self._linked_marks.load(states.get((MARKS, _MARKS_ID)))
        work = {id(cache): taken for cache, taken in batch.work}
        for one in batch.linked:
            if not self._linked_marks.is_fresh(one.event):
                self._counters["repeated"] += 1
                continue
            self._counters["linked"] += 1
            self._counters["late_unkeyed"] += one.refused
            if isinstance(one.event, PurchaseLinked):
                for cache, entry in one.work:
                    work[id(cache)].append((entry, one.event.purchase, one.offset))
            else:
                batch.forgotten.append((one.offset, _whom(one.event), one.watermark_ms))
        for taken in work.values():
            taken.sort(key=_OFFSET)
        batch.forgotten.sort(key=itemgetter(0))

    def _drop_retried(self, batch: Batch, states: Mapping[tuple[str, bytes], bytes | None]) -> None:
        """Drop the retries of records that were retried before: they are in the ledger."""
        again = set(map(id, self._ledger.repeated(batch.retried, states)))
        batch.events = [event for event in batch.events if id(event) not in again]
        batch.work = [
            (cache, [taken for taken in work if id(taken[1]) not in again])
            for cache, work in batch.work
        ]
        gone = {one.offset for one in batch.retried if id(one.event) in again}
        batch.emissions = [one for one in batch.emissions if one.offset not in gone]
        self._counters["events"] -= len(again)
        self._counters["duplicates"] += len(again)

    def _take_and_forget(
        self, batch: Batch, states: Mapping[tuple[str, bytes], bytes | None]
    ) -> None:
        """Hand events to their states as usual, and forget whom it says where it says so."""
        for _, one, _ in batch.forgotten:
            self._erasure.note(one, self._unneeded.forget(one, states))
        due: set[int] = set()
        for event in batch.events:
            if isinstance(event, CustomerForgotten) and self._erasure.has_arrived(event, states):
                due.add(id(event))
                self._erasure.note(_whom(event), self._unneeded.forget(_whom(event), states))
        for cache, work in batch.work:
            hands_over = cache.processor.hands_over
            emit = batch.emissions.append if hands_over else self._facts.append
            done = 0
            for at, following, whom, watermark_ms in _cuts(batch, work, due):
                cache.take_anew(work[done:at], emit)
                if whom is not None:
                    self._erasure.forget(cache, whom, states, watermark_ms, emit)
                    if hands_over and whom.visitor_id:
                        emit(forgotten_again(work[at][2], whom))
                done = following
            cache.take_anew(work[done:], emit)
        if self._marks is not None:
            numbered(batch.emissions)

    def _decoded_passed(
        self,
        marks: Marks,
        offsets: list[int],
        events: list[Event],
        rejections: list[Rejection],
    ) -> Batch:
        """Plan what was passed on; what is repeated is only known once the marks are loaded."""
        batch = Batch(rejections, {}, events)
        self._plan_work(batch, offsets, None)
        if not marks.loaded:
            batch.missing[MARKS] = [_MARKS_ID]
        forgotten = [event for event in events if type(event) is CustomerForgotten]
        if forgotten:
            arrivals = {(RECEIPTS, arrivals_id(one.event_id)) for one in forgotten}
            self._want(batch, arrivals, [_whom(event) for event in forgotten])
        return batch

    def _drop_repeated(
        self, marks: Marks, batch: Batch, states: Mapping[tuple[str, bytes], bytes | None]
    ) -> None:
        """Drop what was passed on before, then let time move on as far as the rest goes."""
        if not marks.loaded:
            marks.load(states.get((MARKS, _MARKS_ID)))
        kept = [e for e in batch.events if e.__class__ is Tick or marks.is_fresh(e)]
        fresh = set(map(id, kept))
        ticks = sum(event.__class__ is Tick for event in kept)
        self._counters["ticks"] += ticks
        self._counters["passed"] += len(kept) - ticks
        self._counters["repeated"] += len(batch.events) - len(kept)
        batch.events, batch.says_time = kept, bool(kept)
        batch.work = [
            (cache, [taken for taken in work if id(taken[1]) in fresh])
            for cache, work in batch.work
        ]
        for event in kept:
            if (kind := event.__class__) is CustomerLinked or kind is CustomerBought:
                event.watermark_ms = self._max_ts_ms - self._lateness_ms  # type: ignore[attr-defined]
            self._max_ts_ms = max(self._max_ts_ms, event.ts)  # type: ignore[assignment]

    def _drop_duplicates(self, offsets: list[int], events: list[Event]) -> None:
        ids = [event.event_id for event in events]
        ticks = [i for i, event in enumerate(events) if event.__class__ is Tick]
        for index in ticks:  # a tick repeated at the same instant is no duplicate of anything
            ids[index] = f"\x00{offsets[index]}"
        duplicates = self._dedup.duplicates(offsets, ids)
        self._counters["ticks"] += len(ticks)
        if duplicates:
            self._counters["duplicates"] += len(duplicates)
            for index in reversed(duplicates):
                del offsets[index], events[index]
        self._counters["events"] += len(events) - len(ticks)

    def _exclude(
        self, offsets: list[int], events: list[Event], before_ms: list[int] | None
    ) -> list[int] | None:
        """Drop traffic that is no customer's: it is counted and moves the time, and that is all."""
        kept = []
        for index, event in enumerate(events):
            if event.traffic in self._excluded:
                self._counters[f"{EXCLUDED}{event.traffic}"] += 1
            else:
                kept.append(index)
        offsets[:] = [offsets[index] for index in kept]
        events[:] = [events[index] for index in kept]
        return None if before_ms is None else [before_ms[index] for index in kept]

    def _advance(self, events: list[Event]) -> list[int] | None:
        """Move the watermark; return the largest time before each event if any comes late."""
        if not events:
            return None
        times_ms: list[int] = [event.ts for event in events]  # type: ignore[misc]  # decoded
        lowest_ms = min(times_ms)
        highest_ms = max(times_ms)
        highest_ms = max(highest_ms, self._max_ts_ms)
        if lowest_ms >= highest_ms - self._lateness_ms:
            self._max_ts_ms = highest_ms
            return None
        before_ms = list(accumulate(times_ms, max, initial=self._max_ts_ms))
        self._max_ts_ms = before_ms.pop()
        lateness_ms = self._lateness_ms
        self._counters["late"] += sum(
            ts < before - lateness_ms and event.__class__ is not Tick
            for ts, before, event in zip(times_ms, before_ms, events, strict=True)
        )
        return before_ms

    def _plan_work(self, batch: Batch, offsets: list[int], before_ms: list[int] | None) -> None:
        """Find the state that each event goes to; who is not in the cache is to be loaded."""
        batch.work = [(cache, []) for cache in self._caches]
        work = {id(cache): taken for cache, taken in batch.work}
        fresh: dict[int, dict[str, Entry]] = {id(cache): {} for cache in self._caches}
        lateness_ms = self._lateness_ms
        routes = {
            struct: [
                (
                    cache.processor.key,
                    cache.entries.get,
                    fresh[id(cache)],
                    work[id(cache)].append,
                    lateness_ms + cache.processor.lateness_ms,
                )
                for cache in caches
            ]
            for struct, caches in self._keyed.items()
        }
        unkeyed = 0
        for index, event in enumerate(batch.events):
            refused = False
            for key_of, find, new, add, late_ms in routes.get(event.__class__, ()):
                key = key_of(event)
                if not key:
                    continue
                if before_ms is not None and event.ts < before_ms[index] - late_ms:  # type: ignore[operator]
                    refused = True
                    continue
                entry = find(key) or new.get(key)
                if entry is None:
                    entry = new[key] = Entry(key)
                add((entry, event, offsets[index]))
            unkeyed += refused
        if unkeyed:
            self._counters["late_unkeyed"] += unkeyed
        for cache in self._caches:
            entries = fresh[id(cache)].values()
            if entries:
                batch.missing_entries.extend((cache, entry) for entry in entries)
                batch.missing[cache.processor.name] = [entry.identity for entry in entries]

    def apply(self, batch: Batch, states: Mapping[tuple[str, bytes], bytes | None]) -> None:
        """Apply a decoded batch; ``states`` holds every state that it named as missing."""
        if self._marks is not None:
            self._drop_repeated(self._marks, batch, states)
        if batch.retried:
            self._drop_retried(batch, states)
        if batch.linked:
            self._take_linked(batch, states)
        with self._stage("keyed"):
            for cache, entry in batch.missing_entries:
                cache.load(entry, states.get((cache.processor.name, entry.identity)))
            emit = self._facts.append
            # By processor: each type of fact comes of one, so that facts keep their order.
            if batch.forgotten or self._marks is not None:
                self._take_and_forget(batch, states)
            else:
                for cache, work in batch.work:
                    cache.take(work, emit)
            watermark_ms = self.watermark_ms
            if watermark_ms is not None:
                for cache in self._caches:
                    cache.fire_hot(watermark_ms, emit)
        with self._stage("measures"):
            self._add(batch.events)
            self._add_facts()

    def _add(self, events: Sequence[Any]) -> None:
        by_struct: dict[type, list[Any]] = {}
        for event in events:
            struct = event.__class__
            same = by_struct.get(struct)
            if same is None:
                by_struct[struct] = [event]
            else:
                same.append(event)
        if self._takes_apart and Purchase in by_struct:
            self._facts.extend(item_facts(by_struct[Purchase]))
        for struct, same in by_struct.items():
            event_type = _TYPE_BY_STRUCT.get(struct)
            if event_type in REPORTS:
                self._see(event_type, same)
            if event_type is not None:
                self._accumulator.add(event_type, same)

    def _see(self, event_type: str, events: Sequence[Any]) -> None:
        """Remember an outside input's largest event time."""
        before_ms = self._seen_ms.get(event_type, 0)
        latest_ms = max(before_ms, *(event.ts for event in events))
        if latest_ms > before_ms:
            self._seen_ms[event_type] = latest_ms
            self._counters[SEEN + event_type] += latest_ms - before_ms

    def _add_facts(self) -> None:
        if self._facts:
            self._add(self._facts)
            self._facts.clear()

    def fire(self, due: Mapping[tuple[str, bytes], bytes | None]) -> None:
        """Fire timers that the table found due at the watermark (hot ones fire by themselves).

        What is due of a processor that is not there goes: it would stay due for ever.
        """
        watermark_ms = self.watermark_ms
        if watermark_ms is None:
            return
        self._unneeded.let_go(key for key in due if key[0] not in self._names)
        for cache in self._caches:
            name = cache.processor.name
            blobs = [b for (n, _), b in due.items() if n == name and b is not None]
            cache.fire_cold(blobs, watermark_ms, self._facts.append)
        self._add_facts()

    def let_go(self, found: Sequence[tuple[str, bytes]]) -> None:
        """Let states go that the table has of processors in ``unneeded``; none: it has no more."""
        self._unneeded.let_go(found)
        if not found:
            self._unneeded.end()

    def drain(self, *, next_offset: int) -> Checkpoint | None:
        """Return everything since the last drain as one checkpoint; None if nothing moved."""
        changed = self._unneeded or any(cache.dirty for cache in self._caches)
        if not changed and next_offset == (self._stored_offset or 0):
            return None
        with self._stage("drain"):
            drained = self._accumulator.drain()
            if drained.overflow:
                self._counters["overflow"] += drained.overflow
            self._number += 1
            checkpoint = Checkpoint(
                epoch=self._claim.epoch,
                number=self._number,
                expected_offset=self._stored_offset,
                offset=next_offset,
                max_ts_ms=None if self._max_ts_ms == BEFORE_ANY_MS else self._max_ts_ms,
                base=drained.base,
                rungs=drained.rungs,
                base_sketches=drained.base_sketches,
                sketches=drained.sketches,
                admitted=self._admission.take_fresh(),
                counters={name: n for name, n in self._counters.items() if n},
            )
            for name, identity in self._unneeded.drain():
                checkpoint.states.setdefault(name, {})[identity] = None
                checkpoint.timers[name, identity] = None
            for cache in self._caches:
                name = cache.processor.name
                states, timers = cache.drain()
                if states:
                    checkpoint.states[name] = states
                checkpoint.timers.update({(name, i): due_ms for i, due_ms in timers.items()})
            for name, entries in (
                (LEDGER, self._ledger.drain()),
                (RECEIPTS, self._erasure.drain()),
            ):
                if entries:
                    checkpoint.states[name] = entries
            marks = self._marks or self._linked_marks
            if marks.changed:
                checkpoint.states[MARKS] = {_MARKS_ID: marks.encode()}
            self._counters.clear()
            self._stored_offset = self.offset = next_offset
        return checkpoint
