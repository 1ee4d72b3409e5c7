"""A checked event on its way: what is written to Kafka or to the spool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from processors import names
from processors.event import EVENT_STRUCTS, Event, record_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Envelope(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One record to be.

    Attributes:
        topic: the broker's name of the topic (the namespace applied).
        key: what decides the partition; the same for every event of one identity.
        value: the event as one JSON object.
        timestamp_ms: when it was accepted. Validity was judged against it, so it stays the
            record's timestamp however long the event waits in a spool.
        event_id: for messages about it.
    """

    topic: str
    key: bytes
    value: bytes
    timestamp_ms: int
    event_id: str


class Receipt(NamedTuple):
    """Where an event is now.

    Attributes:
        topic: the broker's name of the topic.
        partition: its partition, -1 while it waits in the spool.
        offset: its offset there, -1 while it waits in the spool.
        spooled: it is on this machine's disk and is sent, in order, once Kafka is back.
    """

    topic: str
    partition: int
    offset: int
    spooled: bool = False


class Addresser:
    """Finds topic and key of decoded events.

    Args:
        namespace: the namespace whose topics are written.
    """

    def __init__(self, namespace: str) -> None:
        self._routes: dict[type[Event], tuple[str, Callable[[Any, bytes], str | None] | None]] = {
            struct: (names.physical_topic(struct.topic, namespace), _KEYS[struct.topic])
            for struct in EVENT_STRUCTS
        }

    def address(self, event: Event, value: bytes, timestamp_ms: int) -> Envelope:
        """Put a decoded event and its JSON into an envelope."""
        (envelope,) = self.address_all([event], [value], timestamp_ms)
        return envelope

    def address_all(
        self, events: Iterable[Any], values: Iterable[bytes], timestamp_ms: int
    ) -> list[Envelope]:
        """Put decoded events and their JSON into envelopes."""
        routes, envelopes = self._routes, []
        for event, value in zip(events, values, strict=True):  # for every event: short on purpose
            topic, key = routes[event.__class__]
            if key is None:
                found = event.visitor_id or event.customer_id or event.recipient_id
            else:
                found = key(event, value) or event.event_id
            envelopes.append(Envelope(topic, found.encode(), value, timestamp_ms, event.event_id))
        return envelopes


# The key column of the contract, read from structs: record_key() reads the same from JSON objects.
# Business events are few, and keyed by fields that not every struct has.
# Visitors' are most of all events: address_all() reads their key without a call.
_KEYS: dict[str, Callable[[Any, bytes], str | None] | None] = {
    names.VISITOR: None,
    names.ADS: lambda event, _value: event.event_id,
    names.SUPPORT: lambda event, _value: event.ticket_id,
    names.LEADS: lambda event, _value: event.lead_id,
    names.BUSINESS: lambda _event, value: record_key(msgspec.json.decode(value)),
}
