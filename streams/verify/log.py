"""A namespace's log as a DuckDB table: every record, read once from Kafka up to its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from processors.errors import UnreachableError
from processors.names import physical_topic
from streams.kafka_clients import connection
from streams.verify.sql import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import duckdb

    from streams.settings import Settings
    from streams.tables.base import PartitionId

LogRow = tuple[str, int, int, int, "bytes | None", "bytes | None"]
"""(logical topic, partition, offset, timestamp ms, key, value)"""
_BATCH: Final = 100_000
_POLL_MS: Final = 500
_STALL_S: Final = 30.0


def create_log(con: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table ``log``."""
    con.execute(statement("log"))


def append_log(con: duckdb.DuckDBPyConnection, rows: Iterable[LogRow]) -> int:
    """Append records to ``log``; returns how many."""
    total = 0
    batch: list[LogRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            total += _insert(con, batch)
            batch = []
    return total + _insert(con, batch)


def _insert(con: duckdb.DuckDBPyConnection, rows: list[LogRow]) -> int:
    # Columns as list parameters: a row at a time DuckDB takes a thousand times longer.
    if rows:
        columns = [list(values) for values in zip(*rows, strict=True)]
        con.execute(
            "insert into log select unnest($1::varchar[]), unnest($2::int[]),"
            " unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::blob[]), unnest($6::blob[])",
            columns,
        )
    return len(rows)


def read_log(
    settings: Settings,
    ends: Mapping[PartitionId, int],
    report: Callable[[int, int], None] = lambda *_: None,
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
    try:
        consumer = KafkaConsumer(
            **connection(settings),
            enable_auto_commit=False,
            client_id="kpi-streams-verify",
            max_poll_records=10_000,
            max_partition_fetch_bytes=4_194_304,
            fetch_max_bytes=16_777_216,
        )
        try:
            yield from _read(consumer, settings, ends, report)
        finally:
            consumer.close()
    except KafkaError as error:
        raise UnreachableError(f"broker: {settings.broker}: {error}") from error


def _read(
    consumer: Any,
    settings: Settings,
    ends: Mapping[PartitionId, int],
    report: Callable[[int, int], None],
) -> Iterator[LogRow]:
    wanted = {
        TopicPartition(physical_topic(where.topic, settings.namespace), where.partition): where
        for where in ends
    }
    consumer.assign(list(wanted))
    starts = consumer.beginning_offsets(list(wanted))
    for partition, start in starts.items():
        consumer.seek(partition, start)
    total = sum(ends[where] - starts[partition] for partition, where in wanted.items())
    done, moved = 0, time.monotonic()
    while any(consumer.position(partition) < ends[where] for partition, where in wanted.items()):
        polled = consumer.poll(timeout_ms=_POLL_MS)
        if polled:
            moved = time.monotonic()
        elif time.monotonic() - moved > _STALL_S:
            raise UnreachableError(
                f"broker: {settings.broker}: no records for {_STALL_S:.0f} s with"
                f" {total - done} still to read"
            )
        for partition, records in polled.items():
            topic, number = wanted[partition]
            end = ends[wanted[partition]]
            for record in records:
                if record.offset < end:
                    yield topic, number, record.offset, record.timestamp, record.key, record.value
            done += len(records)
        report(done, total)
