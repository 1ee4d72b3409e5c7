"""One panel each: what a KPI's figures look like."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.models.common import BigValueGraphMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    GridPos,
    Threshold,
    ThresholdsMode,
)

from processors import names
from processors.catalog.model import Metric
from streams.dashboards import query
from streams.monitoring.promql import stats_of
from streams.monitoring.rules import RUNBOOK, stale_rule

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="$datasource")
UNITS: Final = {
    "ratio": "percentunit",
    "seconds": "s",
    "count": "short",
    "money": "short",
    "score": "short",
    "position": "none",
}
GOOD, POOR, NEUTRAL = "green", "red", "blue"
TOP: Final = 10
STEP: Final = "step"  # the dimension that makes a KPI a funnel


def target(expression: str, legend: str, *, instant: bool = False) -> prometheus.Dataquery:
    """Return one query of a panel."""
    made = prometheus.Dataquery().expr(expression).legend_format(legend).datasource(SOURCE)
    return made.instant() if instant else made.range()


def at(x: int, y: int, width: int, height: int) -> GridPos:
    """Return a place on the grid of 24 columns."""
    return GridPos(h=height, w=width, x=x, y=y)


def describe(metric: Metric) -> str:
    """Return a panel's description: what it is, its formula, its direction."""
    better = {"up": "Higher is better.", "down": "Lower is better."}.get(metric.direction, "")
    window = query.window_of(metric)
    fixed = "" if window == query.WINDOW else f"Over {window.replace('_', ' ')}."
    return " ".join(
        filter(None, (metric.description, f"Formula: {metric.formula}.", fixed, better))
    )


def thresholds(metric: Metric) -> dashboard.ThresholdsConfig:
    """Return the target's colours: green on its good side."""
    base, past = (POOR, GOOD) if metric.direction == "up" else (GOOD, POOR)
    steps = [Threshold(value=None, color=NEUTRAL)]
    if metric.target:
        steps = [
            Threshold(value=None, color=base),
            Threshold(value=float(metric.target), color=past),
        ]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def runbook() -> dashboard.DashboardLink:
    """Return the link to the runbook."""
    link = dashboard.DashboardLink("Runbook").type(DashboardLinkType.LINK)
    return link.url(RUNBOOK).target_blank(True)


def heading(metric: Metric) -> dashboard.DashboardLink:
    """Return the link to a KPI's first heading in the runbook: its data, before its value."""
    link = dashboard.DashboardLink("Runbook").type(DashboardLinkType.LINK)
    return link.url(f"{RUNBOOK}#{stale_rule(metric).anchor}").target_blank(True)


def headline(metric: Metric, place: GridPos) -> stat.Panel:
    """Return a KPI as one figure with its target's colour and a sparkline."""
    return (
        stat.Panel()
        .title(metric.label)
        .description(describe(metric))
        .links([heading(metric)])
        .datasource(SOURCE)
        .unit(UNITS[metric.unit])
        .thresholds(thresholds(metric))
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("no data")
        .grid_pos(place)
        .with_target(target(query.value(metric), query.legend(metric)))
    )


def change(metric: Metric, place: GridPos) -> stat.Panel:
    """Return what a KPI gained on the window just before."""
    good = metric.direction == "up"
    steps = [
        Threshold(value=None, color=POOR if good else GOOD),
        Threshold(value=0, color=GOOD if good else POOR),
    ]
    colours = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    return (
        stat.Panel()
        .title(f"{metric.label}: change")
        .description("Against the window just before.")
        .datasource(SOURCE)
        .unit("percentunit")
        .decimals(1)
        .thresholds(colours)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("no data")
        .grid_pos(place)
        .with_target(target(query.change(metric), "change"))
    )


def course(metric: Metric, place: GridPos) -> timeseries.Panel:
    """Return a KPI's course with the window before laid over it; each stat of a histogram."""
    panel = (
        timeseries.Panel()
        .title(metric.label)
        .description(describe(metric))
        .links([heading(metric)])
        .datasource(SOURCE)
        .unit(UNITS[metric.unit])
        .thresholds(thresholds(metric))
        .no_value("no data")
        .grid_pos(place)
    )
    stats = stats_of(metric)
    several = len(stats) > 1
    for name in stats:
        said = name if several else query.legend(metric)
        panel = panel.with_target(target(_shown(metric, query.value(metric, stat=name)), said))
    if not query.slides(metric):
        return panel
    before = _shown(metric, query.value(metric, past=query.window_of(metric)))
    return panel.with_target(target(before, f"{query.legend(metric)} before"))


def _shown(metric: Metric, expression: str) -> str:
    """Bound how many lines a KPI without a total has."""
    total = query.first_set(metric) == names.BY_TOTAL
    return expression if total else f"topk({TOP}, {expression})"


def breakdown(metric: Metric, by: str, place: GridPos) -> timeseries.Panel:
    """Return a KPI by the values of one dimension set, the largest ten."""
    expression = f"topk({TOP}, {query.value(metric, by=by)})"
    return (
        timeseries.Panel()
        .title(f"{metric.label} by {by.replace(',', ', ')}")
        .description(describe(metric))
        .datasource(SOURCE)
        .unit(UNITS[metric.unit])
        .no_value("no data")
        .grid_pos(place)
        .with_target(target(expression, query.legend(metric)))
    )


def ranking(metric: Metric, by: str, place: GridPos) -> bargauge.Panel:
    """Return the present top list of one dimension set."""
    expression = f"topk({TOP}, {query.value(metric, by=by)})"
    return (
        bargauge.Panel()
        .title(f"{metric.label}: top {by.replace(',', ', ')}")
        .description(describe(metric))
        .datasource(SOURCE)
        .unit(UNITS[metric.unit])
        .thresholds(thresholds(metric))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("no data")
        .grid_pos(place)
        .with_target(target(expression, query.legend(metric), instant=True))
    )


def funnel(metric: Metric, place: GridPos) -> bargauge.Panel:
    """Return how many came to each step of a funnel, and how many went on from it."""
    entered = target(query.reached(metric, "denominator", STEP), "{{step}}", instant=True)
    passed = target(query.reached(metric, "numerator", STEP), "{{step}}, went on", instant=True)
    return (
        bargauge.Panel()
        .title(f"{metric.label}: funnel")
        .description(f"How many came to each step, and how many went on. {metric.description}")
        .datasource(SOURCE)
        .unit("short")
        .min(0)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("no data")
        .grid_pos(place)
        .with_target(entered)
        .with_target(passed)
    )


def spread(metric: Metric, place: GridPos) -> heatmap.Panel:
    """Return how durations spread, as a heat map of the buckets."""
    made = target(query.distribution(metric), "{{le}}").format("heatmap")  # type: ignore[arg-type]
    return (
        heatmap.Panel()
        .title(f"{metric.label}: distribution")
        .description(f"How many were how long. {metric.description}")
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .datasource(SOURCE)
        .no_value("no data")
        .grid_pos(place)
        .with_target(made)
    )


def sets_of(metric: Metric) -> list[str]:
    """Return the ``by`` labels of a KPI's breakdowns, totals left out."""
    found = [names.by_value(dims) for dims in metric.dimension_sets]
    return [by for by in dict.fromkeys(found) if by != names.BY_TOTAL]
