r"""Passing on: events that matter to a second identity, in a topic that is keyed by it.

::

    tracking.visitor[0]  p1 p2 .. p3                     offset, index of each emission
            |             \  \    \                     (with topic and partition its identity)
    tracking.customer[1]   p1 p2 | p2 p3 | ...           p2 again after a crash: dropped

A partition's owner emits in the order of its offsets, and a record only once the one before it is
acknowledged; its checkpoint waits for all. So whatever a receiver's partition holds of a source,
it holds everything before it too, and the highest identity seen of each source partition tells
what is a repetition: of a crash, of a roll-back of the source's table, of an owner that lingers.
The marks are part of the receiver's checkpoint, so they go back with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from processors.control import Controls, Forgotten
from processors.decode import Decoder, Rejection, Validity
from processors.event import CustomerBought, CustomerForgotten, Event, Purchase, Refund, Tick
from processors.names import CUSTOMER, VISITOR
from processors.record import Record

BUNDLE_EVENTS_MAX: Final = 1_000  # about 200 KB, far below a broker's 1 MB
PASSED_ON: Final = {VISITOR: CUSTOMER}
MARKS: Final = "_passed"  # the name under which a receiver's marks are stored, beside processors
_DIMENSIONS: Final = (
    "source", "segment", "region", "channel", "campaign", "country", "direction",
)  # fmt: skip

Place = tuple[int, int]
"""(offset in the source partition, number of the emission)"""


class Emission(msgspec.Struct, array_like=True, gc=False):
    """What is passed on of one event; ``micro`` is negative for a refund.

    Where a customer is ``forgotten``, in so many partitions, there is nothing else of an event.
    """

    offset: int
    index: int
    event_id: str
    ts: int
    customer_id: str
    refund: bool
    micro: int
    currency: str
    dimensions: tuple[str | None, ...]
    forgotten: int = 0


class Bundle(msgspec.Struct, tag="_passed", tag_field="type", gc=False):
    """One record of a receiving topic: emissions of one source partition, in order."""

    topic: str
    partition: int
    emissions: list[Emission]


class _Tick(msgspec.Struct, tag="_tick", tag_field="type", gc=False):
    event_id: str
    ts: int


def emissions(events: Sequence[Any], offsets: Sequence[int]) -> Iterator[Emission]:
    """Yield what customers' processors take: purchases and refunds of whom it is known."""
    for event, offset in zip(events, offsets, strict=True):
        kind = event.__class__
        if (kind is Purchase or kind is Refund) and event.customer_id:
            dimensions = tuple(getattr(event, name, None) for name in _DIMENSIONS)
            refund = kind is Refund
            micro = -event.micro if refund else event.micro
            yield Emission(
                offset, 0, event.event_id, event.ts, event.customer_id, refund, micro,
                event.currency, dimensions,
            )  # fmt: skip


def forgetting(forgotten: Iterable[tuple[int, Forgotten]]) -> Iterator[Emission]:
    """Yield the customers to be forgotten: in order behind what was passed on of them before."""
    for offset, one in forgotten:
        if one.customer_id:
            none = (None,) * len(_DIMENSIONS)
            yield Emission(
                offset, 0, one.request_id, 0, one.customer_id, False, 0, "", none, one.partitions
            )


def bundle(topic: str, partition: int, passed: list[Emission]) -> bytes:
    """Encode emissions of one source partition, at most BUNDLE_EVENTS_MAX, as one record."""
    return msgspec.json.encode(Bundle(topic, partition, passed))


class PassedDecoder:
    """Decodes records of a receiving topic: bundles and ticks; has no duplicates of its own."""

    def __init__(self, validity: Validity) -> None:
        self.controls = Controls()  # none: what is to be forgotten comes in bundles
        self._json = msgspec.json.Decoder(Bundle | _Tick)
        self._judge = Decoder(validity, CUSTOMER).judge

    def decode(self, records: Sequence[Record]) -> tuple[list[int], list[Event], list[Rejection]]:
        """Decode records: (offset of each event's record, the events, the rejections)."""
        offsets: list[int] = []
        events: list[Event] = []
        rejections: list[Rejection] = []
        for offset, recorded_ms, _key, value in records:
            try:
                decoded = self._json.decode(value or b"")
            except (msgspec.MsgspecError, UnicodeDecodeError):
                judged = self._judge(value, recorded_ms)
                reason = ("unknown_type", "type", "not passed on by this pipeline")
                fault = reason if isinstance(judged, Event) else judged
                rejections.append(Rejection(offset, *fault))
                continue
            if isinstance(decoded, _Tick):
                found: list[Event] = [Tick(event_id=decoded.event_id, ts=decoded.ts)]
            else:
                origin = f"{decoded.topic}/{decoded.partition}"
                found = [_event(origin, one) for one in decoded.emissions]
            events += found
            offsets += [offset] * len(found)
        return offsets, events, rejections


def _event(origin: str, one: Emission) -> CustomerBought | CustomerForgotten:
    if one.forgotten:
        return CustomerForgotten(
            event_id=one.event_id,
            ts=one.ts,
            customer_id=one.customer_id,
            sources=one.forgotten,
            origin=origin,
            place=(one.offset, one.index),
        )
    return CustomerBought(
        event_id=one.event_id,
        ts=one.ts,
        customer_id=one.customer_id,
        refund=one.refund,
        micro=one.micro,
        currency=one.currency,
        origin=origin,
        place=(one.offset, one.index),
        # What was passed on before a dimension was added names fewer.
        **dict(zip(_DIMENSIONS, one.dimensions, strict=False)),
    )


class Marks:
    """The highest identity seen of each source partition."""

    def __init__(self) -> None:
        self._highest: dict[str, Place] = {}
        self.loaded = self.changed = False

    def load(self, encoded: bytes | None) -> None:
        """Take over what is stored; None where nothing is."""
        if encoded is not None:
            self._highest = msgspec.msgpack.decode(encoded, type=dict[str, Place])
        self.loaded = True

    def is_fresh(self, event: Any) -> bool:
        """Tell whether an event was not seen before, and note it."""
        seen = self._highest.get(event.origin)
        if seen is not None and event.place <= seen:
            return False
        self._highest[event.origin] = event.place
        self.changed = True
        return True

    def encode(self) -> bytes:
        """Encode for the checkpoint."""
        self.changed = False
        return msgspec.msgpack.encode(self._highest)
