"""Names that would meet: two KPIs must not write the same series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.catalog.nodes import Node
from processors.names import CHANGE_RATIO, companion_name, metric_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.merge import Entry
    from processors.catalog.model import Metric
    from processors.catalog.nodes import Problems

_COMPANIONS = ("numerator", "denominator", "samples", "distribution_seconds", CHANGE_RATIO)
# The exporter's own series begin like a KPI's.
_RESERVED = ("freshness", "target", "pipeline", "exporter", "baseline", "input", "waiting")


def check_names(
    entries: Mapping[str, Entry], metrics: Mapping[str, Metric], problems: Problems
) -> None:
    """Report KPIs whose metric names are taken."""
    taken: dict[str, str] = {}
    for metric in metrics.values():
        entry = entries[metric.id]
        node = Node(metric.id, entry.file, entry.line)
        if metric.id.split("_")[0] in _RESERVED:
            problems.add(node, metric.id, "id", "the exporter's own series begin like that")
        for series in _series(metric):
            other = taken.setdefault(series, metric.id)
            if other != metric.id:
                problems.add(
                    node, metric.id, "id", f"its series {series} is also one of the KPI {other}"
                )


def _series(metric: Metric) -> list[str]:
    found = []
    for final in (False, True):
        found.append(metric_name(metric.id, metric.unit, final=final))
        found += [companion_name(metric.id, word, final=final) for word in _COMPANIONS]
    return found
