"""A measure, held against the fields of the events that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.catalog import fields
from processors.catalog.model import Aggregation, Measure
from processors.catalog.scalars import did_you_mean
from processors.facts import FACT_BY_TYPE
from processors.names import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Report = Callable[[str, str], None]  # called with the field and the consequence


def is_money(measure: Measure) -> bool:
    """Whether the measure adds up amounts of money."""
    return (
        measure.agg is Aggregation.SUM
        and measure.of == fields.VALUE
        and all(map(fields.is_money, measure.events))
    )


def has_currency(measure: Measure) -> bool:
    """Whether every event of the measure can name a currency."""
    return all(CURRENCY in fields.text_fields(event) for event in measure.events)


def check_measure(measure: Measure, report: Report) -> None:
    """Report what is wrong with a measure."""
    _check_of(measure, report)
    _check_where(measure, report)
    if measure.agg is Aggregation.DISTINCT and not FACT_BY_TYPE.keys().isdisjoint(measure.events):
        report("agg", "facts can be taken back and a sketch cannot forget: count them instead")
    _check_bounds(measure, report)
    _check_weights(measure, report)
    if measure.agg is Aggregation.SUM and len(set(map(fields.is_money, measure.events))) > 1:
        report("events", "some amounts are money and some are not: their sum means nothing")


def _check_of(measure: Measure, report: Report) -> None:
    if measure.agg is Aggregation.COUNT:
        if measure.of:
            report("of", "a count reads no field: it would be ignored")
        return
    if not measure.of:
        report("of", f"it is missing: {measure.agg.value} needs a field to read")
        return
    for event in measure.events:
        known = _readable(measure.agg, event)
        if measure.of not in known:
            report("of", _no_field(event, measure.of, known))


def _readable(agg: Aggregation, event: str) -> frozenset[str]:
    if agg is Aggregation.DISTINCT:
        return fields.text_fields(event)
    numbers = fields.number_fields(event)
    return numbers & {fields.DURATION} if agg is Aggregation.HISTOGRAM else numbers


def _check_where(measure: Measure, report: Report) -> None:
    for name, _ in measure.where:
        for event in measure.events:
            if name in fields.UNBOUNDED:
                report("where", f"{name} has no bound: every event would be a group of its own")
                break
            if name not in fields.text_fields(event):
                report("where", _no_field(event, name, fields.dimensions(event)))


def _check_bounds(measure: Measure, report: Report) -> None:
    for bound in measure.bounds:
        for event in measure.events:
            known = fields.number_fields(event)
            if bound.field not in known:
                report("where", _no_field(event, bound.field, known))


def _check_weights(measure: Measure, report: Report) -> None:
    if measure.weights is None:
        return
    if measure.agg is not Aggregation.COUNT:
        report("weights", f"only a count can be weighted, {measure.agg.value} cannot")
    name = measure.weights.field
    for event in measure.events:
        if name in fields.UNBOUNDED or name not in fields.text_fields(event):
            report("weights", _no_field(event, name, fields.dimensions(event)))


def _no_field(event: str, name: str, known: Iterable[str]) -> str:
    options = sorted(known)
    hint = did_you_mean(name, options) if options else "it has none of that kind"
    return f"{event} has no such field, nothing would be read; {hint}"
