"""Rows of KPIs that read more than their window: exact, and absent where an input is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.catalog.implicit import TARGET_DIMENSIONS
from processors.catalog.model import window
from processors.catalog.operand import PREVIOUS, WINDOW, Slot
from processors.cells import CellTable
from processors.evaluate import evaluate
from processors.names import NONE_VALUE, Cell, cell_name
from processors.sketch import RELATIVE_STANDARD_ERROR, SKETCH_SIZE, hash_int, shared
from processors.slots import Tables, slots_of
from processors.windows import Span
from tests.processors.catalog.presets import loaded

if TYPE_CHECKING:
    from processors.catalog.model import Catalog
    from processors.evaluate import Row

TEXT = """
measures:
  views: {events: [page_view], agg: count}
  people: {events: [page_view], agg: distinct, of: visitor}
  clicks: {events: [ad_click], agg: count}
  spend: {events: [ad_cost], agg: sum, of: value}
  reports: {events: [ad_cost], agg: count}
  reach: {events: [social_reach_changed], agg: sum, of: value}
  reach_known: {events: [social_reach_changed], agg: sum, of: known}
targets: {daily_views: 40, wishes: }
metrics:
  share: {type: ratio, unit: ratio, direction: up, windows: [1m], dimension_sets: [[], [device]],
    numerator: views, denominator: total(views), samples: views}
  growth: {type: derived, unit: count, direction: up, windows: [1m], dimension_sets: [[device]],
    numerator: views - previous(views), samples: views}
  kept: {type: ratio, unit: ratio, direction: up, windows: [1m], samples: previous(people),
    numerator: retained(people), denominator: previous(people)}
  pace: {type: ratio, unit: ratio, direction: up, windows: [1m], samples: views,
    numerator: views, denominator: target(daily_views), dimension_sets: [[], [campaign]]}
  wish: {type: ratio, unit: ratio, direction: up, windows: [1m], samples: views,
    numerator: views, denominator: target(wishes)}
  click_cost: {type: ratio, unit: money, direction: down, windows: [1m], numerator: spend,
    denominator: clicks, dimension_sets: [[], [campaign]]}
  reach: {type: derived, unit: count, direction: up, windows: [1m], numerator: level(reach_read),
    samples: level(reach_known), stats: [value, change]}
""".replace("  reach: {events", "  reach_read: {events")
CATALOG = loaded(TEXT)
MICRO = 1_000_000
LEVEL, BEFORE = Slot("", level=True), Slot(PREVIOUS)
Filled = dict[Slot, dict[str, "int | frozenset[int]"]]


def cell(measure: str, **values: str) -> str:
    """Return a cell's name."""
    return cell_name(Cell(measure, "", tuple(values), tuple(values.values())))


def target(kpi: str, **values: str) -> str:
    """Return the values under which a target is kept."""
    held = {name: values.get(name, NONE_VALUE) for name in TARGET_DIMENSIONS[1:]}
    return cell("target_readings", kpi=kpi, **held)


def known(name: str) -> str:
    """Return the cell that says that a target was set."""
    return name.replace("target_readings", "targets_known")


def rows(
    kpi: str, filled: Filled, by: tuple[str, ...] = (), catalog: Catalog = CATALOG
) -> list[Row]:
    """Evaluate a KPI over slots; those that are not named are empty."""
    metric = catalog.metrics[kpi]
    tables = Tables({slot: CellTable.of((filled.get(slot, {}),)) for slot in slots_of(metric)})
    return evaluate(catalog, metric, window("1m"), by, tables, Span(0, 60_000))


def values(found: list[Row], stat: str = "value") -> dict[tuple[str, ...], object]:
    """Return dimension values -> value."""
    return {tuple(row.dimensions.values()): row.value for row in found if row.stat == stat}


def test_a_share_is_of_the_total() -> None:
    """``total`` leaves the row's dimensions out."""
    cells = {cell("views"): 8, cell("views", device="d"): 6, cell("views", device="m"): 2}
    found = rows("share", {WINDOW: cells}, ("device",))
    assert values(found) == {("d",): 0.75, ("m",): 0.25}
    assert values(rows("share", {WINDOW: cells})) == {(): 1.0}


def test_what_was_there_before_has_a_row() -> None:
    """A value that stopped coming is a loss, not nothing."""
    found = rows(
        "growth",
        {WINDOW: {cell("views", device="d"): 6}, BEFORE: {cell("views", device="m"): 2}},
        ("device",),
    )
    assert values(found) == {("d",): 6, ("m",): -2}


def test_members_in_both_windows_are_retained() -> None:
    """Exact below the size of a sketch, whatever else the windows hold."""
    here, before = frozenset(range(5, 20)), frozenset(range(10))
    (row,) = rows("kept", {WINDOW: {cell("people"): here}, BEFORE: {cell("people"): before}})
    assert (row.value, row.numerator, row.denominator, row.samples) == (0.5, 5, 10, 10)
    (row,) = rows("kept", {WINDOW: {cell("people"): here}})
    assert (row.value, row.numerator) == (None, 0)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.05, 0.3, 0.9]))
def test_many_retained_members_are_within_the_stated_error(first: int, share: float) -> None:
    """From k on the error of the shared part shrinks with its size."""
    size = 10 * SKETCH_SIZE
    both = int(size * share)
    one = {hash_int(f"{first + i}") for i in range(size)}
    other = {hash_int(f"{first + size - both + i}") for i in range(size)}
    relative = RELATIVE_STANDARD_ERROR / (both / (2 * size - both)) ** 0.5
    assert abs(shared(one, other) - both) <= 5 * relative * both


def test_a_target_is_the_last_one_set_else_the_catalogues() -> None:
    """What was set for the very values counts; else the parts; else the catalogue's own."""
    cells = {WINDOW: {cell("views"): 10, cell("views", campaign="a"): 10}}
    assert values(rows("pace", cells)) == {(): 0.25}
    of_a, of_b = target("daily_views", campaign="a"), target("daily_views", campaign="b")
    parts = {of_a: 20 * MICRO, known(of_a): 1, of_b: 5 * MICRO, known(of_b): 1}
    assert values(rows("pace", {**cells, LEVEL: parts})) == {(): 0.4}
    found = rows("pace", {**cells, LEVEL: parts}, ("campaign",))
    assert values(found) == {("a",): 0.5, ("b",): 0.0}
    total = target("daily_views")
    found = rows("pace", {**cells, LEVEL: {**parts, total: 100 * MICRO, known(total): 1}})
    assert values(found) == {(): 0.1}


def test_a_target_of_nobody_is_undefined_and_one_of_nothing_is_zero() -> None:
    """No target is not a target of 0; dividing by either gives no value."""
    cells = {WINDOW: {cell("views"): 10}}
    (row,) = rows("wish", cells)
    assert (row.value, row.numerator, row.denominator) == (None, 10, None)
    zero = target("wishes")
    (row,) = rows("wish", {**cells, LEVEL: {known(zero): 1}})
    assert (row.value, row.denominator) == (None, 0)


def test_nothing_reported_is_not_nothing_spent() -> None:
    """Without any report in the window the KPI is undefined; one of 0 makes it 0."""
    clicks = {cell("clicks"): 4, cell("spend", currency="EUR"): 0}
    costs = {**clicks, cell("reports"): 1, cell("spend", currency="EUR"): 6 * MICRO}
    assert values(rows("click_cost", {WINDOW: costs}, ("currency",))) == {("EUR",): "1.50"}
    reported = {**costs}
    del reported[cell("reports")]
    assert values(rows("click_cost", {WINDOW: reported}, ("currency",))) == {("EUR",): None}


def test_change_compares_levels_at_both_ends() -> None:
    """A last reading's change is on the one at the end of the window before."""
    at_end = {cell("reach_read"): 150 * MICRO, cell("reach_known"): 1}
    before = {cell("reach_read"): 100 * MICRO, cell("reach_known"): 1}
    filled = {LEVEL: at_end, Slot(PREVIOUS, level=True): before}
    found = rows("reach", filled)
    assert values(found) == {(): 150}
    assert values(found, "change") == {(): 0.5}
    assert {row.stat: row.unit for row in found} == {"value": "count", "change": "ratio"}


def test_currencies_meet_in_the_reporting_currency() -> None:
    """With rates, clicks paid for in two currencies have one cost; without, none."""
    catalog = loaded(f"{TEXT}\nreporting_currency: EUR\n")
    costs = {
        cell("spend", campaign="a", currency="EUR"): 6 * MICRO,
        cell("spend", campaign="a", currency="USD"): 5 * MICRO,
        cell("clicks", campaign="a"): 4,
        cell("spend", campaign="b", currency="USD"): 3 * MICRO,
        cell("clicks", campaign="b"): 3,
        cell("reports"): 3,
    }
    by = ("campaign", "currency")
    rates = {cell("fx_readings", currency="USD"): 800_000}
    found = rows("click_cost", {WINDOW: costs, LEVEL: rates}, by, catalog)
    assert values(found) == {("a", "EUR"): "2.50", ("a", "USD"): None, ("b", "USD"): "1.00"}
    found = rows("click_cost", {WINDOW: costs}, by, catalog)
    assert values(found) == {("a", "EUR"): None, ("a", "USD"): None, ("b", "USD"): "1.00"}
    assert values(rows("click_cost", {WINDOW: costs}, by)) == values(found)


def test_a_row_of_the_reporting_currency_alone_shows_what_the_others_share() -> None:
    """A row for several currencies, none of them the reporting one, has their clicks beside it."""
    catalog = loaded(f"{TEXT}\nreporting_currency: GBP\n")
    costs = {
        cell("spend", campaign="a", currency="EUR"): 6 * MICRO,
        cell("spend", campaign="a", currency="USD"): 5 * MICRO,
        cell("clicks", campaign="a"): 4,
        cell("reports"): 3,
    }
    rates = {
        cell("fx_readings", currency="USD"): 800_000,
        cell("fx_readings", currency="EUR"): 1_000_000,
    }
    found = rows("click_cost", {WINDOW: costs, LEVEL: rates}, ("campaign", "currency"), catalog)
    assert values(found) == {("a", "EUR"): None, ("a", "GBP"): "2.50", ("a", "USD"): None}
    assert [(row.denominator, row.samples) for row in found] == [(4, 4)] * 3
