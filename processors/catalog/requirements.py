"""Which cells must be stored: what the metrics read, and nothing else.

A window reads the rung by which it slides. Where it spans twelve or more panes of a coarser rung,
it needs that rung too, so that it can be read as head panes + coarse panes + tail panes: 24 h are
at most 59 + 23 + 60 panes instead of 1440. A calendar window reads whole local days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.catalog import expression, fields
from processors.catalog.checks_measure import has_currency
from processors.catalog.model import Requirement, Window
from processors.names import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processors.catalog.model import Catalog, Measure, Metric
    from processors.ladder import Ladder

_COARSE_PANES_MIN = 12


def window_rungs(window: Window, ladder: Ladder) -> tuple[str, ...]:
    """Return the rungs that a window is read from, fine to coarse."""
    slide = ladder.rung(window.rung)
    coarser = (
        rung.name
        for rung in ladder.rungs
        if rung.size_ms > slide.size_ms and rung.size_ms * _COARSE_PANES_MIN <= window.size_ms
    )
    return (slide.name, *coarser)


def measures_of(metric: Metric) -> tuple[str, ...]:
    """Return the measures that a completed metric reads, samples included."""
    names: dict[str, None] = {}
    for text in (metric.numerator, metric.denominator, metric.samples):
        if text:
            names.update(dict.fromkeys(expression.parse(text).names))
    return tuple(names)


def topics_of(metric: Metric, measures: Mapping[str, Measure]) -> frozenset[str]:
    """Return the topics whose watermarks bound the metric's final value."""
    return frozenset(
        fields.topic_of(event) for name in measures_of(metric) for event in measures[name].events
    )


def stored_dimensions(measure: Measure, dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the set under which a measure is kept for a metric's set.

    Money is by currency; what has no currency (clicks, in the cost of a click) is kept without.
    """
    if CURRENCY in dimensions and not has_currency(measure):
        return tuple(name for name in dimensions if name != CURRENCY)
    return dimensions


def requirements(
    metrics: Iterable[Metric], measures: Mapping[str, Measure], ladder: Ladder
) -> dict[str, Requirement]:
    """Return what must be stored of each measure that any metric reads."""
    sets: dict[str, set[tuple[str, ...]]] = {}
    rungs: dict[str, set[str]] = {}
    for metric in metrics:
        for name in measures_of(metric):
            sets.setdefault(name, set()).update(
                stored_dimensions(measures[name], dimensions)
                for dimensions in metric.dimension_sets
            )
            for window in metric.windows:
                rungs.setdefault(name, set()).update(window_rungs(window, ladder))
    return {
        name: Requirement(
            measures[name],
            tuple(sorted(sets[name], key=lambda names: (len(names), names))),
            tuple(rung.name for rung in ladder.rungs if rung.name in rungs[name]),
        )
        for name in measures
        if name in sets
    }


def windows_read(catalog: Catalog) -> dict[Window, frozenset[str]]:
    """Return, for each window that any KPI has, the measures read through it."""
    found: dict[Window, set[str]] = {}
    for metric in catalog.metrics.values():
        for window in metric.windows:
            found.setdefault(window, set()).update(measures_of(metric))
    return {window: frozenset(names) for window, names in found.items()}
