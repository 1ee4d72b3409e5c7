"""What partitions pass on to each other, as records: emissions of one source partition, in order.

Fields are told by their place, and new ones come last with a default: what a topic has held since
before they were added still decodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from processors.names import CUSTOMER, VISITOR

PASSED_ON: Final = {VISITOR: CUSTOMER, CUSTOMER: VISITOR}
PASSED_TYPE: Final = "_passed"
BUNDLE_EVENTS_MAX: Final = 1_000  # about 200 KB
BUNDLE_BYTES_MAX: Final = 500_000  # half of what producers and brokers take: one more may be longer


class Sold(msgspec.Struct, array_like=True, gc=False):
    """What sessions and carts read of a backend's purchase, beside its time."""

    order_id: str
    cart_id: str | None = None
    session_id: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    device: str | None = None
    country: str | None = None


class Emission(msgspec.Struct, array_like=True, gc=False):
    """What is passed on of one event.

    ::

        to a customer   a purchase or refund: ``micro`` is negative for a refund
                        a backend's purchase: what was ``sold`` as well
                        a link: ``visitor_id``; the rest is a refund of nothing, so that a worker
                        that knows no links counts nothing
        to a visitor    a backend's purchase handed over: ``visitor_id`` and what was ``sold``
        to either       somebody to be ``forgotten``, once so many partitions have said so
    """

    offset: int
    index: int
    event_id: str
    ts: int
    customer_id: str
    refund: bool
    micro: int
    currency: str
    dimensions: tuple[str | None, ...]
    forgotten: int = 0
    visitor_id: str = ""
    sold: Sold | None = None


class Bundle(msgspec.Struct, tag=PASSED_TYPE, tag_field="type", gc=False, omit_defaults=True):
    """One record of a receiving topic: emissions of one source partition, in order.

    The topic's id tells offsets from those of a topic of the same name before it; it is empty where
    the broker does not tell, and in what older workers passed on.
    """

    topic: str
    partition: int
    emissions: list[Emission]
    topic_id: str = ""

    @property
    def origin(self) -> str:
        """The source partition, as receivers tell it apart."""
        return f"{self.topic}/{self.partition}"


def receiver(topic: str, one: Emission) -> str:
    """Return the key under which an emission of a topic goes; an empty one goes everywhere."""
    if topic == CUSTOMER:
        return one.visitor_id
    return "" if one.forgotten and one.visitor_id else one.customer_id


def next_bundle(
    topic: str, partition: int, passed: Sequence[Emission], topic_id: str = ""
) -> tuple[int, bytes]:
    """Return how many of some emissions, from the first on, go into one record, and the record.

    Texts of events are of any length: beyond BUNDLE_BYTES_MAX an emission has a record to itself.
    """
    taken = _fitting(_told_apart(topic, passed[:BUNDLE_EVENTS_MAX]))
    return len(taken), msgspec.json.encode(Bundle(topic, partition, taken, topic_id))


def _told_apart(topic: str, passed: Sequence[Emission]) -> Sequence[Emission]:
    """Return the emissions that one record may hold.

    Purchases of one visitor go into different ones: their order is that of the records' offsets.
    """
    if topic == CUSTOMER:
        seen: set[str] = set()
        for number, one in enumerate(passed):
            if one.visitor_id in seen:
                return passed[:number]
            seen.add(one.visitor_id)
    return passed


def _fitting(passed: Sequence[Emission]) -> list[Any]:
    """Encode the emissions that stay below BUNDLE_BYTES_MAX together; one at least."""
    size = 0
    found: list[msgspec.Raw] = []
    for one in passed:
        encoded = msgspec.json.encode(one)
        size += len(encoded) + 1
        if found and size > BUNDLE_BYTES_MAX:
            break
        found.append(msgspec.Raw(encoded))
    return found


def bundle(topic: str, partition: int, passed: Sequence[Emission], topic_id: str = "") -> bytes:
    """Encode emissions of one source partition as one record."""
    return msgspec.json.encode(Bundle(topic, partition, list(passed), topic_id))


def bundled(
    topic: str, partition: int, passed: Sequence[Emission], topic_id: str = ""
) -> list[bytes]:
    """Encode any number of emissions for one receiving partition, as one record after another."""
    found = []
    while passed:
        taken, value = next_bundle(topic, partition, passed, topic_id)
        found.append(value)
        passed = passed[taken:]
    return found
