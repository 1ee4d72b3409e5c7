"""The bounded buffer between the threads that publish and the one that sends.

::

    publish() --> waiting (in order) --> flying (sent, not confirmed) --> confirmed
                     ^                      |
                     +------ away() --------+   or: spooled, or: failed, by policy
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Literal

from streams.producer.envelope import Envelope, Receipt
from streams.producer.errors import BufferFullError, DeliveryError

if TYPE_CHECKING:
    from streams.producer.spool import Spool

WhenAway = Literal["block", "spool", "raise"]
"""What happens to events while Kafka is away: keep them and make callers wait once the buffer is
full; put them on disk; or fail them."""

Delivery = Future[Receipt]
"""The promise of a receipt: ``result(timeout)`` waits for it or raises DeliveryError."""


class Parcel:
    """An envelope, its place in the order, and who waits for it."""

    __slots__ = ("delivery", "envelope", "number", "sent_at_s")

    def __init__(self, number: int, envelope: Envelope) -> None:
        self.number, self.envelope = number, envelope
        self.sent_at_s = 0.0  # monotonic
        self.delivery: Delivery = Future()
        self.delivery.set_running_or_notify_cancel()  # what is on its way cannot be cancelled

    def settle(self, outcome: Receipt | DeliveryError) -> None:
        """Tell who waits. The first outcome stays: an answer may come after a timeout."""
        try:
            if isinstance(outcome, Receipt):
                self.delivery.set_result(outcome)
            else:
                self.delivery.set_exception(outcome)
        except InvalidStateError:
            pass


class Outgoing:
    """All events that are not confirmed. Thread-safe.

    Args:
        events_max: how many may be unconfirmed in memory.
        when_away: what happens while Kafka is away.
        spool: where they wait then, for ``spool``.
    """

    def __init__(self, events_max: int, when_away: WhenAway, spool: Spool | None) -> None:
        self._events_max = events_max
        self._when_away = when_away
        self._spool = spool
        self._waiting: deque[Parcel] = deque()
        self._flying: dict[int, Parcel] = {}
        self._number = 0
        self._changed = threading.Condition()
        self._closed = False
        self._away_because: object = None
        if spool is not None and len(spool):
            self._away_because = "events of an earlier process wait in the spool"

    def put(self, envelope: Envelope, timeout_ms: int | None) -> Delivery:
        """Take an event in.

        Args:
            envelope: the event.
            timeout_ms: how long to wait for room; None: as long as it takes.

        Raises:
            BufferFullError: no room in time, the spool is full, or the producer is closed.
            DeliveryError: Kafka is away and the policy is ``raise``.
        """
        deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        with self._changed:
            while True:
                if self._closed:
                    raise BufferFullError(f"event {envelope.event_id}: the producer is closed")
                if self._away_because is not None and self._when_away != "block":
                    return self._put_away(envelope)
                if len(self._waiting) + len(self._flying) < self._events_max:
                    break
                left_s = None if deadline is None else deadline - time.monotonic()
                if (left_s is not None and left_s <= 0) or not self._changed.wait(left_s):
                    raise BufferFullError(
                        f"event {envelope.event_id}: {self._events_max} events wait for Kafka and "
                        f"there was no room within {timeout_ms} ms"
                    )
            self._number += 1
            parcel = Parcel(self._number, envelope)
            self._waiting.append(parcel)
            if len(self._waiting) == 1:
                self._changed.notify_all()
            return parcel.delivery

    def _put_away(self, envelope: Envelope) -> Delivery:
        if self._spool is None:
            raise DeliveryError(envelope.event_id, envelope.topic, self._away_because)
        self._spool.append([envelope])
        self._changed.notify_all()
        delivery: Delivery = Future()
        delivery.set_result(Receipt(envelope.topic, -1, -1, spooled=True))
        return delivery

    def take(self, count: int, timeout_s: float) -> list[Parcel]:
        """Return the next parcels to send, at most ``count``; they are flying from now on."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(timeout_s)
            taken = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
            now_s = time.monotonic()
            for parcel in taken:
                parcel.sent_at_s = now_s
                self._flying[parcel.number] = parcel
            return taken

    def longest_flight_s(self) -> float:
        """How long the oldest sent parcel has waited for its confirmation."""
        with self._changed:
            oldest = next(iter(self._flying.values()), None)
            return time.monotonic() - oldest.sent_at_s if oldest is not None else 0.0

    def confirm(self, parcel: Parcel, receipt: Receipt) -> None:
        """Kafka has a parcel."""
        self._land(parcel)
        parcel.settle(receipt)

    def fail(self, parcel: Parcel, error: DeliveryError) -> None:
        """Kafka refuses a parcel for good."""
        self._land(parcel)
        parcel.settle(error)

    def _land(self, parcel: Parcel) -> None:
        with self._changed:
            self._flying.pop(parcel.number, None)
            self._changed.notify_all()

    def away(self, reason: object) -> None:
        """Kafka is away: apply the policy to everything that is not confirmed, in order."""
        failed: list[Parcel] = []
        with self._changed:
            self._away_because = reason
            parcels = [*self._flying.values(), *self._waiting]
            parcels.sort(key=lambda parcel: parcel.number)
            self._flying.clear()
            self._waiting.clear()
            if self._when_away == "block":
                self._waiting.extend(parcels)
            elif self._spool is None:
                failed = parcels
            else:
                failed = self._spool_all(parcels)
            self._changed.notify_all()
        for parcel in failed:
            parcel.settle(self._unconfirmed(parcel))

    def _spool_all(self, parcels: list[Parcel]) -> list[Parcel]:
        """Put parcels on disk and return those that do not fit."""
        assert self._spool is not None  # noqa: S101  # the policy says so
        try:
            self._spool.append([parcel.envelope for parcel in parcels])
        except (BufferFullError, OSError) as error:
            self._away_because = error
            return parcels
        for parcel in parcels:
            parcel.settle(Receipt(parcel.envelope.topic, -1, -1, spooled=True))
        return []

    def _unconfirmed(self, parcel: Parcel) -> DeliveryError:
        return DeliveryError(parcel.envelope.event_id, parcel.envelope.topic, self._away_because)

    def back(self) -> bool:
        """Kafka is back; returns False while the spool is not empty, which goes first."""
        with self._changed:
            if self._spool is not None and len(self._spool):
                return False
            self._away_because = None
            self._changed.notify_all()
            return True

    def peek_spool(self, count: int) -> list[Envelope]:
        """Return the oldest spooled events."""
        with self._changed:
            return self._spool.peek(count) if self._spool is not None else []

    def drop_spool(self, count: int) -> None:
        """Kafka has the oldest spooled events."""
        with self._changed:
            if self._spool is not None:
                self._spool.drop(count)
            self._changed.notify_all()

    def wait_empty(self, timeout_s: float | None) -> bool:
        """Wait until every event is in Kafka or on disk."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._flying, timeout_s)

    def refuse(self) -> None:
        """Take nothing more in."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def give_up(self, reason: object) -> int:
        """Spool or fail whatever is not confirmed; return how many failed."""
        if self._when_away == "block":
            self._when_away = "raise"
        with self._changed:
            parcels = [*self._flying.values(), *self._waiting]
        self.away(reason)
        return sum(parcel.delivery.exception(0) is not None for parcel in parcels)

    @property
    def closed(self) -> bool:
        """Whether nothing more comes in."""
        return self._closed

    @property
    def is_away(self) -> bool:
        """Whether Kafka was away when last tried."""
        return self._away_because is not None
