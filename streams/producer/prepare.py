"""From what a caller hands over to a checked, addressed event."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from processors.decode import encode_event
from processors.event import Event
from streams.producer.envelope import Addresser, Envelope
from streams.producer.errors import InvalidEventError
from streams.producer.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.decode import Validity

Amount = Decimal | int | float | str
"""An amount of money: at most 6 decimals. A float must be one that prints with at most 6."""

Moment = int | str | datetime
"""Milliseconds since 1970 UTC, RFC 3339 with an offset, or a datetime with a time zone."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_ms() -> int:
    """Return the clock, in ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Preparer:
    """Completes, checks and addresses events.

    Args:
        namespace: the namespace whose topics are written.
        validity: the bounds of time and size.
        clock: the time, in ms since 1970 UTC.
    """

    def __init__(
        self, namespace: str, validity: Validity, clock: Callable[[], int] = now_ms
    ) -> None:
        self._gate = Gate(validity)
        self._addresser = Addresser(namespace)
        self._clock = clock

    def prepare(self, event: Mapping[str, Any]) -> Envelope:
        """Complete (``event_id``, ``ts``), encode, check and address an event.

        Raises:
            InvalidEventError: the worker would reject it.
        """
        timestamp_ms = self._clock()
        fields = {name: value for name, value in event.items() if value is not None}
        event_id = fields.setdefault("event_id", uuid.uuid4().hex)
        ts = fields.setdefault("ts", timestamp_ms)
        if isinstance(ts, datetime):
            fields["ts"] = _moment_ms(ts, str(event_id))
        try:
            value = encode_event(fields)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise InvalidEventError(str(event_id), "invalid_json", "", str(error)) from error
        judged = self._gate.judge(value, timestamp_ms)
        if not isinstance(judged, Event):
            raise InvalidEventError(str(event_id), *judged)
        return self._addresser.address(judged, value, timestamp_ms)


def _moment_ms(moment: datetime, event_id: str) -> int:
    if moment.tzinfo is None:
        raise InvalidEventError(
            event_id, "invalid_timestamp", "ts", f"{moment} has no time zone: it could be any hour"
        )
    return (moment - _EPOCH) // timedelta(milliseconds=1)
