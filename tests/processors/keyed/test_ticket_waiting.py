"""How old an unanswered ticket is, in classes that it comes to and leaves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from processors.histogram import BUCKET_BOUNDS_MS, WAIT_BOUNDS_MS, bucket_bounds_ms, bucket_index
from processors.keyed.ticket import TicketProcessor
from tests.processors.keyed.run import MINUTE_MS, event, every_order, stored

RETENTION = 400 * 24 * 60
TICKETS = TicketProcessor(retention_ms=RETENTION * MINUTE_MS, ages_ms=WAIT_BOUNDS_MS)


def ticket(kind: str, minute: float, **fields: Any) -> Any:
    return event(kind, minute, ticket_id="t", **fields)


def ages(events: list[Any], *watermarks: float) -> dict[float, float]:
    """Return class (minutes) -> how many tickets are in it, once all facts are added up.

    Watermarks are reached in turn after the events; in between the state is stored and loaded.
    """
    facts: list[Any] = []
    state = TICKETS.new("t")
    for offset, one in enumerate(events):
        TICKETS.take(state, one, offset, facts.append)
    for minute in watermarks:
        state = stored(TICKETS, state)
        TICKETS.close(state, int(minute * MINUTE_MS), facts.append)
    found: dict[float, float] = {}
    for fact in facts:
        if type(fact).__name__ == "TicketWaiting":
            age = fact.duration_ms / MINUTE_MS
            found[age] = found.get(age, 0) + fact.weight
    return {age: n for age, n in found.items() if n}


@pytest.mark.parametrize(
    ("minute", "age"),
    [(0, 0), (0.99, 0), (1, 1), (4.99, 2), (5, 5), (59, 30), (60, 60), (71.99, 60), (72, 72)],
)
def test_a_ticket_is_of_the_highest_age_reached(minute: float, age: float) -> None:
    """It comes to a class once the watermark does, whether by steps or at one go.

    minute   0    1    2      5        10 ...  30       60   72
    class    0    1    2      5        10      30       60   72
    """
    opened = [ticket("ticket_opened", 0)]
    assert ages(opened, minute) == {age: 1}
    assert ages(opened, minute / 3, minute / 2, minute) == {age: 1}


def test_an_answer_or_a_resolution_ends_the_wait() -> None:
    """A customer's reply does not, nor does a reopening begin it anew; in any order of arrival.

    minute   0: opened   3: customer   8: agent   9: resolved   11: reopened
    """
    told = [
        ticket("ticket_opened", 0),
        ticket("ticket_replied", 3, by="customer"),
        ticket("ticket_resolved", 9),
        ticket("ticket_reopened", 11),
    ]
    for order in every_order([*told, ticket("ticket_replied", 8, by="agent")]):
        assert ages(order, 40) == {}
    assert ages(told, 40) == {}
    assert ages(told[:2], 40) == {30: 1}


def test_a_reply_that_comes_late_takes_back_what_was_told_after_it() -> None:
    """Ages are what the events say, whatever the watermark was when they arrived."""
    facts: list[Any] = []
    state = TICKETS.new("t")
    TICKETS.take(state, ticket("ticket_opened", 0), 0, facts.append)
    TICKETS.close(state, 90 * MINUTE_MS, facts.append)
    TICKETS.take(state, ticket("ticket_replied", 6, by="agent"), 1, facts.append)
    weights: dict[tuple[float, float], int] = {}
    for fact in facts:
        if type(fact).__name__ == "TicketWaiting":
            known = fact.ts / MINUTE_MS, fact.duration_ms / MINUTE_MS
            weights[known] = weights.get(known, 0) + fact.weight
    assert {known: n for known, n in weights.items() if n} == {
        (0, 0): 1, (1, 0): -1, (1, 1): 1, (2, 1): -1, (2, 2): 1, (5, 2): -1, (5, 5): 1, (6, 5): -1,
    }  # fmt: skip


def test_a_ticket_that_nobody_answers_is_forgotten_at_last() -> None:
    """After its retention it waits no longer; just before it is of the highest class."""
    opened = [ticket("ticket_opened", 0)]
    assert ages(opened, RETENTION - 1) == {500_000: 1}  # 347 d; the next class is 417 d
    assert ages(opened, RETENTION) == {}


def test_classes_are_buckets_and_a_quarter_apart() -> None:
    """Each begins a bucket, so that its lower bound is the age; from an hour on within 25 %."""
    assert {bucket_bounds_ms(bucket_index(age_ms))[0] for age_ms in WAIT_BOUNDS_MS} == {
        *WAIT_BOUNDS_MS
    }
    assert set(WAIT_BOUNDS_MS) <= {0, *BUCKET_BOUNDS_MS}
    for age_ms, following_ms in pairwise(WAIT_BOUNDS_MS):
        assert age_ms < following_ms
        assert age_ms < 3_600_000 or following_ms <= 1.25 * age_ms


def test_a_wait_that_began_before_anybody_asked_is_not_counted_at_its_end() -> None:
    """It was never added, so there is nothing to take away; the next one counts."""
    facts: list[Any] = []
    state = TicketProcessor(retention_ms=RETENTION * MINUTE_MS).new("t")
    TicketProcessor(retention_ms=RETENTION * MINUTE_MS).take(
        state, ticket("ticket_opened", 0), 0, facts.append
    )
    state = stored(TICKETS, state)
    TICKETS.take(state, ticket("ticket_replied", 3, by="agent"), 1, facts.append)
    TICKETS.close(state, 10 * MINUTE_MS, facts.append)
    assert not [fact for fact in facts if type(fact).__name__ == "TicketWaiting"]
    assert ages([ticket("ticket_opened", 20)], 21) == {1: 1}


def test_a_ticket_that_was_open_before_anybody_asked_is_not_counted_at_its_end() -> None:
    """It was never added, so there is nothing to take away; the next one counts."""
    silent = TicketProcessor(retention_ms=RETENTION * MINUTE_MS, counts_open=False)
    facts: list[Any] = []
    state = silent.new("t")
    silent.take(state, ticket("ticket_opened", 0), 0, facts.append)
    state = stored(TICKETS, state)
    for kind, minute in (("ticket_resolved", 3), ("ticket_reopened", 4), ("ticket_resolved", 5)):
        TICKETS.take(state, ticket(kind, minute), minute, facts.append)
    assert not [fact for fact in facts if type(fact).__name__.startswith("TicketBecame")]
    state = TICKETS.new("u")
    TICKETS.take(state, ticket("ticket_opened", 6), 6, facts.append)
    TICKETS.take(state, ticket("ticket_resolved", 7), 7, facts.append)
    became = [type(f).__name__ for f in facts if type(f).__name__.startswith("TicketBecame")]
    assert became == ["TicketBecameOpen", "TicketBecameClosed"]
