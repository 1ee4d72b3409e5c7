"""PromQL of the panels: every figure is read once, however many exporters serve it."""

from __future__ import annotations

from processors import names
from processors.catalog.model import Metric
from streams.monitoring.promql import once, selector

WINDOW = "$window"


def slides(metric: Metric) -> bool:
    """Tell whether a KPI has a trailing window: the window picker has no other."""
    return any(not window.calendar for window in metric.windows)


def window_of(metric: Metric) -> str:
    """Return the window that a panel reads: the picked one, or the only kind there is."""
    return WINDOW if slides(metric) else metric.windows[-1].name


def value(
    metric: Metric,
    *,
    by: str = names.BY_TOTAL,
    stat: str = "",
    past: str = "",
    final: bool = False,
) -> str:
    """Return a KPI's live (or final) value over a window, now or ``past`` ago."""
    labels = {names.LABEL_WINDOW: window_of(metric), names.LABEL_BY: by}
    if len(metric.stats) > 1:
        labels[names.LABEL_STAT] = stat or metric.stats[0]
    name = names.metric_name(metric.id, metric.unit, final=final)
    return once(selector(name, labels), past=past)


def change(metric: Metric) -> str:
    """Return what the value gained on the window just before, as a share of it."""
    before = value(metric, past=WINDOW)
    return f"({value(metric)} - {before}) / abs({before})"


def distribution(metric: Metric) -> str:
    """Return the buckets of a histogram of durations, each the count of its own."""
    name = names.companion_name(metric.id, "distribution_seconds") + "_bucket"
    labels = {names.LABEL_WINDOW: window_of(metric), names.LABEL_BY: names.BY_TOTAL}
    return once(selector(name, labels))


def legend(metric: Metric) -> str:
    """Return a legend that holds whatever dimensions a breakdown has."""
    dimensions = dict.fromkeys(d for dims in metric.dimension_sets for d in dims)
    return " ".join(f"{{{{{d}}}}}" for d in dimensions) or metric.label
