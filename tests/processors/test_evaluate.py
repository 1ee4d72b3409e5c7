"""Rows of KPIs: exact, undefined where there is nothing to divide by, never a wrong number."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.catalog.model import window
from processors.evaluate import Row, evaluate
from processors.explain import example_tables
from processors.histogram import bucket_index, quantile_ms
from processors.names import Cell, cell_name
from processors.sketch import SKETCH_SIZE, hash_int
from processors.windows import Span
from tests.processors.catalog.presets import loaded, presets

if TYPE_CHECKING:
    from processors.catalog.model import Catalog

CATALOG = loaded(
    """
measures:
  clicks: {events: [ad_click], agg: count}
  shows: {events: [ad_impression], agg: count}
  spend: {events: [ad_cost], agg: sum, of: value}
  costs: {events: [ad_cost], agg: count}
  sold: {events: [purchase], agg: sum, of: value}
  returned: {events: [refund], agg: sum, of: value}
  orders: {events: [order_placed], agg: count}
  visitors: {events: [page_view], agg: distinct, of: visitor}
  views: {events: [page_view], agg: count}
  waits: {events: [ticket_answered], agg: histogram, of: duration_ms}
  promoters: {events: [lead_status], agg: count, where: {status: [won]}}
  detractors: {events: [lead_status], agg: count, where: {status: [lost]}}
  answers: {events: [lead_status], agg: count}
  likes: {events: [social_interaction], agg: count, where: {interaction: [like]}}
  shares: {events: [social_interaction], agg: count, where: {interaction: [share]}}
  touches: {events: [social_interaction], agg: count}
metrics:
  rate: {type: ratio, unit: ratio, direction: up, numerator: clicks, denominator: shows,
    dimension_sets: [[], [campaign, ad]], windows: [1m]}
  revenue: {type: derived, unit: money, direction: up, numerator: sold - returned, samples: orders,
    dimension_sets: [[], [channel]], windows: [1m]}
  order_value: {type: derived, unit: money, direction: up, numerator: revenue,
    denominator: orders, windows: [1m]}
  click_cost: {type: derived, unit: money, direction: down, numerator: spend,
    denominator: clicks, dimension_sets: [[], [campaign]], windows: [1m]}
  thousand_cost: {type: derived, unit: money, direction: down, numerator: 1000 * spend,
    denominator: shows, windows: [1m]}
  return_on_spend: {type: ratio, unit: ratio, direction: up, numerator: revenue,
    denominator: spend, samples: orders, windows: [1m]}
  roi: {type: derived, unit: ratio, direction: up, numerator: (revenue - spend) / spend,
    samples: orders, windows: [1m]}
  score: {type: derived, unit: score, direction: up,
    numerator: 100 * (promoters - detractors), denominator: answers, windows: [1m]}
  weighted: {type: derived, unit: score, direction: up, numerator: likes + 2.5 * shares,
    samples: touches, windows: [1m]}
  visitors: {type: simple, unit: count, direction: up, numerator: visitors, windows: [1m]}
  views_per_visitor: {type: ratio, unit: ratio, direction: up, numerator: views,
    denominator: visitors, windows: [1m]}
  waits: {type: simple, unit: seconds, direction: down, numerator: waits,
    dimension_sets: [[], [team]], windows: [1m]}
"""
)
MICRO = 1_000_000
SPAN = Span(60_000, 120_000)
Cells = dict[str, "int | frozenset[int]"]


def cell(measure: str, amount: int | frozenset[int], component: str = "", **values: str) -> Cells:
    """Return one cell of the dimension set and values named."""
    return {cell_name(Cell(measure, component, tuple(values), tuple(values.values()))): amount}


def rows(
    kpi: str,
    *cells: Cells,
    by: tuple[str, ...] = (),
    before: Cells | None = None,
    catalog: Catalog = CATALOG,
) -> list[Row]:
    """Evaluate a KPI over cells."""
    merged: Cells = {name: amount for part in cells for name, amount in part.items()}
    merged = {**cell("costs", 1), **merged}  # what was spent has been reported
    metric = catalog.metrics[kpi]
    return evaluate(catalog, metric, window("1m"), by, merged, SPAN, before)


def figures(found: list[Row]) -> dict[tuple[str, ...], object]:
    """Return dimension values -> value."""
    return {tuple(row.dimensions.values()): row.value for row in found}


def test_a_row_says_what_it_stands_for() -> None:
    """A row is the contract's answer, and JSON."""
    (row,) = rows("rate", cell("clicks", 287), cell("shows", 60_000))
    assert msgspec.to_builtins(row) == {
        "kpi": "rate",
        "stat": "value",
        "window": "1m",
        "window_start_ms": 60_000,
        "window_end_ms": 120_000,
        "dimensions": {},
        "value": 287 / 60_000,
        "numerator": 287,
        "denominator": 60_000,
        "samples": 60_000,
        "unit": "ratio",
        "provisional": False,
        "complete": True,
    }


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xy")),
        st.tuples(st.integers(0, 9), st.integers(0, 9)),
    )
)
def test_a_ratio_is_a_ratio_of_sums(counts: dict[tuple[str, str], tuple[int, int]]) -> None:
    """One row a combination that the window holds anything of; undefined over nothing."""
    cells = [
        cell(measure, count[side], campaign=campaign, ad=ad)
        for (campaign, ad), count in counts.items()
        for side, measure in enumerate(("clicks", "shows"))
    ]
    expected = {
        values: (Fraction(*count) if count[1] else None)
        for values, count in counts.items()
        if any(count)
    }
    found = rows("rate", *cells, by=("campaign", "ad"))
    assert [tuple(row.dimensions.values()) for row in found] == sorted(expected)
    for row in found:
        exact = expected[tuple(row.dimensions.values())]
        assert row.value == (None if exact is None else float(exact))
        assert (row.numerator, row.denominator) == counts[tuple(row.dimensions.values())]
        assert row.samples == row.denominator


def test_nothing_has_a_total_and_no_breakdown() -> None:
    """Without samples a ratio is undefined, a count is 0, and no dimension value has a row."""
    (total,) = rows("rate")
    assert (total.value, total.numerator, total.denominator, total.samples) == (None, 0, 0, 0)
    assert rows("rate", by=("campaign", "ad")) == []
    (count,) = rows("visitors")
    assert (count.value, count.numerator, count.denominator) == (0, None, None)
    assert rows("revenue", by=("currency",)) == []


def test_cells_of_other_sets_and_measures_are_passed_over() -> None:
    """A total is not the sum of a breakdown that happens to be there."""
    (row,) = rows(
        "rate",
        cell("clicks", 5, campaign="a", ad="x"),
        cell("clicks", 1),
        cell("shows", 4),
        cell("views", 100),
    )
    assert row.value == 0.25


def test_money_is_exact_and_by_currency() -> None:
    """Micro-units become decimal text; currencies never meet."""
    found = rows(
        "revenue",
        cell("sold", 10**17, currency="EUR"),
        cell("sold", 10 * MICRO, currency="USD"),
        cell("returned", 12_500_001, currency="USD"),
        cell("orders", 3, currency="USD"),
        by=("currency",),
    )
    assert figures(found) == {("EUR",): "100000000000.00", ("USD",): "-2.500001"}
    assert [row.samples for row in found] == [0, 3]
    assert {row.unit for row in found} == {"money"}


def test_money_that_cancels_out_still_has_a_row() -> None:
    """Something was sold and given back: the revenue is 0, not unknown."""
    found = rows(
        "revenue",
        cell("sold", MICRO, channel="web", currency="EUR"),
        cell("returned", MICRO, channel="web", currency="EUR"),
        by=("channel", "currency"),
    )
    assert figures(found) == {("web", "EUR"): "0.00"}


def test_a_mean_amount_is_rounded_to_micro_units() -> None:
    """10 over 3 orders is 3.333333, and its two sides are exact."""
    (row,) = rows(
        "order_value",
        cell("sold", 10 * MICRO, currency="EUR"),
        cell("orders", 3, currency="EUR"),
        by=("currency",),
    )
    assert (row.value, row.numerator, row.denominator) == ("3.333333", "10.00", 3)


def test_the_sources_own_figures() -> None:
    """40,000 over 5,000 clicks at 8 % is 100 a sale; thousand impressions; return; promoters."""
    spent = cell("spend", 40_000 * MICRO, currency="USD")
    (row,) = rows("click_cost", spent, cell("clicks", 400), by=("currency",))
    assert row.value == "100.00"
    (row,) = rows("thousand_cost", spent, cell("shows", 10**7), by=("currency",))
    assert (row.value, row.numerator) == ("4.00", "40000000.00")
    sold = cell("sold", 100_000 * MICRO, currency="USD")
    (row,) = rows("return_on_spend", spent, sold, by=("currency",))
    assert (row.value, row.numerator, row.denominator) == (2.5, "100000.00", "40000.00")
    (row,) = rows("roi", spent, sold, by=("currency",))
    assert row.value == 1.5
    (row,) = rows("score", cell("promoters", 50), cell("detractors", 20), cell("answers", 100))
    assert row.value == 30.0
    (row,) = rows("weighted", cell("likes", 3), cell("shares", 3))
    assert row.value == 10.5


def test_dividing_by_nothing_inside_an_expression_is_undefined() -> None:
    """(revenue - spend) / spend without spend has no value."""
    (row,) = rows("roi", cell("sold", MICRO, currency="USD"), by=("currency",))
    assert row.value is None


def test_clicks_have_no_currency() -> None:
    """A campaign's clicks are divided by in each row, but undefined where currencies mix."""
    found = rows(
        "click_cost",
        cell("spend", 6 * MICRO, campaign="a", currency="EUR"),
        cell("spend", 5 * MICRO, campaign="b", currency="EUR"),
        cell("spend", 7 * MICRO, campaign="b", currency="USD"),
        cell("clicks", 4, campaign="a"),
        cell("clicks", 2, campaign="b"),
        cell("clicks", 9, campaign="c"),
        by=("campaign", "currency"),
    )
    assert figures(found) == {("a", "EUR"): "1.50", ("b", "EUR"): None, ("b", "USD"): None}
    assert [row.denominator for row in found] == [4, 2, 2]


def test_distinct_counts_are_estimates() -> None:
    """A sketch is counted: exactly below its size, within its error above."""
    few = frozenset(map(hash_int, "abc"))
    (row,) = rows("visitors", cell("visitors", few))
    assert (row.value, row.samples) == (3, 3)
    many = frozenset(hash_int(str(i)) for i in range(10 * SKETCH_SIZE))
    (row,) = rows("views_per_visitor", cell("visitors", many), cell("views", 20 * SKETCH_SIZE))
    assert row.value == pytest.approx(2, rel=0.1)


def histogram(durations_ms: list[int], **values: str) -> Cells:
    """Return the cells of a histogram."""
    cells = cell("waits", sum(durations_ms), "sum", **values)
    for index, count in Counter(map(bucket_index, durations_ms)).items():
        cells |= cell("waits", count, f"b{index}", **values)
    return cells


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=50))
def test_durations_have_a_mean_and_quantiles(durations_ms: list[int]) -> None:
    """The mean is exact, quantiles are the histogram's, both in seconds."""
    found = {row.stat: row for row in rows("waits", histogram(durations_ms))}
    assert list(found) == ["mean", "p50", "p90", "p95"]
    mean = found["mean"]
    assert mean.value == float(Fraction(sum(durations_ms), 1_000 * len(durations_ms)))
    assert mean.numerator == pytest.approx(sum(durations_ms) / 1_000)
    assert mean.denominator == len(durations_ms)
    buckets = Counter(map(bucket_index, durations_ms))
    assert found["p90"].value == float(Fraction(quantile_ms(buckets, 90) or 0, 1_000))
    assert {row.samples for row in found.values()} == {len(durations_ms)}
    assert {row.unit for row in found.values()} == {"seconds"}


def test_no_durations_are_undefined() -> None:
    """The total has its rows, without values; a team has none."""
    found = rows("waits", histogram([], team="a"))
    assert [(row.stat, row.value, row.samples) for row in found] == [
        ("mean", None, 0),
        ("p50", None, 0),
        ("p90", None, 0),
        ("p95", None, 0),
    ]
    assert rows("waits", histogram([], team="a"), by=("team",)) == []


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        ((3, 10), (2, 10), 0.5),
        ((1, 10), (2, 10), -0.5),
        ((2, 10), (2, 10), 0.0),
        ((2, 10), (0, 10), None),
        ((2, 10), (0, 0), None),
        ((0, 0), (2, 10), None),
    ],
)
def test_a_change_is_a_share_of_the_window_before(
    now: tuple[int, int], before: tuple[int, int], change: float | None
) -> None:
    """It is undefined against nothing."""
    value, changed = rows(
        "rate",
        cell("clicks", now[0]),
        cell("shows", now[1]),
        before={**cell("clicks", before[0]), **cell("shows", before[1])},
    )
    assert value.stat == "value"
    assert (changed.stat, changed.value, changed.unit) == ("change", change, "ratio")


def test_a_change_of_money_is_a_ratio() -> None:
    """From a loss of 2 to a gain of 2 is up by twice the loss."""
    _, changed = rows(
        "revenue",
        cell("sold", 2 * MICRO, currency="EUR"),
        by=("currency",),
        before=cell("returned", 2 * MICRO, currency="EUR"),
    )
    assert (changed.value, changed.dimensions) == (2.0, {"currency": "EUR"})


@pytest.mark.parametrize("kpi", sorted(presets().metrics))
def test_every_preset_can_be_worked_out(kpi: str) -> None:
    """Each KPI that ships gives rows for each dimension set, from cells of its measures."""
    catalog = presets()
    metric = catalog.metrics[kpi]
    for dimensions in metric.dimension_sets:
        tables = example_tables(catalog, metric, dimensions)
        found = evaluate(catalog, metric, metric.windows[0], dimensions, tables, SPAN)
        assert [row.stat for row in found] == list(metric.stats)
        assert all(row.value is not None and row.samples > 0 for row in found)
