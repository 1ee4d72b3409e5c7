"""Laws of tickets and orders, as the recomputation finds them. Times are minutes after T0."""

from __future__ import annotations

from typing import Any

from processors.names import SUPPORT
from tests.support.recomputing import (
    MINUTE_MS,
    catalog_of,
    cells_of,
    count,
    event,
    facts_of,
    log_of,
    recomputed,
)


def ticket(kind: str, minute: int, **fields: Any) -> dict[str, Any]:
    """Return an event of ticket t."""
    return event(f"ticket_{kind}", minute * MINUTE_MS, **{"ticket_id": "t", **fields})


def reply(minute: int, by: str = "agent", **fields: Any) -> dict[str, Any]:
    """Return a reply."""
    return ticket("replied", minute, by=by, **fields)


def times(*events: dict[str, Any], fact: str) -> list[tuple[float, float]]:
    """Return (minutes, duration in minutes)."""
    found = facts_of(events, f"ticket_{fact}", topic=SUPPORT)
    return [(at / MINUTE_MS, lasted / MINUTE_MS) for _, at, lasted, _ in found]


def test_the_first_reply_by_an_agent_answers() -> None:
    """Customers' replies, later ones and those before the opening do not count."""
    # minutes    3 agent   5 opened   6 customer   9 agent   12 agent
    log = [reply(3), ticket("opened", 5), reply(6, by="customer"), reply(9), reply(12)]
    assert times(*log, fact="answered") == [(9, 4)]


def test_order_of_arrival_does_not_matter() -> None:
    """An opening that arrives after its reply counts, and an earlier opening wins."""
    assert times(reply(9), ticket("opened", 5), ticket("opened", 4), fact="answered") == [(9, 5)]


def test_a_reply_at_the_opening_s_instant_counts_only_after_it() -> None:
    """At one instant the offset decides."""
    assert times(ticket("opened", 5), reply(5), fact="answered") == [(5, 0)]
    assert times(reply(5), ticket("opened", 5), fact="answered") == []


def test_the_last_resolution_holds_unless_reopened() -> None:
    """The last of resolved and reopened decides."""
    opened, first = ticket("opened", 0), ticket("resolved", 10)
    reopened, second = ticket("reopened", 20), ticket("resolved", 30)
    assert times(opened, first, fact="solved") == [(10, 10)]
    assert times(opened, first, reopened, fact="solved") == []
    assert times(opened, second, reopened, first, fact="solved") == [(30, 30)]


def test_a_ticket_never_opened_has_no_figures() -> None:
    """Replies and resolutions of an unknown ticket wait for its opening."""
    assert times(reply(1), ticket("resolved", 2), fact="solved") == []


def test_dimensions_fall_back_on_the_opening_s() -> None:
    """A figure has its own event's dimensions, where empty the opening's."""
    catalog = catalog_of(count("ticket_answered"), sets=[("priority", "team")])
    log = [ticket("opened", 0, priority="high", team="a"), reply(1, priority="", team="b")]
    found = cells_of(recomputed(log_of(log, SUPPORT), catalog), "priority,team")
    assert found == [("ticket_answered", "", "high,b", MINUTE_MS, 1)]


def line(minute: int, order: str, product: str = "p") -> dict[str, Any]:
    """Return a line of an order."""
    amount = {"currency": "EUR", "value": 1, "order_id": order, "product": product}
    return event("purchase", minute * MINUTE_MS, customer_id="c", **amount)


def test_an_order_counts_at_its_first_line() -> None:
    """However many lines and in whatever order, an order is one, at its earliest line."""
    catalog = catalog_of(count("order_placed"), sets=[("product",)])
    log = [line(5, "o", "late"), line(3, "o", "first"), line(3, "o", "same"), line(9, "other")]
    assert cells_of(recomputed(log_of(log), catalog), "product") == [
        ("order_placed", "", "first", 3 * MINUTE_MS, 1),
        ("order_placed", "", "p", 9 * MINUTE_MS, 1),
    ]
