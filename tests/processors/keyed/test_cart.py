"""Carts: activity that ends in a purchase, or times out after 30 minutes."""

from __future__ import annotations

from typing import Any

import pytest

from processors.keyed.cart import CartProcessor
from tests.processors.keyed.run import MINUTE_MS, conclude, event, every_order


@pytest.fixture
def carts() -> CartProcessor:
    return CartProcessor(timeout_ms=30 * MINUTE_MS, lateness_ms=60 * MINUTE_MS)


def purchase(minute: float, **fields: Any) -> Any:
    return event("purchase", minute, order_id=f"o{minute}", value=1, currency="EUR", **fields)


def test_cart_is_abandoned_at_last_activity_plus_timeout(carts: CartProcessor) -> None:
    """The abandonment counts where the timeout ran out, and only once the watermark is there.

    minute   0      10                 40
             add    remove ----------->x abandoned
    """
    events = [event("add_to_cart", 0), event("remove_from_cart", 10)]
    assert conclude(carts, events, watermark_minute=39.9) == {}
    assert conclude(carts, events, watermark_minute=40) == {
        ("cart_abandoned", 40): 1,
        ("cart_closed", 40): 1,
    }


def test_purchase_closes_the_cart_at_its_own_time(carts: CartProcessor) -> None:
    """A purchase within the timeout is a purchased cart in the purchase's pane."""
    assert conclude(carts, [event("add_to_cart", 0), purchase(29.9)], watermark_minute=500) == {
        ("cart_purchased", 29.9): 1,
        ("cart_closed", 29.9): 1,
    }


def test_purchase_after_the_timeout_leaves_the_cart_abandoned(carts: CartProcessor) -> None:
    """At exactly the timeout the cart is gone; the purchase then belongs to no cart."""
    assert conclude(carts, [event("add_to_cart", 0), purchase(30)], watermark_minute=500) == {
        ("cart_abandoned", 30): 1,
        ("cart_closed", 30): 1,
    }


def test_late_purchase_takes_the_abandonment_back(carts: CartProcessor) -> None:
    """What was concluded at the timeout is taken back in its own pane."""
    facts: list[Any] = []
    state = carts.new("v")
    carts.take(state, event("add_to_cart", 0), 0, facts.append)
    carts.close(state, 31 * MINUTE_MS, facts.append)
    carts.take(state, purchase(20), 1, facts.append)
    assert [(type(f).__name__, f.ts // MINUTE_MS, f.weight) for f in facts] == [
        ("CartAbandoned", 30, 1),
        ("CartClosed", 30, 1),
        ("CartPurchased", 20, 1),
        ("CartClosed", 20, 1),
        ("CartAbandoned", 30, -1),
        ("CartClosed", 30, -1),
    ]


def test_purchase_without_a_cart_is_no_cart(carts: CartProcessor) -> None:
    """Further lines of an order, or a purchase out of nothing, close no cart."""
    assert conclude(carts, [purchase(0), purchase(1)], watermark_minute=500) == {}


def test_carts_are_kept_apart_by_their_id(carts: CartProcessor) -> None:
    """A purchase of one cart leaves the visitor's other cart open."""
    events = [event("add_to_cart", 0, cart_id="a"), event("add_to_cart", 1, cart_id="b")]
    concluded = conclude(carts, [*events, purchase(2, cart_id="a")], watermark_minute=500)
    assert concluded["cart_purchased", 2] == 1
    assert concluded["cart_abandoned", 31] == 1


def test_order_of_arrival_does_not_matter(carts: CartProcessor) -> None:
    """Every order of the same events concludes the same carts."""
    events = [
        event("add_to_cart", 0),
        purchase(10),
        event("add_to_cart", 20),
        event("add_to_cart", 55),
    ]
    expected = conclude(carts, events, watermark_minute=500)
    assert sum(expected.values()) == 6
    for order in every_order(events):
        assert conclude(carts, order, watermark_minute=500) == expected


def test_abandoned_value_is_what_was_left_in_the_cart(carts: CartProcessor) -> None:
    """Adds less removes, never below nothing."""
    facts: list[Any] = []
    state = carts.new("v")
    for offset, (kind, micro) in enumerate(
        (("add_to_cart", 5), ("add_to_cart", 7), ("remove_from_cart", 4))
    ):
        one = event(kind, offset)
        one.micro = micro  # type: ignore[attr-defined]
        carts.take(state, one, offset, facts.append)
    carts.close(state, 100 * MINUTE_MS, facts.append)
    assert facts[0].micro == 8
