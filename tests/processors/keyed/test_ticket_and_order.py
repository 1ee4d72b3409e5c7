"""Tickets and orders: figures that fall on one event and hold whatever the order of arrival."""

from __future__ import annotations

from typing import Any

from processors.keyed.order import OrderProcessor
from processors.keyed.ticket import TicketProcessor
from tests.processors.keyed.run import MINUTE_MS, conclude, event, every_order

DAY_MS = 86_400_000
TICKETS = TicketProcessor(retention_ms=400 * DAY_MS)
ORDERS = OrderProcessor(horizon_ms=30 * DAY_MS)


def ticket(kind: str, minute: float, **fields: Any) -> Any:
    return event(kind, minute, ticket_id="t", **fields)


def test_first_reply_is_the_agents_after_the_opening() -> None:
    """Customers' replies and replies before the opening do not answer a ticket.

    minute   -1: agent    0: opened    5: customer    9: agent    12: agent
                          |------------- 9 minutes ----->
    """
    facts: list[Any] = []
    state = TICKETS.new("t")
    replies = [(1, "agent"), (6, "customer"), (10, "agent"), (13, "agent")]
    for offset, (minute, by) in enumerate(replies):
        TICKETS.take(state, ticket("ticket_replied", minute, by=by), offset, facts.append)
    TICKETS.take(state, ticket("ticket_opened", 2), 9, facts.append)
    answered = [f for f in facts if type(f).__name__ == "TicketAnswered"]
    assert [(f.ts / MINUTE_MS, f.duration_ms / MINUTE_MS) for f in answered] == [(10, 8)]


def test_reopening_takes_the_resolution_back() -> None:
    """The last resolution holds, and none while a ticket is reopened."""
    opened = [
        ticket("ticket_opened", 0),
        ticket("ticket_resolved", 10),
        ticket("ticket_reopened", 20),
    ]
    assert ("ticket_solved", 10) not in conclude(TICKETS, opened)
    again = conclude(TICKETS, [*opened, ticket("ticket_resolved", 30)])
    assert again["ticket_solved", 30] == 1
    assert ("ticket_solved", 10) not in again


def test_order_of_arrival_does_not_matter_to_tickets() -> None:
    """Every order of the same events gives the same figures."""
    events = [
        ticket("ticket_opened", 0),
        ticket("ticket_replied", 3, by="agent"),
        ticket("ticket_replied", 4, by="agent"),
        ticket("ticket_resolved", 10),
        ticket("ticket_reopened", 20),
    ]
    expected = conclude(TICKETS, events)
    for order in every_order(events):
        assert conclude(TICKETS, order) == expected


def test_dimensions_come_from_the_event_then_from_the_opening() -> None:
    """A resolution's team counts; what it does not say, the opening does."""
    facts: list[Any] = []
    state = TICKETS.new("t")
    TICKETS.take(state, ticket("ticket_opened", 0, team="a", priority="high"), 0, facts.append)
    TICKETS.take(state, ticket("ticket_resolved", 5, team="b"), 1, facts.append)
    solved = next(f for f in facts if type(f).__name__ == "TicketSolved")
    assert (solved.team, solved.priority) == ("b", "high")


def test_an_order_counts_once_at_its_first_purchase() -> None:
    """Lines of an order, in every order of arrival, are one order at the earliest line."""
    lines = [event("purchase", m, order_id="o", value=1, currency="EUR") for m in (5, 3, 8)]
    for order in every_order(lines):
        assert conclude(ORDERS, order) == {("order_placed", 3): 1}


def test_an_order_number_that_comes_back_much_later_is_another_order() -> None:
    """Lines twice the horizon apart are two orders; one between them makes them one again."""
    days = (0, 20, 79, 139)  # 59 days after 20: the same; 60 days after 79: another
    lines = [
        event("purchase", d * 1_440, order_id="o", value=1, currency="EUR", product=f"p{d}")
        for d in days
    ]
    for order in every_order(lines):
        assert conclude(ORDERS, order) == {("order_placed", 0): 1, ("order_placed", 139 * 1_440): 1}
    between = event("purchase", 100 * 1_440, order_id="o", value=1, currency="EUR")
    for order in every_order([*lines, between]):
        assert conclude(ORDERS, order) == {("order_placed", 0): 1}


def test_an_order_is_forgotten_only_when_no_line_can_join_it() -> None:
    """Whether an old order was let go before a line came or after changes nothing."""
    line = event("purchase", 0, order_id="o", value=1, currency="EUR")
    for minute, lives in ((90 * 1_440 - 1, True), (90 * 1_440, False)):
        state = ORDERS.new("o")
        ORDERS.take(state, line, 0, lambda _: None)
        assert ORDERS.close(state, minute * MINUTE_MS, lambda _: None) is lives
