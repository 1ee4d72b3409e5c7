"""A namespace's log, read by a consumer of its own: no group, nothing committed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from processors.errors import UnreachableError
from processors.names import physical_topic
from streams.kafka_clients import connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from processors.record import Record
    from streams.settings import Settings
    from streams.tables.base import PartitionId

    Report = Callable[[int, int], None]

LogRow = tuple[str, int, int, int, "bytes | None", "bytes | None"]
"""(logical topic, partition, offset, timestamp ms, key, value)"""
_POLL_MS: Final = 500
_STALL_S: Final = 30.0


class Stretch(NamedTuple):
    """The offsets [start, end) of one partition."""

    start: int
    end: int


@contextmanager
def log_consumer(settings: Settings) -> Iterator[Any]:
    """Yield a consumer that is closed in the end.

    Raises:
        UnreachableError: the broker is away or refused, now or while it is used.
    """
    try:
        consumer = KafkaConsumer(
            **connection(settings),
            enable_auto_commit=False,
            client_id="kpi-streams-log",
            isolation_level="read_committed",  # as workers read: an aborted event never was
            max_poll_records=10_000,
            max_partition_fetch_bytes=4_194_304,
            fetch_max_bytes=16_777_216,
        )
        try:
            yield consumer
        finally:
            consumer.close()
    except KafkaError as error:
        raise UnreachableError(f"broker: {settings.broker}: {error}") from error


def read_stretches(
    consumer: Any,
    settings: Settings,
    stretches: Mapping[PartitionId, Stretch],
    report: Report = lambda *_: None,
) -> Iterator[tuple[PartitionId, list[Record]]]:
    """Yield the records of one partition at a time, each partition's in order.

    Args:
        consumer: see :func:`log_consumer`.
        settings: broker and namespace.
        stretches: what to read.
        report: gets how many records were read, of how many.

    Raises:
        UnreachableError: the broker stopped answering.
    """
    unread = {
        TopicPartition(physical_topic(who.topic, settings.namespace), who.partition): who
        for who, stretch in stretches.items()
        if stretch.end > stretch.start
    }
    consumer.assign(list(unread))
    for at, who in unread.items():
        consumer.seek(at, stretches[who].start)
    total = sum(stretches[who].end - stretches[who].start for who in unread.values())
    done, moved_s = 0, time.monotonic()
    while unread:
        polled = consumer.poll(timeout_ms=_POLL_MS)
        if polled:
            moved_s = time.monotonic()
        elif time.monotonic() - moved_s > _STALL_S:
            raise UnreachableError(
                f"broker: {settings.broker}: no records for {_STALL_S:.0f} s with"
                f" {total - done} still to read"
            )
        for at, records in polled.items():
            if at not in unread:
                continue
            end = stretches[unread[at]].end
            taken = [(r.offset, r.timestamp, r.key, r.value) for r in records if r.offset < end]
            done += len(taken)
            if taken:
                yield unread[at], taken
        read = [at for at, who in unread.items() if consumer.position(at) >= stretches[who].end]
        for at in read:
            del unread[at]
            consumer.pause(at)
        report(done, total)


def read_log(
    settings: Settings, ends: Mapping[PartitionId, int], report: Report = lambda *_: None
) -> Iterator[LogRow]:
    """Yield every record of a namespace's partitions from the log's start up to their ends.

    Args:
        settings: broker and namespace.
        ends: partition -> one past the last offset to read. Ends come from acknowledged writes: a
            broker may name an end that its newest records have already passed.
        report: gets how many records were read, of how many.

    Raises:
        UnreachableError: the broker is away, refused, or stopped answering.
    """
    with log_consumer(settings) as consumer:
        parts = {
            TopicPartition(physical_topic(who.topic, settings.namespace), who.partition): who
            for who in ends
        }
        starts = consumer.beginning_offsets(list(parts))
        stretches = {who: Stretch(starts[at], ends[who]) for at, who in parts.items()}
        for who, records in read_stretches(consumer, settings, stretches, report):
            for record in records:
                yield (*who, *record)
