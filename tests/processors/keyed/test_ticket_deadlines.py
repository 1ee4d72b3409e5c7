"""What tickets promise: a first reply within the agreed time; and how many are open."""

from __future__ import annotations

from typing import Any

from processors.keyed.ticket import TicketProcessor
from tests.processors.keyed.run import MINUTE_MS, conclude, event, every_order, only, stored

TICKETS = TicketProcessor(retention_ms=400 * 86_400_000, sla_ms=60 * MINUTE_MS)
PROMISE = ("ticket_due", "ticket_breached")
OPEN = ("ticket_became_open", "ticket_became_closed")


def ticket(kind: str, minute: float, **fields: Any) -> Any:
    return event(kind, minute, ticket_id="t", **fields)


def promised(events: list[Any], watermark: float | None) -> dict[tuple[Any, ...], int]:
    return only(conclude(TICKETS, events, watermark), *PROMISE)


def test_answered_in_time_is_due_at_the_answer() -> None:
    """A reply no later than the deadline keeps the promise, at once and in the reply's pane.

    minute   0: opened    20: agent         60: deadline
                          due
    """
    events = [ticket("ticket_opened", 0), ticket("ticket_replied", 20, by="agent")]
    assert promised(events, None) == {("ticket_due", 20): 1}
    assert promised(events, 100) == {("ticket_due", 20): 1}
    events[1] = ticket("ticket_replied", 60, by="agent")
    assert promised(events, 100) == {("ticket_due", 60): 1}


def test_owed_at_the_deadline_is_broken() -> None:
    """Nothing is said before the watermark is at the deadline; then it is due and broken there.

    minute   0: opened            60: deadline    70: agent
                                  due, breached
    """
    late = [ticket("ticket_opened", 0), ticket("ticket_replied", 70, by="agent")]
    for events in (late[:1], late):
        assert promised(events, 60 - 1 / MINUTE_MS) == {}
        assert promised(events, 60) == {("ticket_due", 60): 1, ("ticket_breached", 60): 1}


def test_a_late_reply_in_time_takes_the_breach_back() -> None:
    """What was concluded at the deadline is taken back by a reply that arrives after it."""
    facts: list[Any] = []
    state = TICKETS.new("t")
    TICKETS.take(state, ticket("ticket_opened", 0), 0, facts.append)
    assert state.due_ms == 60 * MINUTE_MS
    TICKETS.close(state, 80 * MINUTE_MS, facts.append)
    state = stored(TICKETS, state)
    TICKETS.take(state, ticket("ticket_replied", 30, by="agent"), 1, facts.append)
    weights: dict[tuple[str, float], int] = {}
    for fact in facts:
        known = type(fact).__name__, fact.ts / MINUTE_MS
        weights[known] = weights.get(known, 0) + fact.weight
    assert weights["TicketBreached", 60] == weights["TicketDue", 60] == 0
    assert weights["TicketDue", 30] == 1


def test_open_goes_up_and_down_in_turn() -> None:
    """+1 at the opening and each reopening, -1 at each resolution that closes, in any order.

    minute   0: opened  5: resolved  6: resolved  9: reopened  12: reopened  20: resolved
             +1         -1           -            +1           -             -1
    """
    events = [
        ticket("ticket_opened", 0),
        ticket("ticket_resolved", 5),
        ticket("ticket_resolved", 6),
        ticket("ticket_reopened", 9),
        ticket("ticket_reopened", 12),
        ticket("ticket_resolved", 20),
    ]
    expected = {
        ("ticket_became_open", 0): 1,
        ("ticket_became_closed", 5): 1,
        ("ticket_became_open", 9): 1,
        ("ticket_became_closed", 20): 1,
    }
    for order in every_order(events):
        assert only(conclude(TICKETS, order), *OPEN) == expected


def test_promises_do_not_depend_on_the_order_of_arrival() -> None:
    """Every order of the same events concludes the same, whenever the watermark moves."""
    events = [
        ticket("ticket_opened", 3),
        ticket("ticket_opened", 1),
        ticket("ticket_replied", 2, by="customer"),
        ticket("ticket_replied", 62, by="agent"),
        ticket("ticket_replied", 0, by="agent"),
    ]
    for order in every_order(events):
        assert promised(order, 200) == {("ticket_due", 61): 1, ("ticket_breached", 61): 1}


def test_what_is_open_is_counted_by_the_openings_team() -> None:
    """Another team's resolution closes the ticket where it was opened."""
    facts: list[Any] = []
    state = TICKETS.new("t")
    TICKETS.take(state, ticket("ticket_opened", 0, team="a"), 0, facts.append)
    TICKETS.take(state, ticket("ticket_resolved", 5, team="b"), 1, facts.append)
    closed = [f for f in facts if type(f).__name__ == "TicketBecameClosed"]
    assert [f.team for f in closed] == ["a"]
