"""Reading and preparing topics in tests."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from processors import names

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

PARTITIONS = 3


def create_topics(broker: str, namespace: str, partitions: int = PARTITIONS) -> None:
    """Create the event topics of a namespace."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    for topic in names.PROCESSED_TOPICS:
        with contextlib.suppress(TopicAlreadyExistsError):
            admin.create_topics([NewTopic(names.physical_topic(topic, namespace), partitions, 1)])
    admin.close()


def records(broker: str, namespace: str) -> list[ConsumerRecord]:
    """Return every published record of a namespace, partition by partition, without ticks."""
    consumer = KafkaConsumer(bootstrap_servers=broker)
    partitions = [
        TopicPartition(topic, partition)
        for topic in (names.physical_topic(name, namespace) for name in names.EVENT_TOPICS)
        for partition in sorted(consumer.partitions_for_topic(topic) or ())
    ]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    found: list[ConsumerRecord] = []
    # Asked by fetching: the embedded broker's answer to "end offsets" leaves the last batch out.
    while any(consumer.highwater(tp) != consumer.position(tp) for tp in partitions):
        for batch in consumer.poll(200).values():
            found.extend(batch)
    consumer.close()
    published = [record for record in found if record.key is not None]
    return sorted(published, key=lambda record: (record.topic, record.partition, record.offset))


def events(broker: str, namespace: str) -> list[dict[str, Any]]:
    """Return every event of a namespace as a JSON object."""
    return [json.loads(record.value) for record in records(broker, namespace)]
