"""Items of purchases: exact products, and nothing that a sum could not hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from processors.decode import Decoder, Rejection, Validity
from processors.items import item_facts

VALIDITY = Validity(300_000, 10**12, 65_536)


def decode(*items: Any, **fields: Any) -> tuple[list[Any], list[Rejection]]:
    """Decode one purchase with these items."""
    event = {
        "event_id": "e", "type": "purchase", "ts": 5, "visitor_id": "v", "order_id": "o",
        "value": 1, "currency": "EUR", "items": list(items), **fields,
    }  # fmt: skip
    _, events, rejections = Decoder(VALIDITY).decode([(0, 5, None, json.dumps(event).encode())])
    return events, rejections


def test_price_and_cost_times_quantity_are_exact() -> None:
    """Micro-units times pieces, one piece where no number is given; 0 pieces are none."""
    events, _ = decode(
        {"product": "p1", "price": "0.1", "unit_cost": "0.000001", "quantity": 3},
        {"product": "p2", "price": 2},
        {"product": "p3", "unit_cost": 5, "quantity": 0},
    )
    facts = [(f.__struct_config__.tag, f.product, f.quantity, f.micro) for f in item_facts(events)]
    assert facts == [
        ("purchase_item", "p1", 3, 300_000),
        ("purchase_cost", "p1", 3, 3),
        ("purchase_item", "p2", 1, 2_000_000),
        ("purchase_item", "p3", 0, 0),
        ("purchase_cost", "p3", 0, 0),
    ]


def test_items_have_the_purchases_dimensions_and_their_own() -> None:
    """What an item does not name is the purchase's."""
    events, _ = decode(
        {"category": "hats"}, {"product": "p2"}, product="p1", category="shoes", channel="web"
    )
    found = [(f.product, f.category, f.channel, f.currency) for f in item_facts(events)]
    assert found == [("p1", "hats", "web", "EUR"), ("p2", "shoes", "web", "EUR")]


@pytest.mark.parametrize(
    ("item", "reason", "field"),
    [
        ({"price": -1}, "invalid_amount", "items[1].price"),
        ({"price": "0.0000001"}, "invalid_amount", "items[1].price"),
        ({"unit_cost": 1_000_000_000}, "invalid_amount", "items[1].unit_cost"),
        ({"unit_cost": "NaN"}, "invalid_amount", "items[1].unit_cost"),
        ({"unit_cost": 500_000_000, "quantity": 2}, "invalid_amount", "items[1].unit_cost"),
        ({"quantity": -1}, "invalid_amount", "items[1].quantity"),
        ({"quantity": 1_000_000_000}, "invalid_amount", "items[1].quantity"),
        ({"quantity": 1.5}, "wrong_type", "items[1].quantity"),
        ({"price": "much"}, "invalid_amount", "items[1].price"),
        (7, "wrong_type", "items[1]"),
    ],
)
def test_an_impossible_item_is_a_dead_letter(item: Any, reason: str, field: str) -> None:
    """The whole purchase is refused, and the field is named."""
    events, (rejection,) = decode({"price": 1}, item)
    assert events == []
    assert (rejection.reason, rejection.field) == (reason, field)


@pytest.mark.parametrize("quantity", [-1, 10**9])
def test_an_impossible_quantity_is_a_dead_letter(quantity: int) -> None:
    """As with items: a sum of it would mean nothing."""
    _, (rejection,) = decode(quantity=quantity)
    assert (rejection.reason, rejection.field) == ("invalid_amount", "quantity")


def test_a_producer_cannot_set_the_internal_amounts() -> None:
    """Micro-units are worked out here, whatever was sent."""
    (event,), _ = decode({"price": 1, "(price_micro)": 7, "(cost_micro)": 7})
    assert (event.items[0].price_micro, event.items[0].cost_micro) == (1_000_000, 0)
