"""Labels follow the first appearance of a value, also where a fact is taken back at once."""

from processors import names
from processors.admission import Admission
from processors.catalog.model import Aggregation, Catalog, Defaults, Measure, Requirement
from processors.facts import OrderPlaced
from processors.measures.accumulator import Accumulator
from processors.measures.plan import compile_measures

BUDGET = 202


def order(product: str, weight: int = 1) -> OrderPlaced:
    """Return an order of a product, or one taken back."""
    return OrderPlaced(ts=1_000, weight=weight, product=product)


def test_what_is_taken_back_at_once_is_not_admitted_before_what_came_first() -> None:
    """Of three new products and room for two, the third counts as other, whatever becomes of it."""
    orders = Measure("orders", ("order_placed",), Aggregation.COUNT)
    catalog = Catalog(
        {"orders": orders},
        {},
        {"orders": Requirement(orders, (("product",),), ("10s",))},
        Defaults(dimension_values_max=BUDGET),
    )
    plan = compile_measures(catalog)
    accumulator = Accumulator(plan, Admission(plan.values_max, {}))
    accumulator.add("order_placed", [order(f"p{number}") for number in range(BUDGET - 2)])
    accumulator.drain()
    accumulator.add("order_placed", [order("x"), order("y"), order("z"), order("z", -1)])
    (cells,) = accumulator.drain().base.values()
    assert {name.rpartition("\x1f")[2] for name in cells} == {"x", "y"}
    accumulator.add("order_placed", [order("z"), order("y")])
    (cells,) = accumulator.drain().base.values()
    assert {name.rpartition("\x1f")[2] for name in cells} == {names.OTHER_VALUE, "y"}
