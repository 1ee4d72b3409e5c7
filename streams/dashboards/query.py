"""PromQL of the panels: every figure is read once, however many exporters serve it."""

from __future__ import annotations

from processors import names
from processors.catalog.model import Metric
from streams.monitoring.promql import once, selector, stat_labels

WINDOW = "$window"


def slides(metric: Metric) -> bool:
    """Tell whether a KPI has a trailing window: the window picker has no other."""
    return any(not window.calendar for window in metric.windows)


def window_of(metric: Metric) -> str:
    """Return the window that a panel reads: the picked one where there is a choice."""
    trailing = [window.name for window in metric.windows if not window.calendar]
    if len(trailing) > 1:
        return WINDOW
    return trailing[0] if trailing else metric.windows[-1].name


def first_set(metric: Metric) -> str:
    """Return the ``by`` label that a KPI is shown by at first: the total, where there is one."""
    return names.by_value(metric.dimension_sets[0])


def value(
    metric: Metric,
    *,
    by: str = "",
    stat: str = "",
    past: str = "",
    final: bool = False,
) -> str:
    """Return a KPI's live (or final) value over a window, now or ``past`` ago.

    Without ``by`` it is the total, or of a KPI that has none its first dimension set.
    """
    by = by or first_set(metric)
    labels = {names.LABEL_WINDOW: window_of(metric), names.LABEL_BY: by}
    labels |= stat_labels(metric, stat or "value")
    name = names.metric_name(metric.id, metric.unit, final=final)
    return once(selector(name, labels), past=past)


def change(metric: Metric) -> str:
    """Return what the value gained on the window just before, as a share of it."""
    before = value(metric, past=window_of(metric))
    return f"({value(metric)} - {before}) / abs({before})"


def reached(metric: Metric, which: str, by: str) -> str:
    """Return a live companion by a dimension set, the largest first: how many reached what."""
    name = names.companion_name(metric.id, which)
    labels = {names.LABEL_WINDOW: window_of(metric), names.LABEL_BY: by}
    return f"sort_desc({once(selector(name, labels))})"


def distribution(metric: Metric) -> str:
    """Return the buckets of a histogram of durations, each the count of its own."""
    name = names.companion_name(metric.id, "distribution_seconds") + "_bucket"
    labels = {names.LABEL_WINDOW: window_of(metric), names.LABEL_BY: first_set(metric)}
    return once(selector(name, labels))


def legend(metric: Metric) -> str:
    """Return a legend that holds whatever dimensions a breakdown has."""
    dimensions = dict.fromkeys(d for dims in metric.dimension_sets for d in dims)
    return " ".join(f"{{{{{d}}}}}" for d in dimensions) or metric.label
