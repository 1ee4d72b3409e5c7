"""The dashboards: an overview, one a family, and the pipeline's health."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from string import ascii_uppercase
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption

from processors import names
from processors.catalog.model import Aggregation, Catalog, Metric
from streams.dashboards import panels, query
from streams.monitoring.promql import counted, total
from streams.monitoring.rules import RUNBOOK

REFRESH: Final = "10s"
_WINDOW_DEFAULT: Final = "1h"
_KEPT: Final = f"({names.WORKER_LAG} + {names.WORKER_OFFSET} - {names.WORKER_LOG_START} > 0)"
_HEALTH: Final = (
    (
        "Events a second",
        "Events that count: valid, and not seen before.",
        counted(names.PIPELINE_EVENTS, "rate", "1m", "topic"),
        "{{topic}}",
        "ops",
    ),
    (
        "Lag",
        "Records in Kafka that are not counted yet.",
        total(names.WORKER_LAG, "topic"),
        "{{topic}}",
        "short",
    ),
    (
        "Share of what Kafka keeps that is not counted yet",
        "Near 1, Kafka is about to delete what nobody has counted.",
        f"max by (topic, partition) ({names.WORKER_LAG} / {_KEPT})",
        "{{topic}}/{{partition}}",
        "percentunit",
    ),
    (
        "Watermark delay",
        "How far final values lie back: wall time less the watermark.",
        f"max by (topic, partition) ({names.PIPELINE_WATERMARK_DELAY})",
        "{{topic}}/{{partition}}",
        "s",
    ),
    (
        "Checkpoint age",
        "Time since a partition's figures were last stored.",
        f"max by (topic, partition) ({names.PIPELINE_CHECKPOINT_AGE})",
        "{{topic}}/{{partition}}",
        "s",
    ),
    (
        "Dead letters a second by reason",
        "Records that break the contract; kpi dead-letters list shows them.",
        counted(names.PIPELINE_REJECTED, "rate", "5m", "reason"),
        "{{reason}}",
        "ops",
    ),
    (
        "Late events a second",
        "Events behind the watermark; they are counted all the same.",
        counted(names.PIPELINE_LATE, "rate", "5m", "topic"),
        "{{topic}}",
        "ops",
    ),
    (
        "Too late for keyed figures, a second",
        "Events that only plain counts still take.",
        counted(names.PIPELINE_LATE_UNKEYED, "rate", "5m", "topic"),
        "{{topic}}",
        "ops",
    ),
    (
        "Duplicates a second",
        "Events whose event_id was seen before; they count once.",
        counted(names.PIPELINE_DUPLICATES, "rate", "5m", "topic"),
        "{{topic}}",
        "ops",
    ),
    (
        "Checkpoint time",
        "How long the last checkpoint took to write.",
        f"max by (topic, partition) ({names.WORKER_CHECKPOINT_SECONDS})",
        "{{topic}}/{{partition}}",
        "s",
    ),
    (
        "Partitions held, stalled or stopped",
        "Held: a service is away. Stalled: no progress. Stopped: a person must decide.",
        total(
            f"{names.WORKER_STOPPED} + {names.WORKER_STALLED} + ({names.WORKER_HELD} > bool 0)",
            "topic",
        ),
        "{{topic}}",
        "short",
    ),
    (
        "Age of each KPI's figures",
        "Wall time less the event time that the slowest partition has reached.",
        f"min by (kpi) ({names.KPI_FRESHNESS})",
        "{{kpi}}",
        "s",
    ),
    (
        "Beyond the budget of dimension values, a second",
        "Figures counted under __other__; totals are exact.",
        counted(names.PIPELINE_OVERFLOW, "rate", "5m", "topic"),
        "{{topic}}",
        "ops",
    ),
)


def dashboards(catalog: Catalog) -> dict[str, str]:
    """Return uid -> JSON of every dashboard."""
    families: dict[str, list[Metric]] = {}
    for metric in catalog.metrics.values():
        families.setdefault(metric.family, []).append(metric)
    boards = {"kpi-overview": overview(catalog), "kpi-pipeline": health()}
    for family, metrics in families.items():
        boards[f"kpi-{family}"] = family_board(catalog, family, metrics)
    texts = {uid: _encode(board.uid(uid)) for uid, board in boards.items()}
    return {uid: text.replace(f'"{RUNBOOK}', f'"{catalog.runbook}') for uid, text in texts.items()}


def _encode(board: dashboard.Dashboard) -> str:
    """Return a dashboard's JSON, its panels numbered: Grafana links to them by number."""
    made = board.build()
    for number, panel in enumerate(made.panels or [], start=1):
        panel.id_val = number
        for letter, target in zip(
            ascii_uppercase, getattr(panel, "targets", None) or [], strict=False
        ):
            target.ref_id = letter
    text = JSONEncoder(sort_keys=True, indent=2).encode(made)
    content: dict[str, Any] = json.loads(text)
    content.pop("style", None)  # of Grafana before 10; the builder writes it
    for annotation in content["annotations"]["list"]:
        if "expr" in annotation:  # fields of the data source, which the builder does not know
            annotation |= {"titleFormat": "{{alertname}}", "tagKeys": "severity,kpi", "step": "60s"}
    for variable in content["templating"]["list"]:
        for field in ("auto", "auto_count", "auto_min", "id"):  # not of these; the builder's own
            variable.pop(field, None)
    for panel in content["panels"]:
        if panel.get("options", {}) is None:
            del panel["options"]
        if panel["type"] == "heatmap":  # the builder writes Grafana 10's form
            panel["options"]["tooltip"] = {"mode": "single", "yHistogram": False}
    return json.dumps(content, sort_keys=True, indent=2) + "\n"


def overview(catalog: Catalog) -> dashboard.Dashboard:
    """Return the headline KPIs: figure, target's colour, sparkline, change."""
    headlines = [m for m in catalog.metrics.values() if m.headline]
    board = _board("KPI overview", "What matters most, at a glance.", headlines)
    for number, metric in enumerate(headlines):
        x, y = 6 * (number % 4), 8 * (number // 4)
        board = board.with_panel(panels.headline(metric, panels.at(x, y, 6, 5)))
        if query.slides(metric):
            board = board.with_panel(panels.change(metric, panels.at(x, y + 5, 6, 3)))
    top = 8 * ((len(headlines) + 3) // 4)
    for number, metric in enumerate(headlines):
        place = panels.at(12 * (number % 2), top + 9 * (number // 2), 12, 9)
        board = board.with_panel(panels.course(metric, place))
    return board


def family_board(catalog: Catalog, family: str, metrics: list[Metric]) -> dashboard.Dashboard:
    """Return a family: each KPI's course, breakdown, top list and distribution."""
    board = _board(f"KPI {family}", f"Every KPI of the family {family}.", metrics, family)
    by = list(dict.fromkeys(b for m in metrics for b in panels.sets_of(m)))
    if by:
        board = board.with_variable(_choice("by", "Breakdown", by, by[0]))
    y = 0
    for metric in metrics:
        board = board.with_row(dashboard.Row(metric.label).grid_pos(panels.at(0, y, 24, 1)))
        making: list[Callable[..., Any]] = [panels.course]
        if panels.sets_of(metric):
            making += [partial(panels.breakdown, by="$by"), partial(panels.ranking, by="$by")]
        if panels.STEP in panels.sets_of(metric):
            making.append(panels.funnel)
        if _is_histogram(catalog, metric):
            making.append(panels.spread)
        width = 24 // len(making)
        shown = [
            make(metric, place=panels.at(width * number, y + 1, width, 9))
            for number, make in enumerate(making)
        ]
        for panel in shown:
            board = board.with_panel(panel)
        y += 10
    return board


def health() -> dashboard.Dashboard:
    """Return the pipeline's own health."""
    board = _base("KPI pipeline", "Throughput, lag, delays, dead letters and the workers' state.")
    board = board.annotation(_alerts('kind="pipeline"'))
    for number, (title, said, expression, legend, unit) in enumerate(_HEALTH):
        panel = (
            timeseries.Panel()
            .title(title)
            .description(said)
            .datasource(panels.SOURCE)
            .unit(unit)
            .min(0)
            .no_value("no data")
            .grid_pos(panels.at(8 * (number % 3), 8 * (number // 3), 8, 8))
            .with_target(panels.target(expression, legend))
        )
        board = board.with_panel(panel)
    return board


def _is_histogram(catalog: Catalog, metric: Metric) -> bool:
    measure = catalog.measures.get(metric.numerator)
    return measure is not None and measure.agg is Aggregation.HISTOGRAM


def _board(
    title: str, description: str, metrics: list[Metric], family: str = ""
) -> dashboard.Dashboard:
    windows, default = _windows(metrics)
    board = _base(title, description)
    return board.with_variable(_choice("window", "Window", windows, default)).annotation(
        _alerts(f'family="{family}"' if family else 'kind!="pipeline", severity="critical"')
    )


def _windows(metrics: list[Metric]) -> tuple[list[str], str]:
    """Return the windows that some KPIs can be picked in, and the one that is shown at first.

    That is the usual one if every KPI has it, else one that most have: panels of the others are
    empty until another is picked.
    """
    choosing = [m for m in metrics if query.window_of(m) == query.WINDOW]
    sizes = {w.name: w.size_ms for m in choosing for w in m.windows if not w.calendar}
    having = Counter(w.name for m in choosing for w in m.windows if not w.calendar)
    windows = sorted(sizes, key=sizes.__getitem__) or [_WINDOW_DEFAULT]
    most = max(having.values(), default=0)
    shared = [name for name in windows if having[name] == most]
    return windows, _WINDOW_DEFAULT if _WINDOW_DEFAULT in shared else shared[0]


def _alerts(matchers: str) -> dashboard.AnnotationQuery:
    """Return when alerts fired."""
    return (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .datasource(panels.SOURCE)
        .enable(True)
        .icon_color("red")
        .expr(f'max by (alertname, severity, kpi) (ALERTS{{alertstate="firing", {matchers}}})')
    )


def _base(title: str, description: str) -> dashboard.Dashboard:
    return (
        dashboard.Dashboard(title)
        .description(description)
        .tags(["kpi-streams"])
        .readonly()
        .refresh(REFRESH)
        .time("now-3h", "now")
        .timezone("browser")
        .link(panels.runbook())
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
        )
        .annotation(_deployments())
    )


def _deployments() -> dashboard.AnnotationQuery:
    """Return what `kpi grafana annotate` marks."""
    wanted: Any = {"limit": 100, "matchAny": True, "tags": ["kpi-streams"], "type": "tags"}
    source = DataSourceRef(type_val="grafana", uid="-- Grafana --")
    made = dashboard.AnnotationQuery().name("Deployments and campaigns").datasource(source)
    target: Any = dashboard.AnnotationTarget()
    for name, value in wanted.items():
        target = getattr(target, {"matchAny": "match_any", "type": "type"}.get(name, name))(value)
    return made.enable(True).icon_color("blue").target(target)


def _choice(name: str, label: str, values: list[str], default: str) -> dashboard.CustomVariable:
    # A comma separates the values of a custom variable, so one inside a value is escaped.
    options = [VariableOption(selected=v == default, text=v, value=v) for v in values]
    return (
        dashboard.CustomVariable(name)
        .label(label)
        .values(",".join(v.replace(",", "\\,") for v in values))
        .options(options)
        .current(VariableOption(selected=True, text=default, value=default))
    )
