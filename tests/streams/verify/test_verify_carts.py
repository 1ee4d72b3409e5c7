"""Laws of carts, as the recomputation finds them. Times are minutes after T0."""

from __future__ import annotations

from typing import Any

from tests.support.recomputing import MINUTE_MS, event, facts_of, tick

ALL = ("cart_purchased", "cart_abandoned", "cart_closed")


def cart(kind: str, minute: float, value: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a cart event of visitor v."""
    amount = {} if value is None else {"value": value}
    return event(kind, int(minute * MINUTE_MS), **{"visitor_id": "v", **amount, **fields})


def add(minute: float, value: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return an addition."""
    return cart("add_to_cart", minute, value, **fields)


def buy(minute: float, **fields: Any) -> dict[str, Any]:
    """Return a purchase."""
    return cart("purchase", minute, "9", order_id="o", currency="EUR", **fields)


def carts(*events: dict[str, Any], wanted: tuple[str, ...] = ALL[:2]) -> list[tuple[Any, ...]]:
    """Return (fact, minutes, micro)."""
    return [(name, at / MINUTE_MS, micro) for name, at, _, micro in facts_of(events, *wanted)]


def test_a_purchase_closes_the_open_cart() -> None:
    """Activity then a purchase within the timeout: purchased, at the purchase."""
    assert carts(add(0), buy(29.9), tick(200 * MINUTE_MS)) == [("cart_purchased", 29.9, 0)]


def test_a_purchase_without_a_cart_concludes_nothing() -> None:
    """Nothing open, timed out, or a further line of one order: no cart."""
    # minutes   0 buy   100 add          140 buy: 40 after      150 add  151 buy  151.5 buy again
    found = carts(buy(0), add(100), buy(140), add(150), buy(151), buy(151.5), tick(300 * MINUTE_MS))
    assert found == [("cart_abandoned", 130, 0), ("cart_purchased", 151, 0)]


def test_a_cart_is_abandoned_once_the_watermark_has_come_to_its_timeout() -> None:
    """Abandonment falls at the last activity + timeout, and needs the watermark there."""
    # last activity 10, timeout 30, lateness 0.5
    assert carts(add(0), add(10), tick(int(40.5 * MINUTE_MS) - 1)) == []
    assert carts(add(0), add(10), tick(int(40.5 * MINUTE_MS))) == [("cart_abandoned", 40, 0)]


def test_what_lay_in_it() -> None:
    """Its value is what was added less what was removed, and not below 0."""
    more = cart("remove_from_cart", 2, "1.5"), cart("checkout_started", 3, "100")
    assert carts(add(0, "2"), add(1, "0.000001"), *more, tick(99 * MINUTE_MS)) == [
        ("cart_abandoned", 33, 500_001)
    ]
    assert carts(add(0, "1"), more[0], tick(99 * MINUTE_MS)) == [("cart_abandoned", 32, 0)]


def test_a_late_purchase_takes_the_abandonment_back() -> None:
    """A purchase that arrives after the timeout fired still closes the cart it belongs to."""
    found = carts(add(0), tick(40 * MINUTE_MS), buy(10), tick(200 * MINUTE_MS))
    assert found == [("cart_purchased", 10, 0)]


def test_carts_are_apart_by_cart_id() -> None:
    """The cart's id is the key where it is present, else the visitor."""
    found = carts(add(0, cart_id="c"), add(1), buy(2, cart_id="c"), tick(200 * MINUTE_MS))
    assert found == [("cart_purchased", 2, 0), ("cart_abandoned", 31, 0)]


def test_every_closing_is_counted_as_one() -> None:
    """cart_closed stands beside each of the two."""
    found = carts(add(0), buy(1), add(50), tick(200 * MINUTE_MS), wanted=ALL)
    assert [row[0] for row in found] == [
        "cart_closed",
        "cart_purchased",
        "cart_abandoned",
        "cart_closed",
    ]
