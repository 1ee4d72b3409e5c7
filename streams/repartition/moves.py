"""Which partition each stored state belongs to once its topic has more of them.

A state is found under a digest. Some hold the record's key itself (visitor, ticket, lead); of the
others (carts, orders, lists, readings) the log tells under which key their events came.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from processors.decode import Decoder, Validity
from processors.errors import CheckFailedError
from processors.event import (
    PROCESSED_BY_TYPE,
    CustomerBought,
    CustomerForgotten,
    CustomerLinked,
    Event,
    Purchase,
    PurchaseLinked,
    Tick,
    record_key,
)
from processors.keyed.registry import PROCESSORS
from processors.names import CUSTOMER
from processors.passing import MARKS, PassedDecoder, Place, Source, handed_over, read_marks
from processors.schema import SCHEMA, Codec
from processors.state import state_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from processors.catalog.model import Catalog
    from processors.keyed.base import Processor
    from processors.record import Record
    from streams.repartition.layout import Layout

Held = tuple[int, str, bytes]
"""(partition, processor, state id)"""

KEYED_BY_RECORD: Final = frozenset(
    {"session", "attribution", "email", "ticket", "lead", "customer", "identity"}
)
# These conclude nothing by time, only when an event comes: a copy that gets none changes nothing,
# and goes with its horizon. So where the log has forgotten their events, all may have them.
SILENT: Final = frozenset({"order", "membership", "reading"})


class Moves:
    """Collects where the states of one topic go.

    Args:
        layout: the topic's.
        catalog: the definitions by which the states were kept.

    Attributes:
        owners: where every state goes, once they are settled.
        marks: of a receiving topic: the highest identity that any partition has of each source.
    """

    def __init__(self, layout: Layout, catalog: Catalog) -> None:
        self._layout = layout
        defaults = catalog.defaults
        made = (make(defaults, {}) for make, _ in PROCESSORS)
        self._processors: dict[str, Processor] = {one.name: one for one in made}
        ladder_ms = catalog.ladder.retention_ms_max
        validity = Validity(defaults.far_future_ms, ladder_ms, defaults.record_bytes_max)
        self._passed = layout.topic == CUSTOMER
        self._decoder: Decoder | PassedDecoder = (
            PassedDecoder(validity)
            if self._passed
            else Decoder(validity, layout.topic, takes_control=True)
        )
        self.marks: dict[Source, Place] = {}
        self.owners: dict[Held, tuple[int, ...]] = {}
        self._sought: set[Held] = set()
        self._owed: dict[int, int] = {}
        self._astray = 0

    @property
    def any(self) -> bool:
        """Whether the topic has states at all."""
        return bool(self.owners or self._sought)

    @property
    def asks_log(self) -> bool:
        """Whether the log has to tell where some states belong."""
        return bool(self._sought)

    def add_states(self, partition: int, processor: str, items: Sequence[bytes]) -> None:
        """Take states as they are stored: id, state, ...; what belongs to no key stays."""
        if processor == MARKS:
            for encoded in items[1::2]:
                for source, place in read_marks(encoded).items():
                    self.marks[source] = max(place, self.marks.get(source, place))
        known = self._processors.get(processor)
        if known is None:
            return  # ledgers and receipts: of the partition, not of a key
        for identity, encoded in zip(items[::2], items[1::2], strict=True):
            if processor not in KEYED_BY_RECORD:
                self._sought.add((partition, processor, identity))
                continue
            key = Codec(known, SCHEMA).decode(encoded).key.encode()
            self._astray += self._layout.old(key) != partition
            self.owners[partition, processor, identity] = (self._layout.new(key),)

    def read(self, partition: int, records: Sequence[Record], counted: int) -> None:
        """Take records of the log.

        Args:
            partition: theirs.
            records: in order.
            counted: the offset up to which the tables stand.
        """
        offsets, events, _ = self._decoder.decode(records)
        by_offset = {record[0]: record for record in records}
        takers = self._takers()
        for offset, event in zip(offsets, events, strict=True):
            if isinstance(event, Tick):
                continue
            key = _key_of(by_offset[offset], event)
            owner = self._layout.new(key)
            if offset >= counted:
                # What was passed on is known by the order in which a source sent it: all or none.
                if owner != partition or self._passed:
                    self._owed[partition] = self._owed.get(partition, 0) + 1
                continue
            self._find(partition, key, event, takers.get(event.__class__, ()))
        linked = [one for one in takers.get(Purchase, ()) if one.takes_linked]
        for offset, bundle in self._decoder.controls.passed:
            if offset >= counted:
                self._owed[partition] = self._owed.get(partition, 0) + 1
                continue
            for handed in handed_over(bundle):
                if isinstance(handed, PurchaseLinked):
                    key = (handed.purchase.visitor_id or "").encode()
                    self._find(partition, key, handed.purchase, linked)

    def _find(self, partition: int, key: bytes, event: Event, takers: Sequence[Processor]) -> None:
        """Note whose the states are that took an event."""
        for processor in takers:
            name = processor.key(event)
            if name:
                self._found(processor.name, state_id(name), partition, key)

    def _found(self, processor: str, identity: bytes, partition: int, key: bytes) -> None:
        """Note whose a state is: it lies where its record does, or an earlier change put it."""
        for at in {partition, self._layout.old(key)}:
            held = (at, processor, identity)
            if held in self._sought:
                # Of several keys in one partition (an order of two visitors): each has it.
                self.owners[held] = tuple({*self.owners.get(held, ()), self._layout.new(key)})

    def settle(self) -> None:
        """Decide where every state goes.

        Raises:
            CheckFailedError: the figures would not be exact; the text says why and the way out.
        """
        self._refuse_unread()
        lost = 0
        for held in self._sought - self.owners.keys():
            partition, processor, _ = held
            if processor not in SILENT:
                lost += 1
            self.owners[held] = tuple(self._layout.receivers(partition))
        if lost:
            raise self._refused(
                f"of {lost} carts the log holds no event any more: nobody can tell whose they are",
                "wait until they have timed out (an event later than their timeout and the keyed "
                "lateness in every partition)",
            )
        self._refuse_clashes()

    def _refuse_clashes(self) -> None:
        places = Counter((o, held[1:]) for held, owners in self.owners.items() for o in owners)
        clashes = Counter(held[0] for (_, held), number in places.items() if number > 1)
        torn = sum(len(o) > 1 for held, o in self.owners.items() if held[1] not in SILENT)
        if self._astray or clashes or torn:
            kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(clashes.items()))
            raise self._refused(
                f"{self._astray} keys lie where murmur2 of {self._layout.before} does not put "
                f"them, {torn} carts are of several keys, and of two states one would be lost "
                f"({kinds or 'none'}): workers have counted records of both layouts, producers do "
                "not partition by murmur2, or publish one identity under several keys",
                "count anew (kpi state drop)",
            )

    def refuse_unsettled(self, reached: Mapping[str, tuple[int, str]]) -> None:
        """Refuse where sources may send again what some receivers lack.

        Args:
            reached: source partition -> the offset up to which its tables stand, the topic's id.

        Raises:
            CheckFailedError: a source passed on more than its tables know of.
        """
        self.marks = _settled(self.marks, {origin: of for origin, (_, of) in reached.items()})
        behind = []
        for (origin, of), (offset, _) in self.marks.items():
            counted, present = reached.get(origin, (0, ""))
            is_former = of and present and of != present
            if offset >= counted and not is_former:
                behind.append(origin)
        if behind:
            raise self._refused(
                f"{', '.join(sorted(behind))} passed on what its tables do not hold yet",
                "start the workers, let them read to the end, and end them in order (SIGTERM)",
            )

    def _refuse_unread(self) -> None:
        if self._owed:
            where = ", ".join(f"{number} in {at}" for at, number in sorted(self._owed.items()))
            raise self._refused(
                f"records are not counted yet whose keys have moved (partition: {where}): they "
                "would be counted apart from the rest of their session",
                "next time stop the producers, let the workers read to the end, and have this "
                "command add the partitions (--partitions); now count anew (kpi state drop)",
            )

    def _refused(self, why: str, way_out: str) -> CheckFailedError:
        return CheckFailedError(
            f"{self._layout.topic}: {why}. The tables are as they were: {way_out}"
        )

    def _takers(self) -> dict[type, list[Processor]]:
        names = {processor for _, processor, _ in self._sought}
        takers: dict[type, list[Processor]] = {}
        for name in sorted(names):
            for kind in self._processors[name].types:
                takers.setdefault(PROCESSED_BY_TYPE[kind], []).append(self._processors[name])
        return takers


def _key_of(record: Record, event: Any) -> bytes:
    """Return the key by which a record was placed; without one, by which it should have been."""
    if isinstance(event, CustomerBought | CustomerLinked | CustomerForgotten):
        return event.customer_id.encode()
    _, _, key, value = record
    if key is not None:
        return key
    with suppress(ValueError):
        return (record_key(json.loads(value or b"")) or "").encode()
    return b""


def _settled(marks: Mapping[Source, Place], present: Mapping[str, str]) -> dict[Source, Place]:
    """Return marks of several partitions as those of one: the present topic's last.

    What some have seen before an id was told is of a former topic if others know one.

    Args:
        marks: the highest of each source.
        present: source partition -> its topic's id; empty where the broker does not tell.
    """
    known: dict[str, list[str]] = {}
    for origin, of in marks:
        if of:
            known.setdefault(origin, []).append(of)
    found: dict[Source, Place] = {}
    for (origin, of), place in marks.items():
        ids = known.get(origin, [])
        former = [one for one in ids if one != present.get(origin)]
        for one in [of] if of or not ids else former or ids:
            found[origin, one] = max(place, found.get((origin, one), place))
    in_order = sorted(found.items(), key=lambda item: item[0][1] == present.get(item[0][0]))
    return dict(in_order)


def states_of(name: str) -> str | None:
    """Return the processor of a key's name; None where it holds no states."""
    return name.removeprefix("state:") if name.startswith("state:") else None


def owners_of_timer(
    owners: dict[Held, tuple[int, ...]], partition: int, processor: str, identity: bytes
) -> Iterable[int]:
    """Return where a state's timer goes: along with it."""
    return owners.get((partition, processor, identity), (partition,))
