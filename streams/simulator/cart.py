"""What a visitor puts into a cart, and the order that may come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.simulator.visitors import Visitor
    from streams.simulator.world import Product


def _money(cents: int) -> float:
    return cents / 100  # the shortest decimal that reads back the same: two places at most


@dataclass
class Cart:
    """Lines of (product, quantity) of one visit, in the currency of the visitor's country."""

    visitor: Visitor
    cart_id: str | None
    lines: list[tuple[Product, int]] = field(default_factory=list)

    def change(self, product: Product, quantity: int) -> dict[str, Any]:
        """Return the fields of an event that adds or removes one line."""
        return self._identity() | {
            "product": product.name,
            "category": product.category,
            "quantity": quantity,
            "value": _money(product.price_cents * quantity),
            "currency": self.visitor.place.currency,
        }

    def total(self) -> dict[str, Any]:
        """Return the fields of an event about the whole cart."""
        return self._identity() | {
            "quantity": sum(quantity for _, quantity in self.lines),
            "value": _money(sum(p.price_cents * quantity for p, quantity in self.lines)),
            "currency": self.visitor.place.currency,
        }

    def order(self, order_id: str) -> dict[str, Any]:
        """Return the fields of the purchase; its product is the dearest line's."""
        main, _ = max(self.lines, key=lambda line: line[0].price_cents * line[1])
        return self.total() | {
            "order_id": order_id,
            "product": main.name,
            "category": main.category,
            "region": self.visitor.place.region,
            "channel": "app" if self.visitor.keeps_session else "online",
            "segment": "returning" if self.visitor.customer_id else "new",
            "items": [
                {
                    "product": product.name,
                    "category": product.category,
                    "quantity": quantity,
                    "price": _money(product.price_cents),
                    "unit_cost": _money(product.price_cents * 55 // 100),
                }
                for product, quantity in self.lines
            ],
        }

    def refund(self, order_id: str, *, whole: bool) -> dict[str, Any]:
        """Return the fields of a refund of the order, or of its first line."""
        product, quantity = self.lines[0]
        fields = self.total() if whole else self.change(product, quantity)
        return fields | {
            "order_id": order_id,
            "region": self.visitor.place.region,
            "channel": "app" if self.visitor.keeps_session else "online",
            "product": product.name,
            "category": product.category,
        }

    def _identity(self) -> dict[str, Any]:
        return {} if self.cart_id is None else {"cart_id": self.cart_id}
