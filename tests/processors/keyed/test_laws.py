"""The laws of every keyed processor, on seeded events that collide on purpose.

::

    expected   events in order of time, nothing forgotten, closed once at the end
    found      events in any order that lateness allows, timers fired as they fall due, states
               encoded, decoded and dropped in between
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from processors.event import PROCESSED_BY_TYPE
from processors.histogram import WAIT_BOUNDS_MS
from processors.keyed.attribution import AttributionProcessor
from processors.keyed.base import Processor
from processors.keyed.cart import CartProcessor
from processors.keyed.customer import CustomerProcessor
from processors.keyed.email import EmailProcessor
from processors.keyed.lead import LeadProcessor
from processors.keyed.session import SessionProcessor
from processors.keyed.ticket import TicketProcessor
from tests.processors.keyed.run import stored

HOUR_MS = 3_600_000
GAP_MS = HOUR_MS // 2
SPAN_MS = 200 * HOUR_MS


def attribution(model: str) -> AttributionProcessor:
    return AttributionProcessor(
        lookback_ms=20 * HOUR_MS,
        model=model,
        gap_ms=GAP_MS,
        social_mediums=("social",),
        lateness_ms=2 * HOUR_MS,
        refund_horizon_ms=11 * HOUR_MS,
    )


PROCESSORS: dict[str, Callable[[], Processor]] = {
    "session": lambda: SessionProcessor(
        gap_ms=GAP_MS,
        lateness_ms=2 * HOUR_MS,
        horizon_ms=30 * HOUR_MS,
        steps=("page_view", "add_to_cart", "purchase"),
    ),
    "cart": lambda: CartProcessor(timeout_ms=GAP_MS, lateness_ms=2 * HOUR_MS),
    "ticket": lambda: TicketProcessor(
        retention_ms=1_000 * HOUR_MS, sla_ms=5 * HOUR_MS, ages_ms=WAIT_BOUNDS_MS
    ),
    "lead": lambda: LeadProcessor(retention_ms=1_000 * HOUR_MS, agreed_ms=40 * HOUR_MS),
    "email": lambda: EmailProcessor(window_ms=10 * HOUR_MS, lateness_ms=2 * HOUR_MS),
    "customer": lambda: CustomerProcessor(horizon_ms=2_000 * HOUR_MS, cohort_ms=20 * HOUR_MS),
    "everybody": lambda: CustomerProcessor(
        horizon_ms=2_000 * HOUR_MS, cohort_ms=20 * HOUR_MS, payments_max=3
    ),
    "last": lambda: attribution("last"),
    "first": lambda: attribution("first"),
    "linear": lambda: attribution("linear"),
}


def made(rnd: random.Random, processor: Processor, count: int) -> list[Any]:
    """Return events of one key in order of time, clustered so that gaps and windows matter."""
    events: list[Any] = []
    ts = 0
    for number in range(count):
        ts += rnd.choice((1, 7, 60_000, GAP_MS - 1, GAP_MS, GAP_MS + 1, HOUR_MS, 11 * HOUR_MS))
        kind = rnd.choice(processor.types)
        struct = PROCESSED_BY_TYPE[kind]
        possible = {
            "visitor_id": "v", "recipient_id": rnd.choice(("r", "s")), "ticket_id": "t",
            "lead_id": "l", "order_id": rnd.choice("op"), "currency": "EUR", "value": 1,
            "micro": rnd.choice((0, 1, 100, 101)), "by": rnd.choice(("agent", "customer")),
            "status": rnd.choice(("accepted", "qualified", "won", "lost")),
            "campaign": rnd.choice((None, "a", "b")), "medium": rnd.choice((None, "social")),
            "customer_id": "c", "refund": rnd.random() < 0.3,
            "source": rnd.choice(("x", "y")), "list": rnd.choice(("p", "q")),
        }  # fmt: skip
        fields = struct.__struct_fields__
        event = struct(
            event_id=f"e{number}", ts=ts, **{k: v for k, v in possible.items() if k in fields}
        )
        if processor.key(event) is not None:
            events.append(event)
    return events


def told(facts: list[Any]) -> Counter[tuple[Any, ...]]:
    """Add facts up over all their fields."""
    weights: Counter[tuple[Any, ...]] = Counter()
    for fact in facts:
        fields = msgspec.structs.asdict(fact)
        weight = fields.pop("weight")
        weights[type(fact).__name__, *fields.items()] += weight
    return Counter({known: n for known, n in weights.items() if n})


def in_order(processor: Processor, events: list[Any]) -> Counter[tuple[Any, ...]]:
    facts: list[Any] = []
    state = processor.new("k")
    for offset, event in enumerate(events):
        processor.take(state, event, offset, facts.append)
    processor.close(state, SPAN_MS * 10, facts.append)
    return told(facts)


def in_any_order(
    processor: Processor, events: list[Any], rnd: random.Random
) -> Counter[tuple[Any, ...]]:
    facts: list[Any] = []
    state: Any = None
    late_ms = min(processor.lateness_ms, 40 * HOUR_MS)
    delays = {id(event): rnd.choice((0, 0, GAP_MS, late_ms)) for event in events}
    arriving = sorted(enumerate(events), key=lambda pair: pair[1].ts + delays[id(pair[1])])
    watermark_ms = 0
    for offset, event in arriving:
        assert event.ts >= watermark_ms - processor.lateness_ms
        if state is None:
            state = processor.new("k")
        processor.take(state, event, offset, facts.append)
        watermark_ms = max(watermark_ms, event.ts)
        if rnd.random() < 0.5:
            state = stored(processor, state)
        due = state.due_ms <= watermark_ms
        if (due or rnd.random() < 0.2) and not processor.close(state, watermark_ms, facts.append):
            state = None
    if state is not None:
        processor.close(state, SPAN_MS * 10, facts.append)
    return told(facts)


@pytest.mark.parametrize("name", PROCESSORS)
def test_arrival_and_forgetting_change_nothing(name: str) -> None:
    """What is concluded is a function of the set of events, whatever was dropped meanwhile."""
    processor = PROCESSORS[name]()
    concluded = 0
    for seed in range(150):
        rnd = random.Random(seed)
        events = made(rnd, processor, rnd.choice((5, 12, 30)))
        expected = in_order(processor, events)
        assert in_any_order(processor, events, rnd) == expected, seed
        concluded += len(expected)
    assert concluded > 500, "the events must have led to something"


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_state_left_alone_is_dropped(name: str) -> None:
    """Once every horizon has passed nothing of a key is kept."""
    processor = PROCESSORS[name]()
    for seed in range(20):
        state = processor.new("k")
        for offset, event in enumerate(made(random.Random(seed), processor, 20)):
            processor.take(state, event, offset, lambda _: None)
        assert not processor.close(state, SPAN_MS * 100, lambda _: None)
