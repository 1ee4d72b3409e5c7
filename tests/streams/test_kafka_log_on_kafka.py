"""Reading a namespace's log again, on Apache Kafka, which has transactions."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer

from processors.names import ADS, physical_topic
from streams.kafka_log import read_log
from streams.settings import Settings
from streams.tables.base import PartitionId
from streams.topics import create_topics

if TYPE_CHECKING:
    from tests.support.kafka_nodes import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.servers]


def test_events_of_an_aborted_transaction_are_not_read(apache_kafka: KafkaCluster) -> None:
    """A backfill, and a catalogue's dry run, count what workers count: those never were."""
    settings = Settings(broker=apache_kafka.bootstrap, namespace="aborted", partitions=1)
    create_topics(settings)
    topic = physical_topic(ADS, settings.namespace)

    async def publish() -> int:
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.broker, transactional_id="test-aborted"
        )
        await producer.start()
        try:
            for event_id, succeeds in (("a", True), ("b", False), ("c", True)):
                await producer.begin_transaction()
                value = json.dumps({"event_id": event_id}).encode()
                sent = await producer.send_and_wait(topic, value, partition=0)
                if succeeds:
                    await producer.commit_transaction()
                else:
                    await producer.abort_transaction()
        finally:
            await producer.stop()
        return int(sent.offset) + 1

    ends = {PartitionId(ADS, 0): asyncio.run(publish())}
    values = [json.loads(value or b"")["event_id"] for *_, value in read_log(settings, ends)]
    assert values == ["a", "c"]
