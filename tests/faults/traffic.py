"""Live traffic of a known log: seeded events in the order of their clock, at a steady rate."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from kafka import KafkaProducer

from processors.event import tick_record
from processors.names import CUSTOMER, EVENT_TOPICS, physical_topic
from streams.tables.base import PartitionId
from tests.simulation.traffic import make_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from streams.settings import Settings

STEP_S: Final = 0.02
ACK_TIMEOUT_S: Final = 120.0
EVENTS_MAX: Final = 60_000  # no case lasts so long
BUSY: Final = 0.97  # 10,000 events span two days


class Traffic:
    """Publishes until stopped; knows what the broker has acknowledged.

    Args:
        settings: broker, namespace and partitions.
        seed: of the log.
        rate: events a second.

    Attributes:
        acknowledged: partition -> one past the last acknowledged offset.
        sent: how many records were given to the producer.
    """

    def __init__(self, settings: Settings, seed: int, rate: int) -> None:
        self._settings, self._rate = settings, rate
        self._records = _in_order(seed, settings.partitions)
        self._clock_ms = 0
        self._producer = KafkaProducer(
            bootstrap_servers=settings.broker.split(","), acks="all", linger_ms=5,
            retries=10**6, delivery_timeout_ms=int(ACK_TIMEOUT_S * 1000), max_block_ms=60_000,
        )  # fmt: skip
        self._stopping = threading.Event()
        self._paused = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._lock = threading.Lock()
        self.acknowledged: dict[PartitionId, int] = {}
        self.sent = self.acked = 0
        self.errors: list[Exception] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def pause(self) -> None:
        """Publish nothing more until :meth:`resume`, and wait for what is on its way."""
        self._paused.set()
        time.sleep(2 * STEP_S)
        self._producer.flush(ACK_TIMEOUT_S)

    def resume(self) -> None:
        """Go on."""
        self._paused.clear()

    def send(self, topic: str, partition: int, value: bytes, key: bytes | None = None) -> None:
        """Publish a record of the case's own in the middle of the rest."""
        self._send(topic, partition, value, self._clock_ms, key)

    def stop(self) -> None:
        """Publish no more events, and wait for what is on its way.

        Raises:
            Exception: a record was not acknowledged.
        """
        self._stopping.set()
        self._paused.clear()
        self._thread.join()
        self._settle()

    def seal(self) -> None:
        """End: a tick in every partition of events."""
        end_ms = self._clock_ms + 3 * 3_600_000
        for topic in EVENT_TOPICS:
            self._seal_topic(topic, end_ms)
        self._settle()

    def seal_customers(self) -> None:
        """Publish a tick where workers pass on to: its acknowledgement tells those logs' ends."""
        self._seal_topic(CUSTOMER, self._clock_ms + 3 * 3_600_000)
        self._settle()

    def close(self) -> None:
        """End at once."""
        self._stopping.set()
        self._paused.clear()
        if self._thread.ident is not None:
            self._thread.join()
        self._producer.close(5)

    def forget(self, topic: str) -> None:
        """Forget what was acknowledged in a topic that is gone."""
        with self._lock:
            for where in [one for one in self.acknowledged if one.topic == topic]:
                del self.acknowledged[where]

    def ends(self) -> dict[PartitionId, int]:
        """Return what has been acknowledged so far."""
        with self._lock:
            return dict(self.acknowledged)

    def _seal_topic(self, topic: str, end_ms: int) -> None:
        for partition in range(self._settings.partitions):
            self._send(topic, partition, tick_record(end_ms, partition), end_ms)

    def _settle(self) -> None:
        self._producer.flush(ACK_TIMEOUT_S)
        deadline = time.monotonic() + ACK_TIMEOUT_S
        while self.acked < self.sent and not self.errors and time.monotonic() < deadline:
            time.sleep(STEP_S)
        if self.errors:
            raise self.errors[0]
        assert self.acked == self.sent, f"{self.sent - self.acked} records were not acknowledged"

    def _run(self) -> None:
        due = time.monotonic()
        for topic, partition, timestamp_ms, value in self._records:
            while self._paused.is_set():
                time.sleep(STEP_S)
                due = time.monotonic()
            if self._stopping.is_set():
                return
            due += 1 / self._rate
            if (early_s := due - time.monotonic()) > STEP_S:
                time.sleep(early_s)
            self._send(topic, partition, value, timestamp_ms)

    def _send(
        self, topic: str, partition: int, value: bytes, at_ms: int, key: bytes | None = None
    ) -> None:
        self._clock_ms = max(self._clock_ms, at_ms)
        self.sent += 1
        where = PartitionId(topic, partition)
        sending = self._producer.send(
            physical_topic(topic, self._settings.namespace),
            value, key=key, partition=partition, timestamp_ms=at_ms,
        )  # fmt: skip
        sending.add_callback(self._acknowledge, where)
        sending.add_errback(self.errors.append)

    def _acknowledge(self, where: PartitionId, written: Any) -> None:
        with self._lock:
            self.acked += 1
            self.acknowledged[where] = max(self.acknowledged.get(where, 0), written.offset + 1)


def _in_order(seed: int, partitions: int) -> Iterator[tuple[str, int, int, bytes]]:
    """Yield (topic, partition, timestamp ms, value); the clock never goes back."""
    log = make_log(seed, events=EVENTS_MAX, partitions=partitions, busy=BUSY)
    merged = [
        (timestamp_ms, topic, partition, offset, value)
        for (topic, partition), records in log.items()
        for offset, timestamp_ms, value in records[:-1]  # the seal is the case's
    ]
    merged.sort(key=lambda record: record[:4])
    for timestamp_ms, topic, partition, _, value in merged:
        yield topic, partition, timestamp_ms, value
