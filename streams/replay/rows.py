"""What every source of a replay yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from processors import names
from processors.decode import parse_timestamp_ms
from processors.event import TOPIC_BY_TYPE, record_key

if TYPE_CHECKING:
    from collections.abc import Iterator

UNPLACED_TOPIC: Final = names.VISITOR  # where records go whose type is unknown: to be rejected


@dataclass(slots=True)
class Row:
    """One record to publish.

    Attributes:
        ts_ms: the event's time, or where it has none that of the row before it.
        value: the record's bytes, exactly as they will be published.
        event: the same as an object; None where the bytes are no JSON object.
    """

    ts_ms: int
    value: bytes
    event: dict[str, Any] | None

    def shifted(self, shift_ms: int) -> Row:
        """Return the same row later in time; a row without an event time stays as it is."""
        if not shift_ms or self.event is None or event_ts_ms(self.event.get("ts")) is None:
            return Row(self.ts_ms + shift_ms, self.value, self.event)
        event = self.event | {"ts": self.ts_ms + shift_ms}
        return Row(self.ts_ms + shift_ms, msgspec.json.encode(event), event)


class Source(Protocol):
    """Rows of one file, in the order in which they are to be published."""

    first_ts_ms: int
    last_ts_ms: int
    count: int

    def rows(self) -> Iterator[Row]:
        """Yield every row, from the beginning each time."""


def event_ts_ms(ts: object) -> int | None:
    """Return an event's time in ms since 1970 UTC, None where it has no usable one."""
    if isinstance(ts, int) and not isinstance(ts, bool):
        return ts if 0 <= ts < 2**53 else None
    return parse_timestamp_ms(ts) if isinstance(ts, str) else None


def place(event: dict[str, Any] | None) -> tuple[str, bytes]:
    """Return the logical topic and the key that an event must be published under.

    Invalid events have a place too: the worker is to reject them, with their reason.
    """
    if event is None:
        return UNPLACED_TOPIC, b""
    kind = event.get("type")
    topic = TOPIC_BY_TYPE.get(kind, UNPLACED_TOPIC) if isinstance(kind, str) else UNPLACED_TOPIC
    return topic, (record_key(event) or "").encode()
