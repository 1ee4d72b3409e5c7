"""The thread that carries events to Kafka with kafka-python, and notices when Kafka is away."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from kafka import KafkaProducer
from kafka.errors import (
    IllegalStateError,
    InvalidProducerEpochError,
    InvalidProducerIdMappingError,
    InvalidRecordError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumberError,
    ProducerFencedError,
    RecordListTooLargeError,
    UnknownProducerIdError,
)

from streams.producer.envelope import Envelope, Receipt
from streams.producer.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kafka.producer.future import FutureRecordMetadata, RecordMetadata

    from streams.producer.outgoing import Outgoing, Parcel

_FATAL = (  # the producer is of no more use, the event is: a new producer sends it again
    InvalidProducerEpochError,
    InvalidProducerIdMappingError,
    OutOfOrderSequenceNumberError,
    ProducerFencedError,
    UnknownProducerIdError,
    IllegalStateError,
)
_POISON = (InvalidRecordError, MessageSizeTooLargeError, RecordListTooLargeError)
_log = logging.getLogger(__name__)
CHUNK = 500  # parcels taken at once
IDLE_S = 0.5  # how often an idle courier looks whether it may go home
BACKOFF_S = (0.2, 0.5, 1.0, 2.0)


class Courier(threading.Thread):
    """Sends parcels in order until told to stop.

    Args:
        outgoing: the buffer.
        connect: makes a connected producer, or raises a retriable KafkaError. What a producer
            still holds when Kafka goes away is sent by its successor: late answers do no harm.
        producer: an already connected one.
        flight_s: how long a producer tries before it reports failure, and a little more.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        connect: Callable[[], KafkaProducer],
        producer: KafkaProducer | None,
        flight_s: float,
    ) -> None:
        super().__init__(name="kpi-producer", daemon=True)
        self._outgoing = outgoing
        self._connect = connect
        self._producer = producer
        self._flight_s = flight_s
        self._stop_asked = threading.Event()
        self._trouble: KafkaError | None = None  # set by kafka-python's thread
        self._failures = 0

    def stop(self, timeout_s: float) -> None:
        """Ask the thread to end and wait for it."""
        self._stop_asked.set()
        self.join(timeout_s)

    def run(self) -> None:
        """Send until asked to stop."""
        while not self._stop_asked.is_set():
            try:
                self._turn()
            except KafkaError as error:
                self._on_trouble(error)
            except Exception as error:  # noqa: BLE001  # a full disk, say: the thread must outlive it
                _log.exception("events could not be sent")
                self._on_trouble(error)
        self._retire()

    def _turn(self) -> None:
        if self._producer is None:
            self._producer = self._connect()
        if self._outgoing.is_away and not self._return(self._producer):
            return
        for parcel in self._outgoing.take(CHUNK, IDLE_S):
            self._send(self._producer, parcel)
            if self._trouble is not None:
                break
        if self._trouble is not None:
            raise self._trouble
        if self._outgoing.longest_flight_s() > self._flight_s:
            # kafka-python does not expire what waits for a producer id.
            raise KafkaTimeoutError(f"nothing was confirmed for {self._flight_s} s")

    def _return(self, producer: KafkaProducer) -> bool:
        """Send what is spooled and wait for it; True once nothing is left in the spool."""
        envelopes = self._outgoing.peek_spool(CHUNK)
        self._carry(producer, envelopes)
        self._outgoing.drop_spool(len(envelopes))
        self._failures = 0
        return self._outgoing.back()

    def _carry(self, producer: KafkaProducer, envelopes: Sequence[Envelope]) -> None:
        """Send spooled events and wait until Kafka has all of them."""
        futures = [(self._hand_over(producer, envelope), envelope) for envelope in envelopes]
        for future, envelope in futures:
            try:
                future.get(timeout=self._flight_s)
            except KafkaError as error:
                if not isinstance(error, _POISON):
                    raise
                # It would hold the others up for ever, and nobody waits for it: say which it was.
                _log.error("%s", DeliveryError(envelope.event_id, envelope.topic, error))

    def _send(self, producer: KafkaProducer, parcel: Parcel) -> None:
        try:
            future = self._hand_over(producer, parcel.envelope)
        except KafkaError as error:
            self._on_error(producer, parcel, error)
            return
        future.add_callback(self._on_confirmed, parcel)
        future.add_errback(self._on_error, producer, parcel)

    def _hand_over(self, producer: KafkaProducer, envelope: Envelope) -> FutureRecordMetadata:
        return producer.send(
            envelope.topic, envelope.value, envelope.key, timestamp_ms=envelope.timestamp_ms
        )

    def _on_confirmed(self, parcel: Parcel, metadata: RecordMetadata) -> None:
        self._outgoing.confirm(parcel, Receipt(metadata.topic, metadata.partition, metadata.offset))

    def _on_error(self, producer: KafkaProducer, parcel: Parcel, error: BaseException) -> None:
        if isinstance(error, KafkaError) and (error.retriable or isinstance(error, _FATAL)):
            if self._producer is producer:
                self._trouble = error  # the parcel keeps flying: away() puts it back in order
            return
        envelope = parcel.envelope
        self._outgoing.fail(parcel, DeliveryError(envelope.event_id, envelope.topic, error))

    def _on_trouble(self, error: Exception) -> None:
        if not self._outgoing.is_away:
            _log.warning("Kafka is away: %s", error)
        self._outgoing.away(error)
        self._retire()
        self._trouble = None
        self._stop_asked.wait(BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)])
        self._failures += 1

    def _retire(self) -> None:
        """Let the producer go without waiting for what it still tries."""
        old, self._producer = self._producer, None
        if old is not None:
            forget_at_exit = getattr(old, "_unregister_cleanup", None)
            if forget_at_exit is not None:  # it would wait, and print a traceback
                forget_at_exit()
            threading.Thread(target=_close, args=(old, self._flight_s), daemon=True).start()


def _close(producer: KafkaProducer, flight_s: float) -> None:
    """Close a producer, which it refuses while it holds events that Kafka has not seen."""
    while True:
        try:
            producer.close(timeout=flight_s)
        except KafkaError:
            continue
        return
