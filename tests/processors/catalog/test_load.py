"""Loading: merging by id, completing what an entry leaves out, and only storing what is read."""

from __future__ import annotations

import pytest

from processors.catalog.load import check_catalog, load_catalog
from processors.catalog.model import Aggregation, Defaults, MetricType, window
from processors.catalog.requirements import measures_of, topics_of, window_rungs
from processors.ladder import Ladder
from tests.processors.catalog.presets import loaded, presets, sources

SPEND = """
family: ads
measures:
  spend: {events: [ad_cost], agg: sum, of: value}
  clicks: {events: [ad_click], agg: count}
  shows: {events: [ad_impression], agg: count}
metrics:
  ad_spend:
    {type: simple, unit: money, direction: none, numerator: spend, samples: clicks, windows: [1d]}
  cost_per_click:
    type: derived
    unit: money
    direction: down
    numerator: ad_spend
    denominator: clicks
    dimension_sets: [[], [campaign]]
    windows: [5m, 1h]
  cost_per_thousand:
    type: derived
    unit: money
    direction: down
    numerator: 1000 * ad_spend
    denominator: shows
    windows: [1h]
  twice:
    type: derived
    unit: money
    direction: down
    numerator: 2 * cost_per_click - 1.5 * ad_spend
    samples: clicks
    windows: [1h]
"""


def test_the_presets_are_right() -> None:
    """The KPIs that ship have no fault."""
    assert check_catalog(sources()) == []


@pytest.mark.parametrize(
    ("kpi", "unit", "direction", "windows"),
    [
        ("click_through_rate", "ratio", "up", "1m 5m 1h 1d"),
        ("conversion_rate", "ratio", "up", "1m 5m 15m 1h 1d"),
        ("cart_abandonment_rate", "ratio", "down", "1m 5m 15m 1h 1d"),
        ("first_response_time", "seconds", "down", "1m 5m 15m 1h 1d"),
        ("page_views", "count", "up", "1m 5m 15m 1h 1d"),
        ("unique_visitors", "count", "up", "1m 5m 15m 1h 1d"),
        ("sessions", "count", "up", "1m 5m 15m 1h 1d"),
        (
            "orders",
            "count",
            "up",
            "5m 1h 1d day_to_date month_to_date quarter_to_date year_to_date",
        ),
        (
            "revenue",
            "money",
            "up",
            "5m 1h 1d day_to_date month_to_date quarter_to_date year_to_date",
        ),
        ("time_to_resolution", "seconds", "down", "15m 1h 1d"),
    ],
)
def test_the_main_kpis_are_there(kpi: str, unit: str, direction: str, windows: str) -> None:
    """Each KPI of the main job has its unit, direction and windows, a label and a description."""
    metric = presets().metrics[kpi]
    assert (metric.unit, metric.direction) == (unit, direction)
    assert " ".join(w.name for w in metric.windows) == windows
    assert metric.label
    assert metric.description.endswith(".")
    assert () in metric.dimension_sets or ("currency",) in metric.dimension_sets


def test_the_headline_kpis_have_targets_and_alerts() -> None:
    """What is shown first says what is good and when somebody is called."""
    headlines = [metric for metric in presets().metrics.values() if metric.headline]
    assert {metric.id for metric in headlines} == {
        "click_through_rate",
        "conversion_rate",
        "cart_abandonment_rate",
        "first_response_time",
    }
    assert all(metric.target and metric.alerts for metric in headlines)


def test_a_later_document_overrides_single_fields() -> None:
    """A user's file changes a preset's target and leaves the rest, family and place included."""
    mine = "family: mine\nmetrics:\n  conversion_rate: {target: 0.050, headline: false}\n"
    changed = load_catalog([*sources(), ("mine.yaml", mine)]).metrics["conversion_rate"]
    preset = presets().metrics["conversion_rate"]
    assert (changed.target, changed.headline) == ("0.05", False)
    assert changed.windows == preset.windows
    assert (changed.family, changed.file, changed.line) == ("site", preset.file, preset.line)


def test_a_field_without_a_value_is_taken_away() -> None:
    """``alerts:`` alone silences a preset."""
    mine = "metrics:\n  conversion_rate:\n    alerts:\n"
    assert load_catalog([*sources(), ("m.yaml", mine)]).metrics["conversion_rate"].alerts == ()


def test_a_kpi_can_be_switched_off() -> None:
    """What is not enabled is not shown, and nothing is stored for it alone."""
    mine = "metrics:\n  time_to_resolution: {enabled: false}\n"
    catalog = load_catalog([*sources(), ("m.yaml", mine)])
    assert "time_to_resolution" not in catalog.metrics
    assert "resolution_times" in presets().requirements
    assert "resolution_times" not in catalog.requirements


def test_what_an_entry_leaves_out_is_completed() -> None:
    """Label, description, formula, family, samples and stats have sensible defaults."""
    metric = load_catalog([("shop/own.yaml", SPEND.replace("family: ads", ""))]).metrics[
        "cost_per_click"
    ]
    assert metric.label == "Cost per click"
    assert metric.description == "Cost per click."
    assert metric.formula == "ad_spend / clicks"
    assert metric.family == "own"
    assert metric.samples == "clicks"
    assert metric.stats == ("value",)
    assert metric.type is MetricType.DERIVED


def test_metrics_are_written_out_down_to_measures() -> None:
    """An expression over metrics is loaded as the same expression over measures."""
    metrics = loaded(SPEND).metrics
    assert metrics["cost_per_click"].numerator == "spend"
    assert metrics["cost_per_thousand"].numerator == "1000 * spend"
    assert metrics["twice"].numerator == "2 * (spend / clicks) - 1.5 * spend"
    assert measures_of(metrics["twice"]) == ("spend", "clicks", "spend_arrived")


def test_money_is_by_currency() -> None:
    """Currency is appended to every set of a KPI of money; clicks, which have none, go without."""
    catalog = loaded(SPEND)
    assert catalog.metrics["cost_per_click"].dimension_sets == (
        ("currency",),
        ("campaign", "currency"),
    )
    required = catalog.requirements
    assert required["spend"].dimension_sets == (("currency",), ("campaign", "currency"))
    assert required["clicks"].dimension_sets == ((), ("campaign",))


def test_only_what_is_read_is_stored() -> None:
    """A measure is kept in the rungs of the windows that read it, and in no other."""
    required = loaded(SPEND).requirements
    assert required["clicks"].rungs == ("10s", "1m", "1h")
    assert required["shows"].rungs == ("1m",)
    required = presets().requirements
    assert required["orders_placed"].rungs == ("10s", "1m", "1h", "1d")
    assert required["resolution_times"].rungs == ("10s", "1m", "1h")


@pytest.mark.parametrize(
    ("name", "rungs"),
    [
        ("1m", ("10s",)),
        ("5m", ("10s",)),
        ("15m", ("10s", "1m")),
        ("1h", ("1m",)),
        ("6h", ("1m",)),
        ("12h", ("1m", "1h")),
        ("1d", ("1m", "1h")),
        ("7d", ("1h",)),
        ("30d", ("1h", "1d")),
        ("90d", ("1h", "1d")),
        ("month_to_date", ("1d",)),
    ],
)
def test_long_windows_read_coarse_panes_too(name: str, rungs: tuple[str, ...]) -> None:
    """A window reads its own rung, and coarser ones of which it spans twelve panes."""
    assert window_rungs(window(name), Ladder()) == rungs


def test_a_final_value_waits_for_every_topic_it_reads() -> None:
    """A rate over clicks and impressions follows both topics."""
    catalog = presets()
    read = topics_of(catalog.metrics["click_through_rate"], catalog.measures)
    assert read == {"tracking.visitor", "tracking.ads"}
    read = topics_of(catalog.metrics["time_to_resolution"], catalog.measures)
    assert read == {"tracking.support"}


def test_times_can_be_overridden() -> None:
    """Durations are written as people do, and only what is named changes."""
    catalog = loaded("defaults: {session_gap: 45m, dimension_values_max: 50}\n")
    assert catalog.defaults == Defaults(session_gap_ms=2_700_000, dimension_values_max=50)


def test_the_zone_is_the_callers_before_the_catalogues() -> None:
    """Days are cut where the setting says, else where the catalogue says, else in UTC."""
    assert loaded("zone: Asia/Kolkata\n").ladder.zone == "Asia/Kolkata"
    assert loaded("zone: Asia/Kolkata\n", zone="Europe/Berlin").ladder.zone == "Europe/Berlin"
    assert loaded("").ladder.zone == "UTC"


def test_a_filter_is_kept_as_it_is_written() -> None:
    """YAML's own ideas of ``no`` and ``1.0`` do not reach a filter."""
    text = """
measures:
  a: {events: [lead_status], agg: count, where: {status: [won, lost], source: no}}
"""
    measure = loaded(text).measures["a"]
    assert measure.agg is Aggregation.COUNT
    assert measure.where == (("status", ("won", "lost")), ("source", ("no",)))


def test_an_empty_catalogue_is_a_catalogue() -> None:
    """No KPI is no fault."""
    assert loaded("").metrics == {}
    assert loaded("# nothing yet\n").requirements == {}
