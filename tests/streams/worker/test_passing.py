"""Passing on: in order, record after record, and once however often it is sent."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from processors.bundles import BUNDLE_BYTES_MAX, BUNDLE_EVENTS_MAX, Bundle, Emission
from processors.decode import Validity
from processors.names import ADS, CUSTOMER, VISITOR
from processors.passing import Marks, PassedDecoder
from streams.producer.partition import Partitioner
from streams.worker.passing import Passing


class Broker:
    """Acknowledges records, but not those of a partition that is ``away``."""

    def __init__(self, partitions: int, topic: str = CUSTOMER) -> None:
        self.topic = topic
        self.sent: dict[int, list[bytes]] = {n: [] for n in range(partitions)}
        self.away: set[int] = set()
        self.under_way: dict[int, int] = {}

    async def partitions(self, topic: str) -> int:
        """Tell how many partitions the receiving topic has."""
        assert topic == self.topic
        return len(self.sent)

    async def send(self, topic: str, key: Any, value: Any, *, partition: int, **_: Any) -> None:
        """Take a record; two of one partition must never be under way at once."""
        assert (topic, key) == (self.topic, None)
        assert not self.under_way.get(partition), "the record before is not acknowledged"
        self.under_way[partition] = 1
        await asyncio.sleep(0)
        self.under_way[partition] = 0
        if partition in self.away:
            raise OSError("away")
        self.sent[partition].append(value)


def emission(offset: int, customer: str = "") -> Emission:
    who = customer or f"c{offset % 17}"
    return Emission(offset, 0, f"e{offset}", 1_000 + offset, who, False, 5, "EUR", (None,) * 6)


def received(broker: Broker) -> list[int]:
    """Return the offsets that a receiver takes, over all partitions, each log read in order."""
    decoder = PassedDecoder(Validity(1, 1, 1))
    offsets = []
    for records in broker.sent.values():
        marks = Marks()
        _, events, rejections = decoder.decode([(n, 0, None, v) for n, v in enumerate(records)])
        assert not rejections
        offsets += [event.place[0] for event in events if marks.is_fresh(event)]  # type: ignore[attr-defined]
    return offsets


def passing(broker: Any, topic: str = VISITOR) -> Passing:
    return Passing(broker, broker, "live", topic, 3)


def test_each_customer_has_one_partition_and_all_arrive() -> None:
    """Everything that is added arrives once, a customer's in one partition, in order."""
    broker = Broker(4)
    lanes = passing(broker)
    lanes.add([emission(n) for n in range(3 * BUNDLE_EVENTS_MAX)])
    asyncio.run(lanes.flush())
    assert sorted(received(broker)) == list(range(3 * BUNDLE_EVENTS_MAX))
    decoder = PassedDecoder(Validity(1, 1, 1))
    whose: dict[str, int] = {}
    for number, records in broker.sent.items():
        _, events, _ = decoder.decode([(n, 0, None, v) for n, v in enumerate(records)])
        for event in events:
            assert whose.setdefault(event.customer_id, number) == number  # type: ignore[attr-defined]


def test_what_is_not_acknowledged_is_sent_again_and_blocks_the_checkpoint() -> None:
    """A flush fails while any record is not acknowledged; the next one sends the rest."""
    broker = Broker(2)
    broker.away = {1}
    lanes = passing(broker)
    lanes.add([emission(n) for n in range(50)])
    with pytest.raises(OSError, match="away"):
        asyncio.run(lanes.flush())
    before = list(broker.sent[0])
    broker.away = set()
    lanes.add([emission(n) for n in range(50, 60)])
    asyncio.run(lanes.flush())
    assert broker.sent[0][: len(before)] == before
    assert sorted(received(broker)) == list(range(60))


@pytest.mark.parametrize("length", [1, 200, 30_000, 600_000])
def test_long_texts_make_more_records_and_not_longer_ones(length: int) -> None:
    """A record is cut by its bytes as well, holds one emission at least, and loses none."""
    broker = Broker(1)
    lanes = passing(broker)
    sent = [msgspec.structs.replace(emission(n), currency=length * "x") for n in range(40)]
    lanes.add(sent)
    asyncio.run(lanes.flush())
    records = broker.sent[0]
    decoded = [msgspec.json.decode(record, type=Bundle).emissions for record in records]
    assert [one for found in decoded for one in found] == sent
    for record, found in zip(records, decoded, strict=True):
        assert len(record) <= BUNDLE_BYTES_MAX + 100 or len(found) == 1
    assert len(records) == {1: 1, 200: 1, 30_000: 3, 600_000: 40}[length]
    assert received(broker) == list(range(40))


def test_a_new_owner_sends_again_and_nothing_counts_twice() -> None:
    """Owners that crash before their checkpoint repeat what they sent; receivers drop it."""
    broker = Broker(3)
    for start, end in ((0, 40), (25, 70), (25, 100), (60, 120)):
        owner = passing(broker)
        owner.add([emission(n) for n in range(start, end)])
        asyncio.run(owner.flush())
    assert sorted(received(broker)) == list(range(120))


def test_a_bundle_tells_which_topic_its_offsets_are_of() -> None:
    """By its id, where the broker tells one; else the record is as it was before there were ids."""
    broker = Broker(1)
    lanes = passing(broker)
    lanes.add([emission(1)])
    asyncio.run(lanes.flush())
    lanes.topic_id = "X"
    lanes.add([emission(2)])
    asyncio.run(lanes.flush())
    first, second = broker.sent[0]
    assert b"topic_id" not in first
    assert first.startswith(b'{"type":"_passed"')
    assert second.startswith(b'{"type":"_passed"')
    assert msgspec.json.decode(second, type=Bundle).topic_id == "X"


def test_forgotten_emissions_are_not_sent() -> None:
    """What is unsent when a partition is given up is the next owner's."""
    broker = Broker(1)
    lanes = passing(broker)
    lanes.add([emission(1)])
    lanes.clear()
    asyncio.run(lanes.flush())
    assert broker.sent == {0: []}


def test_what_customers_hand_over_goes_to_the_visitor_s_partition() -> None:
    """The partition is that of the visitor's own events; of one visitor a record holds one."""
    broker = Broker(4, VISITOR)
    lanes = passing(broker, CUSTOMER)
    lanes.add([msgspec.structs.replace(emission(n), visitor_id=f"v{n % 3}") for n in range(30)])
    asyncio.run(lanes.flush())
    for number, records in broker.sent.items():
        for record in records:
            visitors = [e.visitor_id for e in msgspec.json.decode(record, type=Bundle).emissions]
            assert len(set(visitors)) == len(visitors)
            assert {Partitioner().partition(v.encode(), 4) for v in visitors} == {number}
    sent = [record for records in broker.sent.values() for record in records]
    assert sum(len(msgspec.json.decode(r, type=Bundle).emissions) for r in sent) == 30


def test_whoever_is_linked_to_a_forgotten_visitor_hears_of_it() -> None:
    """A visitor to be forgotten is told to every partition, a customer to theirs."""
    broker = Broker(3)
    lanes = passing(broker)
    lanes.add(
        [
            msgspec.structs.replace(emission(1), forgotten=2, visitor_id="v"),
            msgspec.structs.replace(emission(2), forgotten=2),
        ]
    )
    asyncio.run(lanes.flush())
    assert sorted(received(broker)) == [1, 1, 1, 2]


def test_topics_that_pass_nothing_on_ask_nothing() -> None:
    """Without emissions a flush reaches no service."""
    asyncio.run(passing(None, ADS).flush())
