"""Purchases taken apart: a fact for each element of their items, with no state at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from processors import facts
from processors.amounts import is_given
from processors.event import Purchase
from processors.getters import field_getter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ITEM_FACTS: Final = frozenset({"purchase_item", "purchase_cost"})
_OWN = frozenset({"ts", "weight", "category", "product", "quantity", "micro"})
_DIMENSIONS = tuple(n for n in facts.ItemFact.__struct_fields__ if n not in _OWN)
_of_purchase = field_getter(Purchase, _DIMENSIONS)


def item_facts(purchases: Sequence[Any]) -> Iterator[facts.ItemFact]:
    """Yield what was bought, and what it cost where that is said."""
    for purchase in purchases:
        if not purchase.items:
            continue
        dimensions = dict(zip(_DIMENSIONS, _of_purchase(purchase), strict=True))
        for item in purchase.items:
            own: dict[str, Any] = {
                **dimensions,
                "product": item.product or purchase.product,
                "category": item.category or purchase.category,
                "quantity": item.quantity,
            }
            yield facts.PurchaseItem(purchase.ts, micro=item.price_micro, **own)
            if is_given(item.unit_cost):
                yield facts.PurchaseCost(purchase.ts, micro=item.cost_micro, **own)
