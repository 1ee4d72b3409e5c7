"""One dead letter, as the worker wrote it.

A retry that is rejected becomes a dead letter too; its source stays that of the record's first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from processors.control import Retry, decode_control, is_control
from processors.names import EVENT_TOPICS

CUT: Final = "too long to be kept whole"
NO_TEXT: Final = "no UTF-8 text"
NO_VALUE: Final = "a record without a value"
INTERNAL: Final = "not of an event topic"


class _Written(msgspec.Struct):
    """The fields that the worker writes (streams/worker/dead_letters.py)."""

    reason: str
    field: str
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int = -1
    original: str | None = None
    original_base64: str = ""
    original_bytes: int | None = None
    truncated: bool = False


_INDEX: Final = re.compile(r"\[\d+\]")


class Group(NamedTuple):
    """Letters alike: of a list's elements the index does not count."""

    reason: str
    topic: str
    field: str


@dataclass(frozen=True)
class Letter:
    """A rejected record.

    Attributes:
        source: ``topic/partition/offset`` of where the record first lay: its identity.
        reason, field, detail: what is wrong with it.
        topic: the logical topic.
        timestamp_ms: the record's own timestamp.
        rejected_ms: when the letter was written.
        record: the record's text; None where it cannot be retried.
        obstacle: why it cannot be retried; empty where it can.
        shown: the record as far as it is kept, for people.
    """

    source: str
    reason: str
    field: str
    detail: str
    topic: str
    timestamp_ms: int
    rejected_ms: int
    record: str | None
    obstacle: str
    shown: str

    @property
    def group(self) -> Group:
        """What letters are grouped by."""
        return Group(self.reason, self.topic, _INDEX.sub("[]", self.field))


_decoder = msgspec.json.Decoder(_Written)


def read_letter(value: bytes | None, rejected_ms: int) -> Letter | None:
    """Read a record of the dead-letter topic; None where it is no dead letter."""
    try:
        written = _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    source = f"{written.topic}/{written.partition}/{written.offset}"
    record = written.original
    retry = _retry(record)
    if retry is not None:
        source, record = retry.source, retry.record
    obstacle = _obstacle(written, record)
    return Letter(
        source=source,
        reason=written.reason,
        field=written.field,
        detail=written.detail,
        topic=written.topic,
        timestamp_ms=written.timestamp_ms,
        rejected_ms=rejected_ms,
        record=None if obstacle else record,
        obstacle=obstacle,
        shown=record if record is not None else written.original_base64,
    )


def _retry(record: str | None) -> Retry | None:
    value = (record or "").encode("utf-8", "surrogatepass")
    if not is_control(value):
        return None
    try:
        control: Any = decode_control(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return control if isinstance(control, Retry) else None


def _obstacle(written: _Written, record: str | None) -> str:
    if written.topic not in EVENT_TOPICS:
        return INTERNAL
    if written.truncated:
        return CUT
    if record is None:
        return NO_TEXT if written.original_base64 else NO_VALUE
    return ""
