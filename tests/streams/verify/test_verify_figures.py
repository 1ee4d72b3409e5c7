"""Laws of the recomputation's figures: definitions, quantiles, and what agrees with what."""

from __future__ import annotations

import ast

import pytest

from processors.catalog.load import load_catalog
from streams.verify.agree import agrees, count_agrees, shown
from streams.verify.exact import Exact, compiled
from streams.verify.figures import Figure
from streams.verify.formula import formula
from streams.verify.held import Held
from streams.verify.quantile import quantile_ms
from streams.verify.series import Change, Source

YAML = """
family: test
measures:
  paid: {events: [purchase], agg: sum, of: value}
  clicks: {events: [ad_click], agg: count}
metrics:
  paid_per_click:
    type: ratio
    label: Paid per click
    description: What a click brings.
    formula: paid / clicks
    unit: money
    direction: up
    numerator: paid
    denominator: clicks
    samples: clicks
    dimension_sets: [[], [source]]
    windows: [5m]
"""


def test_expressions_are_exact() -> None:
    """Sums, products, quotients and constants; nothing is rounded, division by 0 is undefined."""
    scales = {"a": 1, "b": 1_000_000}
    amounts = {"a": 3, "b": 500_000}
    for text, value in [
        ("a - b", Exact(5, 2)),
        ("0.1 * a", Exact(3, 10)),
        ("-(a / b)", Exact(-6, 1)),
        ("a + a", Exact(6, 1)),
    ]:
        found = compiled(ast.parse(text, mode="eval").body, scales)(amounts)
        assert found is not None
        assert found.over * value.under == value.over * found.under
    nothing = ast.parse("a / (b - 0.5)", mode="eval").body
    assert compiled(nothing, scales)(amounts) is None
    assert compiled(nothing, scales)({"a": 3, "b": None}) is None


def test_a_measure_without_currency_counts_beside_every_currency() -> None:
    """One currency: the value is defined; two that share the clicks: it is not."""
    catalog = load_catalog([("test.yaml", YAML)])
    plan = formula(catalog, catalog.metrics["paid_per_click"], ("source", "currency"))
    held = Held()
    paid = Source("paid", ("source", "currency"))
    groups = {"x": ["x\x1fEUR", "x\x1fUSD"]}
    held.set(Change(0, Source("clicks", ("source",)), "", "x", 4))
    held.set(Change(0, paid, "", "x\x1fEUR", 10_000_000))
    rows = plan.expected(groups, held)
    row = rows["x\x1fEUR", "value"]
    assert list(rows) == [("x\x1fEUR", "value")]
    assert (shown(row.value), shown(row.numerator), shown(row.denominator)) == (
        "2.500000",
        "10.000000",
        4,
    )
    held.set(Change(0, paid, "", "x\x1fUSD", 1))
    rows = plan.expected(groups, held)
    assert [shown(row.value) for row in rows.values()] == [None, None]


def test_a_quantile_is_the_nearest_rank_in_its_bucket() -> None:
    """Of 1 .. 4 samples in [50, 100) the middle two lie at 5/8 and 3/8; empty has none."""
    assert quantile_ms({}, 50) is None
    assert quantile_ms({1: 1}, 50) == 75
    assert quantile_ms({1: 4}, 50) == 50 + 50 * 3 // 8
    assert quantile_ms({0: 1, 1: 1}, 90) == 75
    assert quantile_ms({0: 9, 1: 1}, 90) == 50 * 17 // 18


@pytest.mark.parametrize(
    ("ours", "exact", "how", "same"),
    [
        ("2.50", Exact(5, 2), "money", True),
        ("0.333333", Exact(1, 3), "money", True),
        ("0.000000", Exact(1, 2_000_000), "money", True),  # half to even
        ("0.000002", Exact(3, 2_000_000), "money", True),
        ("2.51", Exact(5, 2), "money", False),
        (2.5, Exact(5, 2), "money", False),
        (2, Exact(4, 2), "number", True),
        (2.0, Exact(4, 2), "number", False),
        (1 / 3, Exact(1, 3), "float", True),
        (0.3333, Exact(1, 3), "float", False),
        (None, None, "float", True),
        (0.0, None, "float", False),
        (None, Exact(0, 1), "number", False),
    ],
)
def test_a_figure_agrees_to_the_last_digit(
    ours: str | float | None, exact: Exact | None, how: str, same: bool
) -> None:
    """What is shown must be the exact value as it is to be shown, undefined only if that is."""
    assert agrees(ours, Figure(exact, how)) is same


def test_sketches_are_exact_while_they_are_small() -> None:
    """Below its size a sketch's count must be equal, above it may err by five standard errors."""
    assert count_agrees(2_047, 2_047)
    assert not count_agrees(2_046, 2_047)
    assert count_agrees(11_000, 10_000)
    assert not count_agrees(11_200, 10_000)
