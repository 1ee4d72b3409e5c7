"""Alert rules of every KPI, from the catalogue's thresholds on final values.

A value alert says that the business is broken; it is silent while the data is: a KPI whose figures
are stale, or only just recovered, has another alert, and inhibits this one. Bounds, minimum sample
counts and ``for`` keep three impressions from paging anybody. What is undefined has no series, so
it cannot fire.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from processors import names
from processors.catalog.model import CHANGE, Alert, Catalog, Metric
from streams.monitoring import promql

STALE_S: Final = 300
RECOVERY: Final = "10m"
WEEK: Final = "1w"
VALUE: Final = '{{ $value | printf "%.4g" }}'  # a form that the rule tests can work out
RUNBOOK: Final = "deploy/runbook.md"
_LABEL: Final = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
BUSINESS, DATA, PIPELINE = "business", "data", "pipeline"


@dataclass(frozen=True)
class Rule:
    """One alert rule; ``kind`` is business, data or pipeline, and routes it."""

    name: str
    expression: str
    for_: str
    severity: str
    kind: str
    family: str
    summary: str
    description: str
    kpi: str = ""
    advice: tuple[str, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        """The rule's labels."""
        labels = {"severity": self.severity, "kind": self.kind, "family": self.family}
        return labels | ({names.LABEL_KPI: self.kpi} if self.kpi else {}) | self.extra

    def annotations(self) -> dict[str, str]:
        """Return the rule's annotations, as templates."""
        return {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{RUNBOOK}#{self.anchor}",
        }

    def alerted(self, labels: Mapping[str, str], value: float) -> dict[str, object]:
        """Return the alert that promtool must see for a value under the series' labels."""
        known = self.labels | dict(labels)

        def rendered(text: str) -> str:
            text = text.replace(VALUE, f"{value:.4g}")
            return _LABEL.sub(lambda found: known[found[1]], text)

        texts = {name: rendered(text) for name, text in self.annotations().items()}
        return {"exp_labels": known, "exp_annotations": texts}

    @property
    def anchor(self) -> str:
        """The heading's anchor in the runbook."""
        return self.name.lower()

    def as_yaml(self) -> dict[str, object]:
        """Return the rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.for_,
            "labels": self.labels,
            "annotations": self.annotations(),
        }


def camel(text: str) -> str:
    """Write ``click_through_rate`` as ``ClickThroughRate``."""
    return "".join(part.capitalize() for part in text.split("_"))


def alert_name(metric: Metric, alert: Alert) -> str:
    """Return a value alert's name: KPI, direction, window and severity make it unique."""
    by = "".join(camel(d) for d in alert.by)
    stat = "" if alert.stat == "value" else camel(alert.stat)
    direction = {"above": "High", "below": "Low", "drop": "Dropped", "rise": "Rose"}[alert.op]
    return f"{camel(metric.id)}{stat}{direction}{by}{camel(alert.window)}{camel(alert.severity)}"


def value_rule(catalog: Catalog, metric: Metric, alert: Alert) -> Rule:
    """Return the rule of one threshold."""
    name = alert_name(metric, alert)
    stat = "" if alert.stat == "value" else f" ({alert.stat})"
    where = f" by {', '.join(alert.by)}" if alert.by else ""
    said = {
        "above": f"above {alert.threshold}",
        "below": f"below {alert.threshold}",
        "drop": f"less than {alert.threshold} of the same time last week",
        "rise": f"more than {alert.threshold} times the same time last week",
    }[alert.op]
    return Rule(
        name=name,
        expression=guarded(metric, alert, condition(catalog, metric, alert)),
        for_=alert.for_,
        severity=alert.severity,
        kind=BUSINESS,
        family=metric.family,
        kpi=metric.id,
        summary=f"{metric.label}{stat} over {alert.window}{where} is {said}",
        description=f"{metric.description} Now {VALUE}, {said}.",
        advice=(
            f"Formula: {metric.formula}.",
            f"`kpi catalog explain {metric.id}` takes it apart.",
        ),
    )


def condition(catalog: Catalog, metric: Metric, alert: Alert) -> str:
    """Return the comparison, with a confidence bound where the KPI is a share of counts."""
    value = promql.value(metric, alert)
    if alert.op in ("drop", "rise"):
        sign = "<" if alert.op == "drop" else ">"
        return f"{value} {sign} {alert.threshold} * {promql.value(metric, alert, WEEK)}"
    sign = ">" if alert.op == "above" else "<"
    if promql.is_proportion(catalog, metric) and alert.stat != CHANGE:
        bound = promql.wilson_bound(
            value,
            promql.companion(metric, alert, "denominator"),
            promql.CONFIDENCE_Z[alert.severity],
            upper=alert.op == "below",
        )
        return f"({value} {sign} {alert.threshold}) and ({bound} {sign} {alert.threshold})"
    return f"{value} {sign} {alert.threshold}"


def guarded(metric: Metric, alert: Alert, condition: str) -> str:
    """Return a condition with its minimum of samples, silent while the data is broken."""
    expression = f"({condition})"
    if alert.samples_min > 0:
        past = WEEK if alert.op in ("drop", "rise") else ""
        samples = promql.companion(metric, alert, "samples", past)
        expression += f" and ({samples} >= {alert.samples_min})"
    return f"{expression} unless on () ({lately(metric)} > {STALE_S})"


def freshness(metric: Metric) -> str:
    """Return the age (s) of a KPI's figures, of the freshest exporter."""
    series = promql.selector(names.KPI_FRESHNESS, {names.LABEL_KPI: metric.id})
    return f"min without ({', '.join(promql.REPLICA_LABELS)}) ({series})"


def lately(metric: Metric) -> str:
    """Return the greatest age (s) that a KPI's figures had while the last ones came in.

    After an outage windows fill and baselines move for a while: they are not judged at once.
    """
    return f"max_over_time(({freshness(metric)})[{RECOVERY}:1m])"


def stale_rule(metric: Metric) -> Rule:
    """Return the rule that says that a KPI's data, not its value, is broken."""
    return Rule(
        name=f"{camel(metric.id)}Stale",
        expression=f"{freshness(metric)} > {STALE_S}",
        for_="2m",
        severity="critical" if metric.headline else "warning",
        kind=DATA,
        family=metric.family,
        kpi=metric.id,
        summary=f"{metric.label} is stale: its figures are {VALUE} s old",
        description=(
            "Events are not reaching the tables, or a partition lags. The KPI's value alerts are "
            f"silent until {RECOVERY} after this one ends."
        ),
        advice=(
            "`kpi doctor` names what is away; the pipeline dashboard shows what is behind.",
            "Nothing is lost while Kafka keeps the events: the worker goes on from its checkpoint.",
        ),
    )


def invariant_rule(metric: Metric) -> Rule:
    """Return the rule that a share's part is no larger than its whole."""
    alert = Alert("warning", "above", "1", "1h", samples_min=0)
    part = promql.companion(metric, alert, "numerator")
    whole = promql.companion(metric, alert, "denominator")
    return Rule(
        name=f"{camel(metric.id)}Impossible",
        expression=f"{part} > {whole} and {whole} >= 100",
        for_="30m",
        severity="warning",
        kind=DATA,
        family=metric.family,
        kpi=metric.id,
        summary=f"{metric.label}: the part is larger than the whole",
        description=f"{metric.formula}: above 1 for half an hour.",
        advice=(
            "A producer publishes one side twice, or has stopped publishing the other.",
            "`kpi dead-letters list` shows whether one side is being rejected.",
        ),
    )


def kpi_rules(catalog: Catalog) -> Iterator[Rule]:
    """Yield every KPI's rules, in the catalogue's order."""
    for metric in catalog.metrics.values():
        for alert in metric.alerts:
            yield value_rule(catalog, metric, alert)
        yield stale_rule(metric)
        if promql.is_proportion(catalog, metric) and any(w.name == "1h" for w in metric.windows):
            yield invariant_rule(metric)
