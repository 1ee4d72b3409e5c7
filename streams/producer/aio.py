"""The asyncio producer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from processors import names
from processors.errors import SettingsError, UnreachableError
from streams.producer._gen.helpers import EventHelpers
from streams.producer.envelope import Receipt
from streams.producer.gate import validity_of
from streams.producer.link import Dialer
from streams.producer.outbox import Outbox
from streams.producer.prepare import Preparer
from streams.producer.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from processors.decode import Validity
    from streams.producer.bundle import Bundle
    from streams.producer.outgoing import WhenAway


class AsyncEventProducer(EventHelpers[Coroutine[Any, Any, Receipt]]):
    """Publishes events to Kafka from one event loop; the twin of EventProducer, on aiokafka.

    ``await producer.page_view(...)`` returns once the event is in Kafka. To publish faster than
    one after the other, use ``asyncio.gather``, or :meth:`submit`, which waits only for room.

    Args:
        bootstrap_servers: ``HOST:PORT``, several separated by commas.
        namespace: the namespace whose topics are written.
        when_away: what happens while Kafka does not confirm. ``block``: events wait in memory,
            and callers too once ``buffer_bytes_max`` wait. ``spool``: they go to ``spool_dir``
            and are sent in order once Kafka is back, by this process or the next. ``raise``:
            they fail with DeliveryError.
        spool_dir: a directory of this producer's own, for ``spool``.
        spool_bytes_max: how much may wait there, in bytes.
        buffer_bytes_max: how much may be unconfirmed in memory, in bytes.
        away_after_ms: how long Kafka may take to confirm before it counts as away.
        compression: None, ``gzip``, or, with their libraries installed, ``lz4``, ``snappy``,
            ``zstd``.
        validity: bounds of time and size; None: the catalogue's defaults.
        kafka: further settings of ``aiokafka.AIOKafkaProducer``: security, client id.

    Raises:
        SettingsError: settings contradict each other, or the spool cannot be used.
    """

    def __init__(
        self,
        bootstrap_servers: str = "127.0.0.1:9092",
        *,
        namespace: str = names.LIVE_NAMESPACE,
        when_away: WhenAway = "block",
        spool_dir: str | Path | None = None,
        spool_bytes_max: int = 1 << 30,
        buffer_bytes_max: int = 64 << 20,
        away_after_ms: int = 10_000,
        compression: str | None = None,
        validity: Validity | None = None,
        kafka: Mapping[str, Any] | None = None,
    ) -> None:
        if (when_away == "spool") != (spool_dir is not None):
            raise SettingsError(
                f"when_away={when_away!r} with spool_dir={spool_dir!r}: a spool needs a directory "
                "and a directory is used only by a spool"
            )
        config = {
            "bootstrap_servers": bootstrap_servers.split(","),
            "compression_type": compression,
            "request_timeout_ms": away_after_ms,
            **(kafka or {}),
        }
        topics = [names.physical_topic(topic, namespace) for topic in names.EVENT_TOPICS]
        self._preparer = Preparer(namespace, validity or validity_of())
        self._outbox = Outbox(
            Dialer(config, topics).connect,
            when_away,
            Spool(Path(spool_dir), spool_bytes_max) if spool_dir is not None else None,
            buffer_bytes_max,
            away_after_ms / 1000,
        )

    async def start(self) -> None:
        """Connect.

        Raises:
            UnreachableError: Kafka is away and the policy is not ``spool``, or a topic is missing.
        """
        await self._outbox.start()

    async def publish(self, event: Mapping[str, Any]) -> Receipt:
        """Publish an event given as a JSON object, and wait until it is in Kafka or in the spool.

        ``event_id`` and ``ts`` are filled in where absent.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: the spool is full, or the producer is closed.
            DeliveryError: Kafka is away and the policy is ``raise``.
        """
        return await (await self.submit(event))

    async def submit(self, event: Mapping[str, Any]) -> asyncio.Task[Receipt]:
        """Publish an event without waiting for Kafka, only for room in the buffer.

        Returns:
            The promise of its receipt.

        Raises:
            As :meth:`publish`.
        """
        envelope = self._preparer.prepare(event)
        await self._outbox.room()
        bundle, position = self._outbox.post_one(envelope)
        return asyncio.create_task(_receipt(bundle, position, envelope.topic))

    async def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until every event is in Kafka or in the spool; False if time runs out before."""
        return await self._outbox.flush(timeout_s)

    async def close(self, timeout_s: float = 30.0) -> None:
        """Flush, then stop. What is unconfirmed after ``timeout_s`` is spooled, or fails.

        Raises:
            UnreachableError: events failed; each one's receipt raises DeliveryError.
        """
        failed = await self._outbox.close(timeout_s)
        if failed:
            raise UnreachableError(f"{failed} events were not confirmed within {timeout_s} s")

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Flush and close."""
        await self.close()


async def _receipt(bundle: Bundle, position: int, topic: str) -> Receipt:
    landing = await asyncio.shield(bundle.landed)
    if landing.spooled:
        return Receipt(topic, -1, -1, spooled=True)
    return Receipt(topic, bundle.partition, landing.base_offset + position)
