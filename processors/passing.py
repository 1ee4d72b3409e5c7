r"""Passing on: events that matter to a second identity, in a topic that is keyed by it.

::

    tracking.visitor[0]  p1 p2 .. p3            l2       offset, index of each emission
            |             \  \    \           /         (and topic, its id, partition: identity)
    tracking.customer[1]   p1 p2 | p2 p3 | ...           p2 again after a crash: dropped

Purchases, refunds and links go from visitors to customers; what only a backend knew of goes from
its customer to the visitor whom a link names, among the events of that visitor's partition.

A partition's owner emits in the order of its offsets, and a record only once the one before it is
acknowledged; its checkpoint waits for all. So whatever a receiver's partition holds of a source,
it holds everything before it too, and the highest identity seen of each source partition tells
what is a repetition: of a crash, of a roll-back of the source's table, of an owner that lingers.
The marks are part of the receiver's checkpoint, so they go back with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from processors.bundles import Bundle, Emission, Sold
from processors.control import Controls, Forgotten
from processors.decode import Decoder, Rejection, Validity
from processors.event import (
    NO_AMOUNT,
    CustomerBought,
    CustomerForgotten,
    CustomerLinked,
    Event,
    Identify,
    Purchase,
    PurchaseLinked,
    Refund,
    Tick,
)
from processors.names import CUSTOMER
from processors.record import Record

MARKS: Final = "_passed"  # the name under which a receiver's marks are stored, beside processors
_DIMENSIONS: Final = (
    "source", "segment", "region", "channel", "campaign", "country", "direction",
)  # fmt: skip
_NONE: Final = (None,) * len(_DIMENSIONS)
_PASSING: Final = frozenset({Purchase, Refund, Identify})

_OF_ID: Final = "@"  # no topic's name has one

Place = tuple[int, int]
"""(offset in the source partition, number of the emission)"""


class _Tick(msgspec.Struct, tag="_tick", tag_field="type", gc=False):
    event_id: str
    ts: int


class Wanted(NamedTuple):
    """What customers' processors take: links and a backend's purchases, and all payments."""

    links: bool = True
    payments: bool = True


def emissions(events: Sequence[Any], offsets: Sequence[int], wanted: Wanted) -> Iterator[Emission]:
    """Yield what is passed on of visitors' events: of those that name a customer."""
    for event, offset in zip(events, offsets, strict=True):
        kind = event.__class__
        if kind not in _PASSING or not event.customer_id:
            continue
        if kind is Identify:
            if wanted.links and event.visitor_id:
                yield _link(offset, event)
            continue
        refund = kind is Refund
        sold = _sold(event) if wanted.links and not (refund or event.visitor_id) else None
        if sold is None and not wanted.payments:
            continue
        dimensions = tuple(getattr(event, name, None) for name in _DIMENSIONS)
        micro = -event.micro if refund else event.micro
        yield Emission(
            offset, 0, event.event_id, event.ts, event.customer_id, refund, micro,
            event.currency, dimensions, sold=sold,
        )  # fmt: skip


def _link(offset: int, event: Any) -> Emission:
    return Emission(
        offset, 0, event.event_id, event.ts, event.customer_id, True, 0, "", _NONE,
        visitor_id=event.visitor_id,
    )  # fmt: skip


def _sold(event: Any) -> Sold:
    return Sold(
        event.order_id, event.cart_id, event.session_id, event.source, event.medium,
        event.campaign, event.device, event.country,
    )  # fmt: skip


def forgetting(forgotten: Iterable[tuple[int, Forgotten]], wanted: Wanted) -> Iterator[Emission]:
    """Yield who is to be forgotten: in order behind what was passed on of them before."""
    for offset, one in forgotten:
        visitor_id = one.visitor_id if wanted.links else ""
        if one.customer_id or visitor_id:
            yield Emission(
                offset, 0, one.request_id, 0, one.customer_id, False, 0, "", _NONE,
                one.partitions, visitor_id,
            )  # fmt: skip


def forgotten_again(offset: int, one: Forgotten) -> Emission:
    """Return a visitor to be forgotten, behind all that was handed over to them before."""
    return Emission(
        offset, 0, f"{one.request_id}/handed", 0, "", False, 0, "", (), 1, one.visitor_id
    )


def numbered(passed: Sequence[Emission]) -> None:
    """Tell emissions of one record apart by their number."""
    offset, number = -1, 0
    for one in passed:
        number = number + 1 if one.offset == offset else 0
        offset, one.index = one.offset, number


def handed_over(one: Bundle) -> list[PurchaseLinked | CustomerForgotten]:
    """Return what a bundle brings to visitors: purchases, and whom to forget once more."""
    return [
        _forgotten(one, emission) if emission.forgotten else _handed(one, emission)
        for emission in one.emissions
    ]


def _handed(by: Bundle, one: Emission) -> PurchaseLinked:
    sold = one.sold or Sold("")
    purchase = Purchase(
        event_id=one.event_id,
        ts=one.ts,
        visitor_id=one.visitor_id,
        customer_id=one.customer_id,
        session_id=sold.session_id,
        source=sold.source,
        medium=sold.medium,
        campaign=sold.campaign,
        device=sold.device,
        country=sold.country,
        order_id=sold.order_id,
        value=NO_AMOUNT,
        currency=one.currency,
        cart_id=sold.cart_id,
        micro=one.micro,
    )
    return PurchaseLinked(
        event_id=one.event_id,
        ts=one.ts,
        purchase=purchase,
        origin=by.origin,
        origin_id=by.topic_id,
        place=(one.offset, one.index),
    )


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
                found = [_event(decoded, one) for one in decoded.emissions]
            events += found
            offsets += [offset] * len(found)
        return offsets, events, rejections


def _event(by: Bundle, one: Emission) -> CustomerBought | CustomerLinked | CustomerForgotten:
    place = (one.offset, one.index)
    if one.forgotten:
        return _forgotten(by, one)
    if one.visitor_id:
        return CustomerLinked(
            event_id=one.event_id,
            ts=one.ts,
            customer_id=one.customer_id,
            visitor_id=one.visitor_id,
            origin=by.origin,
            origin_id=by.topic_id,
            place=place,
        )
    # What was passed on before a dimension was added names fewer.
    dimensions: dict[str, Any] = dict(zip(_DIMENSIONS, one.dimensions, strict=False))
    return CustomerBought(
        event_id=one.event_id,
        ts=one.ts,
        customer_id=one.customer_id,
        refund=one.refund,
        micro=one.micro,
        currency=one.currency,
        sold=one.sold,
        origin=by.origin,
        origin_id=by.topic_id,
        place=place,
        **dimensions,
    )


def _forgotten(by: Bundle, one: Emission) -> CustomerForgotten:
    return CustomerForgotten(
        event_id=one.event_id,
        ts=one.ts,
        customer_id=one.customer_id,
        visitor_id=one.visitor_id,
        sources=one.forgotten,
        origin=by.origin,
        origin_id=by.topic_id,
        place=(one.offset, one.index),
    )


Source = tuple[str, str]
"""(topic and partition, the topic's id; empty while no bundle has told it)"""


def read_marks(encoded: bytes) -> dict[Source, Place]:
    """Decode the highest identity seen of each source; of topics of one name the present is last.

    Under topic and partition alone stands what was seen of the present topic: all that workers knew
    before ids were told, and what they go on from where they take a partition over in an upgrade.
    """
    stored = msgspec.msgpack.decode(encoded, type=dict[str, Place])
    found: dict[Source, Place] = {}
    for name, place in stored.items():
        origin, _, topic_id = name.partition(_OF_ID)
        if topic_id:
            found[origin, topic_id] = place
    present = dict(found.keys())
    for name, place in stored.items():
        if _OF_ID not in name:
            source = (name, present.get(name, ""))
            found[source] = max(place, found.get(source, place))
    return found


def write_marks(marks: Mapping[Source, Place]) -> bytes:
    """Encode what :func:`read_marks` decodes."""
    present = {origin: place for (origin, _), place in marks.items()}
    named = {f"{origin}{_OF_ID}{of}": place for (origin, of), place in marks.items() if of}
    return msgspec.msgpack.encode(present | named)


class Marks:
    """The highest identity seen of each source partition.

    ::

        bundles    9   5   9(X)   11(X)   0(Y)   1(Y)   11(X)   2
        fresh      x   -   -      x       x      x      -       x (of Y)

    A topic that was created anew begins anew. What was seen before any id was told is of the first
    that is: an upgrade's first bundles may repeat what the older worker sent. What tells no id
    afterwards (an older worker's) is of the present topic.
    """

    def __init__(self) -> None:
        self._highest: dict[Source, Place] = {}
        self._present: dict[str, str] = {}
        self.loaded = self.changed = False

    def load(self, encoded: bytes | None) -> None:
        """Take over what is stored; None where nothing is."""
        if encoded is not None:
            self._highest = read_marks(encoded)
            self._present = dict(self._highest.keys())
        self.loaded = True

    def is_fresh(self, event: Any) -> bool:
        """Tell whether an event was not seen before, and note it."""
        source = self._source(event.origin, event.origin_id)
        seen = self._highest.get(source)
        if seen is not None and event.place <= seen:
            return False
        self._highest[source] = event.place
        self.changed = True
        return True

    def _source(self, origin: str, topic_id: str) -> Source:
        present = self._present.get(origin)
        source = (origin, topic_id)
        if present == topic_id or source in self._highest:
            return source
        if present is not None and not topic_id:
            return origin, present
        if present == "":
            self._highest[source] = self._highest.pop((origin, ""))
            self.changed = True
        self._present[origin] = topic_id
        return source

    def encode(self) -> bytes:
        """Encode for the checkpoint."""
        self.changed = False
        return write_marks(self._highest)
