"""What the recomputation knows how to work out; what it does not is named, never passed over.

A KPI is in scope where it reads nothing but its own window: plain arithmetic over measures of
published events, or of facts that :mod:`streams.verify.kinds` lists.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from processors.catalog.model import CHANGE
from streams.verify.exact import names_in
from streams.verify.kinds import KIND_BY_FACT
from streams.verify.schema import EVENT_TYPES

if TYPE_CHECKING:
    from processors.catalog.model import Catalog, Measure, Metric

_ARITHMETIC: Final = (
    ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub, ast.UAdd,
    ast.Name, ast.Load, ast.Constant,
)  # fmt: skip


def in_scope(catalog: Catalog) -> Catalog:
    """Return the part of a catalogue that the recomputation covers."""
    metrics = {name: m for name, m in catalog.metrics.items() if _is_known(m, catalog)}
    requirements = {
        name: requirement
        for name, requirement in catalog.requirements.items()
        if _is_known_measure(requirement.measure)
    }
    return replace(catalog, metrics=metrics, requirements=requirements)


def _is_known(metric: Metric, catalog: Catalog) -> bool:
    texts = [t for t in (metric.numerator, metric.denominator, metric.samples) if t]
    if CHANGE in metric.stats or metric.arrivals or metric.reporting:
        return False
    if not all(isinstance(n, _ARITHMETIC) for t in texts for n in ast.walk(_tree(t))):
        return False
    names = {name for text in texts for name in names_in(text)}
    return all(
        name in catalog.measures and _is_known_measure(catalog.measures[name]) for name in names
    )


def _tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _is_known_measure(measure: Measure) -> bool:
    return all(event in EVENT_TYPES or event in KIND_BY_FACT for event in measure.events)
