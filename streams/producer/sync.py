"""The blocking producer."""

from __future__ import annotations

import atexit
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from processors.errors import SettingsError, UnreachableError
from processors.names import LIVE_NAMESPACE
from streams.producer._gen.helpers import EventHelpers
from streams.producer.courier import Courier
from streams.producer.errors import DeliveryError
from streams.producer.gate import validity_of
from streams.producer.outgoing import Delivery, Outgoing, WhenAway
from streams.producer.prepare import Preparer
from streams.producer.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from processors.decode import Validity

_log = logging.getLogger(__name__)
_CONNECT_TIMEOUT_MS = 2_000
_REQUEST_SHARE = 0.5  # of the time to delivery: leaves room for a second try
_EXIT_TIMEOUT_S = 10.0


class EventProducer(EventHelpers[Delivery]):
    """Publishes events to Kafka: checked first, batched, idempotent, in order for each key.

    Thread-safe: share one. Every event is judged by the worker's own rules before it is sent, so
    that a mistake is raised where it was made and no event becomes a dead letter. A record's key
    and topic follow from the event's type; its partition from the key by murmur2, as with
    Kafka's Java client.

    Not to be used across ``fork``: make one in each process. What is unconfirmed when the
    interpreter exits is flushed for up to 10 s.

    Args:
        bootstrap_servers: ``HOST:PORT``, several separated by commas.
        namespace: the namespace whose topics are written.
        when_away: what happens while Kafka does not confirm. ``block``: events wait in memory,
            and callers too once ``buffer_events_max`` wait. ``spool``: they go to ``spool_dir``
            and are sent in order once Kafka is back, by this process or the next. ``raise``:
            they fail with DeliveryError.
        spool_dir: a directory of this producer's own, for ``spool``.
        spool_bytes_max: how much may wait there, in bytes.
        buffer_events_max: how many events may be unconfirmed in memory.
        block_timeout_ms: how long a call may wait for room; None: as long as it takes.
        away_after_ms: how long Kafka may take to confirm before it counts as away.
        linger_ms: how long to wait for more events before a batch is sent.
        batch_bytes: size of a batch for one partition, in bytes.
        compression: None, ``gzip``, or, with their libraries installed, ``lz4``, ``snappy``,
            ``zstd``.
        on_error: called with each DeliveryError, from the sending thread; the default logs it.
        validity: bounds of time and size; None: the catalogue's defaults.
        kafka: further settings of ``kafka.KafkaProducer``: security, client id.

    Raises:
        UnreachableError: Kafka is away at the start and the policy is ``raise``.
        SettingsError: settings contradict each other, or the spool cannot be used.
    """

    def __init__(
        self,
        bootstrap_servers: str = "127.0.0.1:9092",
        *,
        namespace: str = LIVE_NAMESPACE,
        when_away: WhenAway = "block",
        spool_dir: str | Path | None = None,
        spool_bytes_max: int = 1 << 30,
        buffer_events_max: int = 10_000,
        block_timeout_ms: int | None = None,
        away_after_ms: int = 10_000,
        linger_ms: int = 5,
        batch_bytes: int = 262_144,
        compression: str | None = None,
        on_error: Callable[[DeliveryError], None] | None = None,
        validity: Validity | None = None,
        kafka: Mapping[str, Any] | None = None,
    ) -> None:
        if (when_away == "spool") != (spool_dir is not None):
            raise SettingsError(
                f"when_away={when_away!r} with spool_dir={spool_dir!r}: a spool needs a directory "
                "and a directory is used only by a spool"
            )
        self._config = {
            "bootstrap_servers": bootstrap_servers.split(","),
            "bootstrap_timeout_ms": _CONNECT_TIMEOUT_MS,
            "max_block_ms": away_after_ms,
            "delivery_timeout_ms": away_after_ms,
            "request_timeout_ms": int((away_after_ms - linger_ms) * _REQUEST_SHARE),
            "reconnect_backoff_max_ms": 1_000,
            "linger_ms": linger_ms,
            "batch_size": batch_bytes,
            "compression_type": compression,
            "allow_auto_create_topics": False,  # the broker's default partition count is nobody's
            "acks": "all",
            "enable_idempotence": True,
            **(kafka or {}),
        }
        self._block_timeout_ms = block_timeout_ms
        self._on_error = on_error or _log_error
        self._preparer = Preparer(namespace, validity or validity_of())
        self._spool = Spool(Path(spool_dir), spool_bytes_max) if spool_dir is not None else None
        self._outgoing = Outgoing(buffer_events_max, when_away, self._spool)
        producer: KafkaProducer | None = None
        try:
            producer = self._connect()
        except KafkaError as error:
            if when_away == "raise":
                raise UnreachableError(f"Kafka at {bootstrap_servers}: {error}") from error
            self._outgoing.away(error)
        flight_s = away_after_ms / 1000 + 1
        self._turn_s_max = flight_s + _CONNECT_TIMEOUT_MS / 1000 + 1
        self._courier = Courier(self._outgoing, self._connect, producer, flight_s)
        self._courier.start()

    def publish(self, event: Mapping[str, Any]) -> Delivery:
        """Publish an event given as a JSON object (see ``docs/producers.md``).

        Returns at once unless the buffer is full. ``event_id`` and ``ts`` are filled in where
        absent.

        Returns:
            A future: ``result(timeout_s)`` waits until the event is in Kafka, or in the spool.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room within ``block_timeout_ms``, or the producer is closed.
            DeliveryError: Kafka is away and the policy is ``raise``.
        """
        delivery = self._outgoing.put(self._preparer.prepare(event), self._block_timeout_ms)
        delivery.add_done_callback(self._report)
        return delivery

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until every event is in Kafka or in the spool; False if time runs out before."""
        return self._outgoing.wait_empty(timeout_s)

    def close(self, timeout_s: float = 30.0) -> None:
        """Flush, then stop. What is unconfirmed after ``timeout_s`` is spooled, or fails.

        Raises:
            UnreachableError: events failed; each was reported to ``on_error`` too.
        """
        if self._outgoing.closed:
            return
        self._outgoing.refuse()
        self._outgoing.wait_empty(timeout_s)
        failed = self._outgoing.give_up("the producer was closed")
        self._courier.stop(self._turn_s_max)
        atexit.unregister(self._close_at_exit)
        if self._spool is not None and not self._courier.is_alive():
            self._spool.close()
        if failed:
            raise UnreachableError(f"{failed} events were not confirmed within {timeout_s} s")

    def __enter__(self) -> Self:
        """Return the producer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _connect(self) -> KafkaProducer:
        producer = KafkaProducer(**self._config)
        # The last registered runs first: before kafka-python's own, which would drop what waits.
        atexit.unregister(self._close_at_exit)
        atexit.register(self._close_at_exit)
        return producer

    def _close_at_exit(self) -> None:
        try:
            self.close(_EXIT_TIMEOUT_S)
        except UnreachableError as error:
            _log.error("%s", error)

    def _report(self, delivery: Delivery) -> None:
        error = delivery.exception()
        if isinstance(error, DeliveryError):
            self._on_error(error)


def _log_error(error: DeliveryError) -> None:
    _log.error("%s", error)
