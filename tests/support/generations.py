"""Two generations of the program, for tests: the older one wrote its states' fields in reverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from processors.keyed.attribution import AttributionProcessor
from processors.keyed.base import Processor
from processors.keyed.cart import CartProcessor
from processors.keyed.customer import CustomerProcessor
from processors.keyed.email import EmailProcessor
from processors.keyed.identity import IdentityProcessor
from processors.keyed.lead import LeadProcessor
from processors.keyed.membership import MembershipProcessor
from processors.keyed.order import OrderProcessor
from processors.keyed.reading import ReadingProcessor
from processors.keyed.session import SessionProcessor
from processors.keyed.ticket import TicketProcessor
from processors.schema import SCHEMA, Codec, Schema

PROCESSORS: tuple[type[Processor], ...] = (
    AttributionProcessor,
    CartProcessor,
    CustomerProcessor,
    EmailProcessor,
    IdentityProcessor,
    LeadProcessor,
    MembershipProcessor,
    OrderProcessor,
    ReadingProcessor,
    SessionProcessor,
    TicketProcessor,
)


def turned(state: list[Any]) -> list[Any]:
    """Turn the order of the fields round, either way."""
    return state[::-1]


NEWER = Schema((*SCHEMA.steps, {each.name: turned for each in PROCESSORS}))
"""What the program's schema is once its states' fields are no longer in reverse."""


def make_older(change: Callable[[object, str, object], None] = setattr) -> None:
    """Have every processor write and read as the older generation did, and nothing else.

    Args:
        change: sets an attribute; pytest's takes it back.
    """
    change(Codec, "__init__", _older(Codec.__init__))


def _round(encoded: bytes) -> bytes:
    return msgspec.msgpack.encode(turned(msgspec.msgpack.decode(encoded)))


def _older(init: Callable[..., None]) -> Callable[..., None]:
    def made(self: Any, processor: Processor, schema: Schema) -> None:
        init(self, processor, schema)
        encode, decode = self.encode, self.decode
        self.encode = lambda state: _round(encode(state))
        self.decode = lambda encoded: decode(_round(encoded))

    return made
