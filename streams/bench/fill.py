"""Millions of records into a broker in seconds: whole batches, built by aiokafka's C builder.

A stock producer would take minutes: it spends 20 us and more on every record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from processors.errors import UnreachableError
from processors.names import physical_topic
from streams.bench.workloads import TOPICS
from streams.kafka_clients import connection
from streams.tables.base import PartitionId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.bench.workloads import BenchRecord
    from streams.settings import Settings

BATCH_BYTES: Final = 256 * 1024
_IN_FLIGHT_MAX: Final = 16
_TURN_RECORDS: Final = 2_000


@dataclass
class Filled:
    """What was produced.

    Attributes:
        next_offsets: one past the last record, by logical partition.
        value_bytes: of all values.
    """

    records: int
    value_bytes: int
    next_offsets: dict[PartitionId, int]


def fill(settings: Settings, records: Iterator[BenchRecord], count: int) -> Filled:
    """Produce ``count`` records into the topics of the settings' namespace, in order.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    try:
        return asyncio.run(_Filler(settings).run(islice(records, count)))
    except KafkaError as error:
        raise UnreachableError(f"broker: {settings.broker}: {error}") from error


class _Filler:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._builders: dict[tuple[int, int], Any] = {}
        self._sent: deque[Any] = deque()
        self._filled = Filled(0, 0, {})

    async def run(self, records: Iterator[BenchRecord]) -> Filled:
        producer = AIOKafkaProducer(
            **connection(self._settings),
            client_id="kpi-streams-bench",
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=8 * BATCH_BYTES,
        )
        await producer.start()
        try:
            while chunk := list(islice(records, _TURN_RECORDS)):
                for record in chunk:
                    await self._add(producer, record)
                await asyncio.sleep(0)  # the sender has its turn
            for place, builder in self._builders.items():
                await self._send(producer, place, builder)
            while self._sent:
                await self._sent.popleft()
        finally:
            await producer.stop()
        return self._filled

    async def _add(self, producer: Any, record: BenchRecord) -> None:
        topic, partition, key, value, ts_ms = record
        place = (topic, partition)
        builder = self._builders.get(place)
        if builder is None:
            builder = self._builders[place] = producer.create_batch()
        if builder.append(key=key, value=value, timestamp=ts_ms) is None:
            await self._send(producer, place, builder)
            builder = self._builders[place] = producer.create_batch()
            builder.append(key=key, value=value, timestamp=ts_ms)
        self._filled.records += 1
        self._filled.value_bytes += len(value)

    async def _send(self, producer: Any, place: tuple[int, int], builder: Any) -> None:
        topic, partition = TOPICS[place[0]], place[1]
        count = builder.record_count()
        builder.close()
        physical = physical_topic(topic, self._settings.namespace)
        self._sent.append(await producer.send_batch(builder, physical, partition=partition))
        here = PartitionId(topic, partition)
        self._filled.next_offsets[here] = self._filled.next_offsets.get(here, 0) + count
        if len(self._sent) > _IN_FLIGHT_MAX:
            await self._sent.popleft()
