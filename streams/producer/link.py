"""A connection to Kafka by aiokafka: made, used for whole batches, given up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownError

from processors.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streams.producer.bundle import Bundle
    from streams.producer.envelope import Envelope

_NO_HEADERS: list[Any] = []
BATCH_BYTES = 192 * 1024  # larger ones cost more: aiokafka copies them several times
_CONNECT_TIMEOUT_S = 5.0


class LinkError(Exception):
    """Kafka is away."""


class Dialer:
    """Makes links.

    Args:
        config: aiokafka's settings.
        topics: the broker's names of the topics that must be there.
    """

    def __init__(self, config: Mapping[str, Any], topics: Sequence[str]) -> None:
        self._config = {
            "acks": "all",
            "max_batch_size": BATCH_BYTES,
            "compression_type": "zstd",  # events are alike: a tenth of the bytes, and less to send
            **config,
        }
        self._topics = topics
        self._idempotent = True

    async def connect(self) -> Link:
        """Connect.

        Raises:
            LinkError: Kafka is away.
            UnreachableError: it is there, but a topic is not.
        """
        try:
            return await self._connect()
        except _NoProducerIdError:
            # The embedded broker: order is kept all the same (one batch of a partition is under
            # way at a time), and what arrives twice counts once, by its event_id.
            self._idempotent = False
            return await self._connect()

    async def _connect(self) -> Link:
        producer = AIOKafkaProducer(enable_idempotence=self._idempotent, **self._config)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await producer.start()
                cluster = await producer.client.fetch_all_metadata()  # which creates no topics
        except (KafkaError, OSError, TimeoutError) as error:
            await _stop(producer)
            if self._idempotent and isinstance(error, UnknownError):
                raise _NoProducerIdError from error
            raise LinkError(str(error) or type(error).__name__) from error
        counts = {t: len(cluster.partitions_for_topic(t) or ()) for t in self._topics}
        missing = sorted(topic for topic, count in counts.items() if not count)
        if missing:
            await _stop(producer)
            raise UnreachableError(
                f"no topic {', '.join(missing)}: create it with `kpi topics create`"
            )
        return Link(producer, counts)


class _NoProducerIdError(Exception):
    """The broker cannot number a producer's batches."""


class Link:
    """A started producer and the partition counts of the topics."""

    def __init__(self, producer: AIOKafkaProducer, partitions: Mapping[str, int]) -> None:
        self._producer = producer
        self.partitions = partitions

    async def send(self, bundle: Bundle) -> int:
        """Send a bundle and return its first offset once all in-sync replicas have it.

        Waits as long as it takes: whoever asks decides when Kafka is away.

        Raises:
            LinkError: Kafka refused; the bundle may arrive all the same.
        """
        builder = self._producer.create_batch()
        _fill(builder, bundle.envelopes)
        builder.close()
        try:
            confirmation = await self._producer.send_batch(
                builder, bundle.topic, partition=bundle.partition
            )
            return int((await confirmation).offset)
        except (KafkaError, OSError) as error:
            raise LinkError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close, once what is under way has arrived: a link that is away closes when it is back."""
        await _stop(self._producer)


def _fill(builder: Any, envelopes: Sequence[Envelope]) -> None:
    """Append every envelope; half the time of ``builder.append`` for each (aiokafka is pinned)."""
    append = builder._builder.append  # noqa: SLF001  # what append() itself calls, once checked
    for offset, envelope in enumerate(envelopes):
        if append(offset, envelope.timestamp_ms, envelope.key, envelope.value, _NO_HEADERS) is None:
            raise ValueError(f"event {envelope.event_id} does not fit into its batch")
    builder._relative_offset = len(envelopes)  # noqa: SLF001  # as above


async def _stop(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError, OSError):
        await producer.stop()
