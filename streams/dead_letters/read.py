"""Reading the dead-letter topic from its beginning to its end as it is now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from processors.errors import UnreachableError
from processors.names import DEAD_LETTER, physical_topic
from streams.dead_letters.letter import read_letter
from streams.kafka_clients import connection
from streams.topics import describe_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.dead_letters.letter import Letter
    from streams.settings import Settings

_POLL_MS: Final = 250
_STALL_S: Final = 15.0


def read_letters(settings: Settings) -> Iterator[Letter]:
    """Yield every dead letter of the namespace, repetitions of a crash and retries included.

    Raises:
        UnreachableError: the broker is away, refused, or stopped answering.
    """
    topic = physical_topic(DEAD_LETTER, settings.namespace)
    facts = describe_topics(settings).get(topic)
    if facts is None:
        return
    partitions = [TopicPartition(topic, number) for number in range(facts.partitions)]
    try:
        consumer = KafkaConsumer(
            **connection(settings),
            enable_auto_commit=False,
            client_id="kpi-streams-dead-letters",
            max_poll_records=2_000,
        )
        try:
            yield from _read(consumer, partitions, settings.broker)
        finally:
            consumer.close()
    except KafkaError as error:
        raise UnreachableError(f"broker: {settings.broker}: {error}") from error


def _read(consumer: Any, partitions: list[TopicPartition], broker: str) -> Iterator[Letter]:
    """Read until each partition is at its end, or at a letter written since the reading began."""
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    now_ms, moved = time.time_ns() // 1_000_000, time.monotonic()
    done: set[TopicPartition] = set()
    while len(done) < len(partitions):
        polled = consumer.poll(timeout_ms=_POLL_MS)
        for partition, records in polled.items():
            moved = time.monotonic()
            if records[-1].timestamp > now_ms:
                done.add(partition)
            for record in records:
                letter = read_letter(record.value, record.timestamp)
                if letter is not None:
                    yield letter
        # Asked by fetching: a broker may name an end that its newest records have passed.
        done |= {p for p in partitions if consumer.highwater(p) == consumer.position(p)}
        if time.monotonic() - moved > _STALL_S:
            raise UnreachableError(f"broker: {broker}: no records for {_STALL_S:.0f} s")
