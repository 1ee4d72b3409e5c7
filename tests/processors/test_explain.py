"""Explanations: every KPI can be said in words and worked through with small numbers."""

from __future__ import annotations

from typing import Any

import pytest

from processors.catalog.operand import WINDOW
from processors.cells import CellTable
from processors.effects import AT_ONCE, LATER, effects_of
from processors.explain import explain, take_apart
from processors.inputs import inputs_of, last_seen_ms, missing_inputs, waiting_for
from processors.reference import reference
from processors.slots import Tables, slots_of
from processors.words import measure_words
from tests.processors.catalog.presets import loaded, presets

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


@pytest.mark.parametrize("kpi", presets().metrics)
def test_every_kpi_is_explained(kpi: str) -> None:
    """Its example is worked out as its value is, and says every leaf."""
    found = explain(presets(), presets().metrics[kpi])
    assert found["events"]
    assert set(found["example"]["parts"]) == set(found["computed"]["reads"])
    assert found["example"]["gives"], found["example"]


def test_a_measure_is_said_in_words() -> None:
    """Filters, bounds in the units of the catalogue, and weights."""
    measures = loaded(
        """
measures:
  large: {events: [purchase], agg: sum, of: value, where: {channel: [web, app], value: {above: 2}}}
  long: {events: [session_ended], agg: count, where: {duration_ms: {at_most: 1m}}}
  score: {events: [social_interaction], agg: count, weights: {interaction: {share: 5}}}
metrics:
  long: {type: simple, unit: count, direction: up, numerator: long, windows: [1m]}
"""
    ).measures
    assert measure_words(measures["large"]) == (
        "sum of value of purchase where channel is web or app and value is at least 2.000001"
    )
    assert measure_words(measures["long"]) == (
        "count of session_ended where duration_ms is at most 1m"
    )
    assert measure_words(measures["score"]) == (
        "count of social_interaction; by interaction, share counts 5, anything else 1"
    )


def test_a_window_is_taken_apart() -> None:
    """Each leaf with its number, amounts in their currency."""
    metric = presets().metrics["cost_per_click"]
    empty = Tables({slot: CellTable() for slot in slots_of(metric)})
    assert [part.figure for part in take_apart(presets(), metric, empty)] == [0, 0]
    name = "ad_spend\x1fcurrency\x1fEUR"
    filled = Tables({WINDOW: CellTable.of(({name: 2_500_000, "ad_clicks\x1f": 4},))})
    assert {p.leaf: p.figure for p in take_apart(presets(), metric, filled)} == {
        "ad_spend": "2.50",
        "ad_clicks": 4,
    }


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """Return an event as it is published."""
    return {"event_id": kind, "type": kind, "ts": NOW_MS, "visitor_id": "v", **fields}


def test_effects_of_an_event_are_told_apart_by_when() -> None:
    """A cart counts when it times out, a session when it starts."""
    found = effects_of(presets(), [event("add_to_cart", value="5", currency="EUR")], NOW_MS)
    when = {(e.kpi, e.when): {p.leaf: p.figure for p in e.parts} for e in found.effects}
    assert when["sessions", AT_ONCE] == {"sessions_started": 1}
    assert when["abandoned_cart_value", LATER] == {"abandoned_value": "5.00", "carts_abandoned": 1}
    assert ("abandoned_cart_value", AT_ONCE) not in when
    assert found.rejections == []


def test_effects_of_events_together_and_dead_letters_by_position() -> None:
    """Events of one key meet; what is invalid changes nothing and is named."""
    bought = event("purchase", order_id="o", value=5, currency="EUR")
    events = [event("add_to_cart"), event("nonsense"), {**bought, "ts": NOW_MS + 60_000}]
    found = effects_of(presets(), events, NOW_MS)
    carts = [e for e in found.effects if e.kpi == "cart_abandonment_rate"]
    assert [(e.when, [(p.leaf, p.figure) for p in e.parts]) for e in carts] == [
        (AT_ONCE, [("carts_closed", 1)])
    ]
    assert [(at, r.reason) for at, r in found.rejections] == [(1, "unknown_type")]


def test_effects_reach_the_customer_a_purchase_is_passed_on_to() -> None:
    """Two visitors of one customer: who joins once, and is worth both purchases less the refund."""
    money = {"customer_id": "c", "currency": "EUR"}
    events = [
        event("purchase", order_id="o1", value=5, **money),
        event("purchase", order_id="o2", value=7, **money)
        | {"visitor_id": "w", "event_id": "2", "ts": NOW_MS + 1},
        event("refund", order_id="o1", value=2, **money) | {"ts": NOW_MS + 2},
    ]
    found = effects_of(presets(), events, NOW_MS)
    gains = {(e.kpi, e.when): {p.leaf: p.figure for p in e.parts} for e in found.effects}
    assert gains["new_customers", AT_ONCE] == {"customers_joined": 1}
    assert gains["customer_lifetime_value", AT_ONCE] == {
        "level(customers_spent)": "10.00",
        "level(customers_joined)": 1,
    }
    assert gains["new_customer_value", AT_ONCE]["joiners_spent"] == "10.00"


def test_effects_reach_the_visitor_whom_a_backend_s_purchase_is_handed_over_to() -> None:
    """With its login, before it or after it, it converts the visit; without, nobody can tell."""
    view = event("page_view")
    login = event("identify", customer_id="c") | {"event_id": "2"}
    bought = event("purchase", customer_id="c", order_id="o", value=5, currency="EUR")
    bought |= {"event_id": "3", "visitor_id": None, "ts": NOW_MS + 1}
    for events in ([view, login, bought], [bought, view, login]):
        found = effects_of(presets(), events, NOW_MS)
        gains = {(e.kpi, e.when): {p.leaf: p.figure for p in e.parts} for e in found.effects}
        assert gains["conversion_rate", AT_ONCE] == {"sessions_converted": 1, "sessions_started": 1}
        assert gains["orders", AT_ONCE] == {"orders_placed": 1}
        assert found.unlinked == []
    alone = effects_of(presets(), [view, bought], NOW_MS)
    assert alone.unlinked == [1]
    (conversion,) = [e for e in alone.effects if (e.kpi, e.when) == ("conversion_rate", AT_ONCE)]
    assert [(p.leaf, p.figure) for p in conversion.parts] == [("sessions_started", 1)]


def test_what_is_missing_is_said_with_its_age() -> None:
    """``waiting for ad_cost, last seen 26 h ago``."""
    seen_ms = last_seen_ms([{"seen:ad_cost": 5, "events": 9}, {"seen:ad_cost": NOW_MS}])
    assert seen_ms == {"ad_cost": NOW_MS}
    text = waiting_for("ad_cost", seen_ms, NOW_MS + 26 * HOUR_MS)
    assert text == "waiting for ad_cost, last seen 26 h ago"
    assert waiting_for("expense", seen_ms, NOW_MS) == "waiting for expense, never seen"
    either = waiting_for("ad_cost or marketing_cost", seen_ms, NOW_MS + 59_000)
    assert either == "waiting for ad_cost or marketing_cost, last seen 59 s ago"


@pytest.mark.parametrize(
    ("kpi", "missing"),
    [
        ("cost_per_click", ("ad_cost",)),
        ("cost_per_lead", ("ad_cost or marketing_cost",)),
        ("profit_margin", ("purchase_cost", "expense")),
        ("account_balance", ("balance",)),
        ("campaign_goal_attainment", ("target_set planned_conversions",)),
        ("visitor_goal_pacing", ()),
        ("revenue", ()),
    ],
)
def test_kpis_wait_for_their_inputs(kpi: str, missing: tuple[str, ...]) -> None:
    """Costs, readings and targets that nobody has set; not what the catalogue has itself."""
    metric = presets().metrics[kpi]
    empty = Tables({slot: CellTable() for slot in slots_of(metric)})
    assert missing_inputs(presets(), metric, empty) == missing
    assert bool(inputs_of(presets(), metric)) == bool(missing)


def test_the_reference_has_a_heading_for_every_kpi() -> None:
    """Marked as generated, one entry a KPI."""
    text = reference(presets())
    assert "DO NOT EDIT" in text
    for kpi in presets().metrics:
        assert text.count(f"\n### {kpi}\n") == 1
