"""Control records: what the product itself writes into an event topic, beside ticks.

::

    {"type": "_retry", "source": "tracking.visitor/2/17", "record": "{...}"}
    {"type": "identity_forgotten", "request_id": "...", "visitor_id": "..."}
    {"type": "_passed", "topic": "tracking.customer", "partition": 1, "emissions": [...]}

A retry is the record of a dead letter, judged once more by what is valid now; its source is where
the record first lay. A forgotten identity is to leave all keyed state. What is passed on comes from
another topic (processors/passing.py). None moves the watermark by itself, and no producer may
publish one. The type is the first field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import msgspec

from processors.bundles import Bundle

RETRY_TYPE: Final = "_retry"
FORGOTTEN_TYPE: Final = "identity_forgotten"
IDENTITIES: Final = ("visitor_id", "customer_id", "recipient_id")
_CONTROL: Final = re.compile(rb'\s*\{\s*"type"\s*:\s*"(_retry|identity_forgotten|_passed)"')


class Retry(msgspec.Struct, tag=RETRY_TYPE, tag_field="type", gc=False):
    """A dead letter's record; ``source`` is ``topic/partition/offset`` of where it first lay."""

    source: str
    record: str


class Forgotten(msgspec.Struct, tag=FORGOTTEN_TYPE, tag_field="type", gc=False, omit_defaults=True):
    """Identities of one person that are to leave all keyed state; empty ones are not asked for.

    The request goes to every partition of the topic, of which there are ``partitions``.
    """

    request_id: str
    partitions: int = 1
    visitor_id: str = ""
    customer_id: str = ""
    recipient_id: str = ""

    def identities(self) -> dict[str, str]:
        """Return the kinds that are asked for, with the identity."""
        return {kind: found for kind in IDENTITIES if (found := getattr(self, kind))}


@dataclass
class Controls:
    """The control records of some records that were decoded.

    Attributes:
        retried: offset of a retry that is valid now -> its source.
        forgotten: (offset, what is to be forgotten), in offset order.
        passed: (offset, what another topic passes on), in offset order.
    """

    retried: dict[int, str] = field(default_factory=dict)
    forgotten: list[tuple[int, Forgotten]] = field(default_factory=list)
    passed: list[tuple[int, Bundle]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.retried or self.forgotten or self.passed)


_decoder = msgspec.json.Decoder(Retry | Forgotten | Bundle)


def is_control(value: bytes | None) -> bool:
    """Tell whether a record says that it is a control record."""
    return value is not None and _CONTROL.match(value) is not None


def decode_control(value: bytes) -> Retry | Forgotten | Bundle:
    """Decode a control record.

    Raises:
        msgspec.MsgspecError: it is none, or is damaged.
        UnicodeDecodeError: it is no UTF-8.
    """
    control: Retry | Forgotten | Bundle = _decoder.decode(value)
    return control


def encode_control(record: Retry | Forgotten) -> bytes:
    """Encode a control record: its type comes first."""
    return msgspec.json.encode(record)
