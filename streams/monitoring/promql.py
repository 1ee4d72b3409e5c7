"""PromQL pieces that every rule is made of.

Series of several exporters are the same figures twice, so every read takes the largest of them
(``max without``) and never a sum. For the final values that alerts watch, recording rules do so,
once for all alerts: ``kpi:<series>:max``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from processors import names
from processors.catalog.model import CHANGE, Alert, Catalog, Metric, MetricType

RECORDED: Final = re.compile(r"kpi:(\w+):max(\{[^}]*\})")
REPLICA_LABELS: Final = ("instance", "job", "pod", "container", "endpoint", "namespace", "service")
# two-sided 95 % and 99 %
CONFIDENCE_Z: Final = {"info": 1.96, "warning": 1.96, "critical": 2.576}


def selector(name: str, labels: Mapping[str, str]) -> str:
    """Write ``name{label="value"}``."""
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inside}}}"


def once(series: str, *more: str, past: str = "") -> str:
    """Read a series once, however many exporters serve it; ``past`` is how long ago."""
    offset = f" offset {past}" if past else ""
    return f"max without ({', '.join((*REPLICA_LABELS, *more))}) ({series}{offset})"


def recorded(name: str, labels: Mapping[str, str], past: str = "") -> str:
    """Read what a recording rule keeps of a series; ``past`` is how long ago."""
    series = selector(f"kpi:{name.removeprefix('kpi_')}:max", labels)
    series += f" offset {past}" if past else ""
    return f"max without ({names.LABEL_STAT}) ({series})" if names.LABEL_STAT in labels else series


def recordings(expressions: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return (name, labels) -> expression of every recorded series that expressions read."""
    found: dict[tuple[str, str], str] = {}
    for expression in expressions:
        for name, labels in RECORDED.findall(expression):
            dropped = () if f"{names.LABEL_STAT}=" in labels else (names.LABEL_STAT,)
            found[f"kpi:{name}:max", labels] = once(f"kpi_{name}{labels}", *dropped)
    return found


def total(series: str, by: str) -> str:
    """Add a series up by labels, each of its parts once, however many processes serve it."""
    return f"sum by ({by}) ({once(series)})"


def counted(name: str, function: str, duration: str, by: str) -> str:
    """Add up what a counter gained: ``rate`` or ``increase`` over a duration, by labels."""
    return total(f"{function}({name}[{duration}])", by)


def labels_of(alert: Alert) -> dict[str, str]:
    """Return the labels that choose an alert's series, but for the stat."""
    return {names.LABEL_WINDOW: alert.window, names.LABEL_BY: names.by_value(alert.by)}


def stats_of(metric: Metric) -> tuple[str, ...]:
    """Return the stats that are series of the KPI's own name; ``change`` has one of its own."""
    return tuple(stat for stat in metric.stats if stat != CHANGE)


def stat_labels(metric: Metric, stat: str) -> dict[str, str]:
    """Return the label that chooses a stat: none where there is only one."""
    stats = stats_of(metric)
    return {names.LABEL_STAT: stats[0] if stat == "value" else stat} if len(stats) > 1 else {}


def watched_name(metric: Metric, alert: Alert) -> str:
    """Return the name of the final series that an alert watches."""
    if alert.stat == CHANGE:
        return names.companion_name(metric.id, names.CHANGE_RATIO, final=True)
    return names.metric_name(metric.id, metric.unit, final=True)


def watched_labels(metric: Metric, alert: Alert) -> dict[str, str]:
    """Return the labels that choose the series that an alert watches."""
    return labels_of(alert) | (stat_labels(metric, alert.stat) if alert.stat != CHANGE else {})


def value(metric: Metric, alert: Alert, past: str = "") -> str:
    """Return the final value that an alert watches."""
    return recorded(watched_name(metric, alert), watched_labels(metric, alert), past)


def companion(metric: Metric, alert: Alert, which: str, past: str = "") -> str:
    """Return a final companion of an alert's value: numerator, denominator or samples."""
    name = names.companion_name(metric.id, which, final=True)
    return recorded(name, labels_of(alert), past)


def is_proportion(catalog: Catalog, metric: Metric) -> bool:
    """Tell whether a KPI is a share of counts, for which a confidence bound can be given."""
    if metric.unit != "ratio" or metric.type is not MetricType.RATIO:
        return False
    sides = (catalog.measures.get(metric.numerator), catalog.measures.get(metric.denominator))
    return all(side is not None and side.agg == "count" for side in sides)


def wilson_bound(share: str, trials: str, z: float, *, upper: bool) -> str:
    """Return a bound of the Wilson score interval of a share.

    (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n); Wilson 1927. A late numerator may
    exceed its denominator, so p(1-p) is held at 0.
    """
    z2 = round(z * z, 6)
    spread = (
        f"{z} * sqrt(clamp_min({share} * (1 - {share}), 0) / {trials} + {z2} / (4 * {trials} ^ 2))"
    )
    sign = "+" if upper else "-"
    return f"({share} + {z2} / (2 * {trials}) {sign} {spread}) / (1 + {z2} / {trials})"
