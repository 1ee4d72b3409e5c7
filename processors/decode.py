"""Records into events: the one set of validity rules, shared by worker, producer and collector.

A record is judged in this order: size, JSON, types and fields, time, amounts, identity. What is
rejected changes nothing downstream: no watermark, no dedup, no state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Union

import msgspec

from processors import names
from processors.amounts import AMOUNT_MAX, Fault, micro_of, micro_of_optional
from processors.bundles import PASSED_ON, Bundle
from processors.control import Controls, Forgotten, Retry, decode_control, is_control
from processors.event import (
    EVENT_STRUCTS,
    AddToCart,
    CheckoutStarted,
    Event,
    Purchase,
    RemoveFromCart,
    Tick,
)
from processors.record import Record

REASONS = (
    "too_large",
    "invalid_json",
    "wrong_type",
    "missing_field",
    "unknown_type",
    "invalid_timestamp",
    "far_future",
    "before_retention",
    "invalid_amount",
    "missing_identity",
)

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_MISSING = re.compile(r"missing required field `([^`]*)`")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a record is a dead letter: reason (one of REASONS), the field, and what is wrong."""

    offset: int
    reason: str
    field: str
    detail: str


@dataclass(frozen=True)
class Validity:
    """Bounds that a record is judged by, in ms and bytes."""

    far_future_ms: int
    retention_ms: int
    record_bytes_max: int


def _amount_fault(event: Any) -> Fault | None:
    event.micro, fault = micro_of(event.value, "value")
    return fault


QUANTITY_MAX = 1_000_000_000


def _quantity_fault(quantity: int | None, field: str) -> Fault | None:
    if quantity is None or 0 <= quantity < QUANTITY_MAX:
        return None
    return "invalid_amount", field, f"{quantity} is not within 0 and {QUANTITY_MAX}"


def _items_fault(event: Any) -> Fault | None:
    """Judge a purchase's items: each amount as any other, and each times its quantity."""
    for index, item in enumerate(event.items or ()):
        at = f"items[{index}]"
        fault = _quantity_fault(item.quantity, f"{at}.quantity")
        if fault is not None:
            return fault
        for name in ("price", "unit_cost"):
            micro, fault = micro_of_optional(getattr(item, name), f"{at}.{name}")
            if fault is not None:
                return fault
            total = micro * item.quantity
            if total >= _TOTAL_MAX:
                detail = f"times {item.quantity} it is not below {AMOUNT_MAX}"
                return "invalid_amount", f"{at}.{name}", detail
            setattr(item, "price_micro" if name == "price" else "cost_micro", total)
    return None


_TOTAL_MAX = int(AMOUNT_MAX) * 1_000_000


def _purchase_fault(event: Any) -> Fault | None:
    return _both_faults(event) or (_items_fault(event) if event.items else None)


def _identity_fault(event: Any) -> Fault | None:
    if event.visitor_id or event.customer_id or event.recipient_id:
        return None
    return (
        "missing_identity",
        "visitor_id",
        "one of visitor_id, customer_id, recipient_id is needed: nobody could be counted",
    )


def _both_faults(event: Any) -> Fault | None:
    event.micro, fault = micro_of(event.value, "value")
    if fault is not None:
        return fault
    quantity = event.quantity
    if quantity is not None:
        fault = _quantity_fault(quantity, "quantity")
    return fault or _identity_fault(event)


def _cart_fault(event: Any) -> Fault | None:
    event.micro, fault = micro_of_optional(event.value, "value")
    if fault is not None:
        return fault
    quantity = event.quantity
    if quantity is not None:
        fault = _quantity_fault(quantity, "quantity")
    return fault or _identity_fault(event)


def _checks() -> dict[type[Event], Callable[[Any], Fault | None] | None]:
    checks: dict[type[Event], Callable[[Any], Fault | None] | None] = {Tick: None}
    for struct in EVENT_STRUCTS:
        amount = "micro" in struct.__struct_fields__
        identity = struct.topic == names.VISITOR
        if struct is Purchase:
            checks[struct] = _purchase_fault
        elif struct in (AddToCart, RemoveFromCart, CheckoutStarted):
            checks[struct] = _cart_fault
        elif amount and identity:
            checks[struct] = _both_faults
        elif amount:
            checks[struct] = _amount_fault
        elif identity:
            checks[struct] = _identity_fault
        else:
            checks[struct] = None
    return checks


class Decoder:
    """Decodes records of one event topic, or of any where ``topic`` is None.

    A type that belongs to another topic is unknown here: its identity lives in other partitions.

    Args:
        validity: the bounds of time and size.
        topic: the records' topic.
        takes_control: whether control records are taken, as in a worker; elsewhere they are
            unknown types.

    Attributes:
        controls: the control records of the last call of :meth:`decode`.
    """

    def __init__(
        self, validity: Validity, topic: str | None = None, *, takes_control: bool = False
    ) -> None:
        self._topic, self._takes_control = topic, takes_control
        self.controls = Controls()
        self._validity = validity
        structs = [s for s in EVENT_STRUCTS if topic in (None, s.topic)]
        union: Any = Union[(*structs, Tick)]  # built at run time
        self._json: msgspec.json.Decoder[Any] = msgspec.json.Decoder(union)
        self._checks = _checks()
        self._unchecked = all(self._checks[struct] is None for struct in structs)

    def decode(self, records: Sequence[Record]) -> tuple[list[int], list[Event], list[Rejection]]:
        """Decode records: (offsets of the events, the events, the rejections), in offset order."""
        decode, checks, unchecked = self._json.decode, self._checks, self._unchecked
        validity = self._validity
        future, past = validity.far_future_ms, -validity.retention_ms
        bytes_max = validity.record_bytes_max
        offsets: list[int] = []
        events: list[Event] = []
        rejections: list[Rejection] = []
        self.controls = Controls()
        for offset, recorded_ms, _key, value in records:
            try:
                event = decode(value)  # type: ignore[arg-type]  # None is a TypeError below
                ts = event.ts
                if (
                    ts.__class__ is int
                    and past <= ts - recorded_ms <= future
                    and len(value) <= bytes_max  # type: ignore[arg-type]
                    and (value.isascii() or _is_utf_8(value))  # type: ignore[union-attr,arg-type]
                    and (
                        unchecked or (check := checks[event.__class__]) is None or not check(event)
                    )
                ):
                    offsets.append(offset)
                    events.append(event)
                    continue
            except (
                msgspec.MsgspecError,
                TypeError,
                UnicodeDecodeError,
                RecursionError,
            ):
                pass
            # Anything unusual is judged again, slowly and in the documented order.
            if self._takes_control and is_control(value):
                judged = self._control(offset, recorded_ms, value or b"")
                if judged is None:
                    continue
            else:
                judged = self.judge(value, recorded_ms)
            if isinstance(judged, Event):
                offsets.append(offset)
                events.append(judged)
            else:
                rejections.append(Rejection(offset, *judged))
        return offsets, events, rejections

    def _control(self, offset: int, recorded_ms: int, value: bytes) -> Event | Fault | None:
        """Note a control record; return the event or the fault that a retry holds."""
        try:
            control = decode_control(value)
        except msgspec.ValidationError as error:
            return _malformed(value) or _explain(str(error))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return "invalid_json", "", str(error)
        if isinstance(control, Retry):
            return self._retry(offset, recorded_ms, control)
        if isinstance(control, Forgotten):
            self.controls.forgotten.append((offset, control))
        elif self._is_from_us(control):
            self.controls.passed.append((offset, control))
        else:
            return "unknown_type", "type", "not passed on by this pipeline"
        return None

    def _retry(self, offset: int, recorded_ms: int, control: Retry) -> Event | Fault:
        judged = self.judge(control.record.encode("utf-8", "surrogatepass"), recorded_ms)
        if isinstance(judged, Tick):
            return "unknown_type", "type", "a tick is not retried"
        if isinstance(judged, Event):
            self.controls.retried[offset] = control.source
        return judged

    def _is_from_us(self, one: Bundle) -> bool:
        """Tell whether a bundle is one that this topic receives, and names whom it is for."""
        return PASSED_ON.get(one.topic) == self._topic and all(
            e.visitor_id and e.event_id and (e.forgotten or e.sold) and 0 <= e.ts < _YEAR_2200_MS
            for e in one.emissions
        )

    def judge(self, value: bytes | None, recorded_ms: int) -> Event | Fault:
        """Judge one record against all rules; ``recorded_ms`` is the record's Kafka timestamp.

        A negative ``recorded_ms`` (the broker gave none) leaves only absolute bounds on ``ts``.
        """
        if value is None:
            return "invalid_json", "", "the record has no value"
        if len(value) > self._validity.record_bytes_max:
            limit = self._validity.record_bytes_max
            return "too_large", "", f"{len(value)} bytes are more than the {limit} allowed"
        try:
            value.decode()  # the decoder skips what nobody reads without looking at its characters
            event: Event = self._json.decode(value)
        except msgspec.ValidationError as error:
            return _malformed(value) or _explain(str(error))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return "invalid_json", "", str(error)
        return self._time_fault(event, recorded_ms) or self._content_fault(event) or event

    def _content_fault(self, event: Event) -> Fault | None:
        check = self._checks[type(event)]
        return check(event) if check is not None else None

    def _time_fault(self, event: Event, recorded_ms: int) -> Fault | None:
        if isinstance(event.ts, str):
            parsed = parse_timestamp_ms(event.ts)
            if parsed is None:
                return (
                    "invalid_timestamp",
                    "ts",
                    f"{event.ts!r} is neither integer milliseconds nor RFC 3339 with an offset",
                )
            event.ts = parsed
        ts = event.ts
        if not 0 <= ts < _YEAR_2200_MS:
            return "invalid_timestamp", "ts", f"{ts} is not milliseconds since 1970 UTC"
        if recorded_ms < 0:
            return None
        ahead_ms = ts - recorded_ms
        if ahead_ms > self._validity.far_future_ms:
            return "far_future", "ts", f"{ts} is {ahead_ms} ms ahead of the record's timestamp"
        if -ahead_ms > self._validity.retention_ms:
            return "before_retention", "ts", f"{ts} is older than any pane that is kept"
        return None


_YEAR_2200_MS = 7_258_118_400_000


def parse_timestamp_ms(text: str) -> int | None:
    """Parse RFC 3339 with an offset to milliseconds since 1970 UTC; None if it is not that."""
    if _RFC_3339.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1000 + moment.microsecond // 1000


def _is_utf_8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _malformed(value: bytes) -> Fault | None:
    """Tell what is wrong with a record's JSON behind its first fault of type, if anything is."""
    try:
        msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return "invalid_json", "", str(error)
    return None


def _explain(message: str) -> Fault:
    path = _PATH.search(message)
    field = path[1] if path else ""
    missing = _MISSING.search(message)
    if missing:
        return "missing_field", missing[1], f"{missing[1]} is required"
    if message.startswith("Invalid value") and field == "type":
        return "unknown_type", "type", message.split(" - at", maxsplit=1)[0]
    if "of length >= 1" in message:
        return "missing_field", field, f"{field} is empty, which says as little as none"
    return "wrong_type", field, message.split(" - at", maxsplit=1)[0]


def encode_event(event: Mapping[str, Any]) -> bytes:
    """Encode an event as published: one JSON object; Decimals become strings."""
    return msgspec.json.encode(event)
