"""Which fields events and facts carry, and what a measure may do with each."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from processors.bundles import PASSED_ON
from processors.event import STRUCT_BY_TYPE, Text
from processors.facts import FACT_BY_TYPE
from processors.names import CURRENCY, CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every visitor, order or ticket has its own: a cell each would be a copy of the log.
UNBOUNDED: Final = frozenset(
    {
        "event_id", "kpi", "visitor_id", "customer_id", "recipient_id", "session_id", "order_id",
        "cart_id", "click_id", "ticket_id", "lead_id", "referrer", "visitor",
    }
)  # fmt: skip
VISITOR: Final = "visitor"
VALUE: Final = "value"
DURATION: Final = "duration_ms"
QUANTITY: Final = "quantity"
KNOWN: Final = "known"  # of a reading: 1 where it is the first of its kind
NUMBERS: Final = frozenset({DURATION, QUANTITY, KNOWN})
# Types whose value is a score, a position or a count of people, whatever currency they may name.
_NOT_MONEY: Final = frozenset(
    {
        "fx_rate", "keyword_rank", "market_impressions", "nps_response", "social_reach",
        "target_set", "fx_rate_changed", "keyword_rank_changed", "market_impressions_changed",
        "social_reach_changed", "target_changed",
    }
)  # fmt: skip

STRUCTS: Final[Mapping[str, type[msgspec.Struct]]] = MappingProxyType(
    {**STRUCT_BY_TYPE, **FACT_BY_TYPE}
)


def topic_of(event_type: str) -> str:
    """Return the topic that an event, or the events behind a fact, come from."""
    return str(STRUCTS[event_type].topic)  # type: ignore[attr-defined]


def topics_behind(event_type: str) -> frozenset[str]:
    """Return the topics whose progress bounds what is known: those that pass events on as well.

    What customers hand over to visitors comes as late events do: nobody waits for it.
    """
    topic = topic_of(event_type)
    sources = (source for source, to in PASSED_ON.items() if to == topic == CUSTOMER)
    return frozenset({topic, *sources})


@cache
def text_fields(event_type: str) -> frozenset[str]:
    """Return the fields that hold text: what dimensions, filters and distinct counts may read."""
    struct = STRUCTS[event_type]
    found = {field.encode_name for field in msgspec.structs.fields(struct) if _is_text(field.type)}
    if hasattr(struct, VISITOR):
        found.add(VISITOR)
    return frozenset(found)


def dimensions(event_type: str) -> frozenset[str]:
    """Return the fields that may be dimensions."""
    return text_fields(event_type) - UNBOUNDED


@cache
def number_fields(event_type: str) -> frozenset[str]:
    """Return the fields that a sum or a histogram may read, by their names in the catalogue."""
    names = set(STRUCTS[event_type].__struct_fields__)
    found = names & NUMBERS
    if "micro" in names:
        found.add(VALUE)
    return frozenset(found)


def is_money(event_type: str) -> bool:
    """Whether the type's value is an amount of money."""
    return event_type not in _NOT_MONEY and CURRENCY in text_fields(event_type)


def _is_text(annotation: object) -> bool:
    return annotation in (Text, str, str | None)
