"""Laws of the publisher, on a real broker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from processors.errors import UnreachableError, UsageError
from processors.names import ADS, EVENT_TOPICS, VISITOR, physical_topic
from streams.embedded.ports import free_port
from streams.replay.publish import Publisher
from streams.replay.seal import seal
from streams.settings import Settings
from streams.simulator.traffic import history
from streams.tables.base import PartitionId
from streams.topics import create_topics

if TYPE_CHECKING:
    from streams.embedded.servers import Addresses

pytestmark = pytest.mark.servers

START_MS = 1_500_000_000_000


@pytest.fixture
def settings(servers: Addresses) -> Settings:
    """A namespace of its own, with its topics of three partitions."""
    namespace = f"t-{uuid4().hex[:8]}"
    settings = replace(Settings(), broker=servers.broker, namespace=namespace, partitions=3)
    create_topics(settings)
    return settings


def _log(settings: Settings, topic: str) -> dict[int, list[Any]]:
    """Read a whole topic, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=settings.broker, enable_auto_commit=False)
    try:
        physical = physical_topic(topic, settings.namespace)
        places = [TopicPartition(physical, p) for p in range(settings.partitions)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: dict[int, list[Any]] = {p: [] for p in range(settings.partitions)}
        while any(consumer.position(place) < end for place, end in ends.items()):
            for place, records in consumer.poll(timeout_ms=500).items():
                found[place.partition] += records
        return found
    finally:
        consumer.close()


def test_published_as_they_are_in_order(settings: Settings) -> None:
    """Each event is where the stock partitioner puts its key, in order, at its own time."""
    events = list(history(1, START_MS, START_MS + 300_000, 20))
    with Publisher(settings) as publisher:
        for event in events:
            publisher.publish(event, event["ts"])
        delivered = publisher.flush()
    assert delivered.total == len(events)
    wanted = [e for e in events if "visitor_id" in e]
    found = _log(settings, VISITOR)
    stock = KafkaProducer(bootstrap_servers=settings.broker)
    physical = physical_topic(VISITOR, settings.namespace)
    for partition, records in found.items():
        times = [record.timestamp for record in records]
        assert times == sorted(times)
        for record in records:
            event = msgspec.json.decode(record.value)
            assert record.timestamp == event["ts"]
            assert record.key == event["visitor_id"].encode()
        for key in {record.key for record in records[-5:]}:
            assert stock.send(physical, b"{}", key=key).get(10).partition == partition
        here = PartitionId(VISITOR, partition)
        assert delivered.records[here] == delivered.next_offsets[here] == len(records)
    stock.close()
    assert sum(len(records) for records in found.values()) == len(wanted)


def test_seal_reaches_every_partition(settings: Settings) -> None:
    """The seal is the last record of each partition of every event topic."""
    with Publisher(settings) as publisher:
        seal(publisher, START_MS)
        delivered = publisher.flush()
    assert delivered.next_offsets == {
        PartitionId(topic, partition): 1 for topic in EVENT_TOPICS for partition in range(3)
    }
    for partition, records in _log(settings, ADS).items():
        (record,) = records
        assert record.timestamp == msgspec.json.decode(record.value)["ts"] == START_MS
        assert str(partition) in msgspec.json.decode(record.value)["event_id"]


def test_missing_topic_is_named(settings: Settings) -> None:
    """A namespace without topics is refused by the topic's name, not created on the way."""
    with (
        Publisher(replace(settings, namespace="nowhere")) as publisher,
        pytest.raises(UsageError, match=r"nowhere\.tracking\.ads"),
    ):
        publisher.publish({"event_id": "e", "type": "ad_impression", "ts": 1, "campaign": "c"})


def test_away_broker_is_named() -> None:
    """A broker that does not answer is unreachable, by its address."""
    broker = f"127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match=broker):
        Publisher(replace(Settings(), broker=broker))


def test_too_large_a_record_is_named(settings: Settings) -> None:
    """What the broker cannot take is an error that names topic and partition."""
    with (
        Publisher(settings) as publisher,
        pytest.raises(UnreachableError, match=r"tracking\.ads/\d"),
    ):
        publisher.send(ADS, b"k", b"x" * 3_000_000)
