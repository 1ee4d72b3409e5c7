"""Customers with more payments than a state keeps: what counts does not hang on who was faster."""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from processors.event import CustomerBought
from processors.keyed.customer import PAYMENTS_MAX, CustomerProcessor
from tests.processors.keyed.run import stored
from tests.simulation.oracle_customers import customers

DAY_MS = 86_400_000
COHORT_MS = 45 * DAY_MS


def payments(rnd: random.Random, count: int, days: int) -> list[CustomerBought]:
    """Return everybody's payments, in any order."""
    return [
        CustomerBought(
            event_id=f"e{rnd.randrange(10**9)}",
            ts=rnd.randrange(days) * DAY_MS + rnd.randrange(50),
            customer_id="guest",
            refund=rnd.random() < 0.2,
            micro=rnd.choice((1, 100, 101)) * (1 if rnd.random() < 0.8 else -1),
            currency=rnd.choice(("EUR", "USD")),
        )
        for _ in range(count)
    ]


def counted(events: list[CustomerBought]) -> tuple[Counter[tuple[Any, ...]], Any]:
    """Return what is concluded, and the state that is left."""
    processor = CustomerProcessor(horizon_ms=1_096 * DAY_MS, cohort_ms=COHORT_MS)
    facts: list[Any] = []
    state = processor.new("guest")
    for number, event in enumerate(events):
        processor.take(state, event, number, facts.append)
        if number % 500 == 0:
            state = stored(processor, state)
    told: Counter[tuple[Any, ...]] = Counter()
    for fact in facts:
        amount = getattr(fact, "micro", None), getattr(fact, "currency", None)
        told[fact.__struct_config__.tag, fact.ts, *amount] += fact.weight
    return Counter({known: n for known, n in told.items() if n}), state


def recomputed(events: list[CustomerBought]) -> Counter[tuple[Any, ...]]:
    """Return the same from all events at once."""
    rows = [
        {
            "type": "refund" if event.refund else "purchase",
            "ts": event.ts,
            "event_id": event.event_id,
            "customer_id": event.customer_id,
            "currency": event.currency,
            "micro": -event.micro if event.refund else event.micro,
        }
        for event in events
    ]
    defaults = SimpleNamespace(customer_cohort_ms=COHORT_MS)
    catalog: Any = SimpleNamespace(defaults=defaults)
    found = customers(catalog, rows)
    return Counter((f["type"], f["ts"], f.get("micro"), f.get("currency")) for f in found)


@pytest.mark.parametrize("days", [40, 80])
def test_everybodys_id_keeps_so_many_payments(days: int) -> None:
    """However many there are and however they arrive, the first count, and no more are kept."""
    rnd = random.Random(days)
    events = payments(rnd, 3 * PAYMENTS_MAX, days)
    expected = recomputed(events)
    for order in (events, sorted(events, key=lambda e: e.ts), sorted(events, key=lambda e: -e.ts)):
        told, state = counted(order)
        assert told == expected
        assert len(state.payments) <= PAYMENTS_MAX
    cohort = sum(n for (kind, *_), n in expected.items() if kind == "customer_cohort_spent")
    assert 0 < cohort <= PAYMENTS_MAX
    spent = sum(n for (kind, *_), n in expected.items() if kind == "customer_spent")
    assert spent == len(events), "what is no cohort's counts all the same"


def test_a_state_from_before_the_limit_is_cut_at_the_next_payment() -> None:
    """What it counted beyond the limit is taken back."""
    rnd = random.Random(7)
    events = payments(rnd, PAYMENTS_MAX + 50, 20)
    unbounded = CustomerProcessor(
        horizon_ms=1_096 * DAY_MS, cohort_ms=COHORT_MS, payments_max=10 * PAYMENTS_MAX
    )
    facts: list[Any] = []
    state = unbounded.new("guest")
    last = min(events, key=lambda e: (not e.refund, e.ts))  # a refund: it moves no window
    rest = [event for event in events if event is not last]
    for number, event in enumerate(rest):
        unbounded.take(state, event, number, facts.append)
    assert len(state.payments) > PAYMENTS_MAX
    bounded = CustomerProcessor(horizon_ms=1_096 * DAY_MS, cohort_ms=COHORT_MS)
    bounded.take(stored(bounded, state), last, len(rest), facts.append)
    told = sum(f.weight for f in facts if f.__struct_config__.tag == "customer_cohort_spent")
    expected = recomputed(events)
    assert told == sum(n for (kind, *_), n in expected.items() if kind == "customer_cohort_spent")
