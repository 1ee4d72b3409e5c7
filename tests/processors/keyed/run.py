"""Runs a keyed processor over few events, written as a timeline."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

from processors.event import STRUCT_BY_TYPE, Event
from processors.keyed.base import Processor
from processors.schema import SCHEMA, Codec

MINUTE_MS = 60_000


def event(kind: str, minute: float, **fields: Any) -> Event:
    """Make a decoded event at a minute."""
    if kind not in OTHERS:
        fields.setdefault("visitor_id", "v")
    return STRUCT_BY_TYPE[kind](event_id=f"{kind}{minute}", ts=int(minute * MINUTE_MS), **fields)


OTHERS = (
    "ticket_opened", "ticket_replied", "ticket_resolved", "ticket_reopened",
    "lead_created", "lead_status", "sales_contacted", "subscribed", "unsubscribed",
)  # fmt: skip


def conclude(
    processor: Processor, events: Iterable[Event], watermark_minute: float | None = None
) -> Counter[tuple[Any, ...]]:
    """Return what is concluded: (fact type, minute) -> weight, over all keys."""
    facts: list[Any] = []
    states: dict[str, Any] = {}
    for offset, one in enumerate(events):
        key = processor.key(one)
        if key is not None:
            state = states.setdefault(key, processor.new(key))
            processor.take(state, one, offset, facts.append)
    if watermark_minute is not None:
        for key, state in states.items():
            again = stored(processor, state)
            assert again == state, f"the state of {key} survives its encoding"
            processor.close(again, int(watermark_minute * MINUTE_MS), facts.append)
    return total(facts)


def stored(processor: Processor, state: Any) -> Any:
    """Return a state as it comes back from the table."""
    codec = Codec(processor, SCHEMA)
    return codec.decode(codec.encode(state))


def total(facts: Iterable[Any]) -> Counter[tuple[Any, ...]]:
    """Add facts up by type and minute; what was taken back is gone."""
    weights: Counter[tuple[Any, ...]] = Counter()
    for fact in facts:
        weights[fact.__struct_config__.tag, fact.ts / MINUTE_MS] += fact.weight
    return Counter({known: n for known, n in weights.items() if n})


def only(concluded: Counter[tuple[Any, ...]], *kinds: str) -> dict[tuple[Any, ...], int]:
    """Return what is concluded of some fact types."""
    return {known: n for known, n in concluded.items() if known[0] in kinds}


def every_order(events: list[Event]) -> Iterable[list[Event]]:
    """Return the events in every order of arrival; times do not tie, so offsets do not matter."""
    return (list(order) for order in itertools.permutations(events))
