"""A catalogue in plain words: what a measure adds up, what a leaf reads, what a KPI needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors.catalog.fields import DURATION, VALUE, VISITOR, number_fields, text_fields
from processors.catalog.model import Aggregation
from processors.catalog.operand import LAST_WEEK, LONGEST, PREVIOUS, RETAINED, TARGET
from processors.catalog.requirements import operands_of
from processors.durations import format_duration
from processors.event import STRUCT_BY_TYPE
from processors.figures import MICRO, Quotient, number
from processors.items import ITEM_FACTS
from processors.keyed.registry import PROCESSORS

if TYPE_CHECKING:
    from processors.catalog.model import Bound, Catalog, Measure, Metric
    from processors.catalog.operand import Operand

_PASSED_ON: Final = {"_customer_bought": ("purchase", "refund")}
_SHIFTED: Final = {PREVIOUS: "of the window just before", LAST_WEEK: "of the window a week earlier"}


def measure_words(measure: Measure) -> str:
    """Return what a measure adds up: ``sum of value of ad_cost where campaign is spring``."""
    events = ", ".join(measure.events)
    match measure.agg:
        case Aggregation.COUNT:
            text = f"count of {events}"
        case Aggregation.SUM:
            text = f"sum of {measure.of} of {events}"
        case Aggregation.HISTOGRAM:
            text = f"durations of {events}"
        case Aggregation.DISTINCT:
            who = "visitors (visitor_id, else customer_id, else recipient_id)"
            text = f"different {who if measure.of == VISITOR else measure.of} of {events}"
    filters = [f"{field} is {' or '.join(values)}" for field, values in measure.where]
    filters += map(_bound_words, measure.bounds)
    if filters:
        text += f" where {' and '.join(filters)}"
    if measure.weights is not None:
        weights = ", ".join(f"{word} counts {n}" for word, n in measure.weights.by_value)
        text += f"; by {measure.weights.field}, {weights}, anything else 1"
    return text


def _bound_words(bound: Bound) -> str:
    ends = [
        f"{word} {_limit(bound.field, limit)}"
        for word, limit in (("at least", bound.low), ("at most", bound.high))
        if limit is not None
    ]
    return f"{bound.field} is {' and '.join(ends)}"


def _limit(field: str, limit: int) -> str:
    if field == DURATION:
        return format_duration(limit)
    return str(number(Quotient(limit, MICRO))) if field == VALUE else str(limit)


def operand_words(operand: Operand, catalog: Catalog) -> str:
    """Return what a leaf reads: ``last target set of revenue``, ``count of page_view``."""
    if operand.kind == TARGET:
        metric = catalog.metrics.get(operand.name)
        own = metric.target if metric else catalog.targets.get(operand.name, "")
        return f"the last target_set of {operand.name}" + (f", else {own}" if own else "")
    measure = catalog.measures[operand.name]
    if operand.kind == RETAINED:
        text = f"{measure_words(measure)}, in this window and in the one just before"
    elif operand.kind == LONGEST:
        text = f"the longest of {measure_words(measure)}, at the window's end"
    elif operand.slot.level:
        text = f"{measure_words(measure)}, all since the beginning"
    else:
        text = measure_words(measure)
    where = [_SHIFTED[operand.slot.shift]] if operand.slot.shift else []
    where += ["whatever the dimensions"] if operand.total else []
    return ", ".join((text, *where))


def leaves(catalog: Catalog, metric: Metric) -> dict[str, str]:
    """Return what a KPI reads: text of the leaf -> its words."""
    return {text: operand_words(operand, catalog) for text, operand in operands_of(metric).items()}


def causes(catalog: Catalog, event_type: str) -> tuple[str, ...]:
    """Return the published events behind an event or fact type."""
    if event_type in STRUCT_BY_TYPE:
        return (event_type,)
    if event_type in ITEM_FACTS:
        return ("purchase",)
    for make, concluded in PROCESSORS:
        if event_type in concluded:
            processor = make(catalog.defaults, {})
            found = tuple(cause for t in processor.types for cause in _PASSED_ON.get(t, (t,)))
            return (*found, "identify") if processor.takes_linked else found
    return ()


def published_events(catalog: Catalog, metric: Metric) -> tuple[str, ...]:
    """Return the published events that a KPI depends on, in order of name."""
    names = {operand.name for operand in operands_of(metric).values() if operand.kind != TARGET}
    types = {event for name in names for event in catalog.measures[name].events}
    if any(operand.kind == TARGET for operand in operands_of(metric).values()):
        types.add("target_set")
    return tuple(sorted({cause for event in types for cause in causes(catalog, event)}))


def event_fields(catalog: Catalog, metric: Metric) -> tuple[str, ...]:
    """Return the fields of events that a KPI reads beside type and ts, in order of name."""
    found: set[str] = {name for names in metric.dimension_sets for name in names}
    for operand in operands_of(metric).values():
        if operand.kind == TARGET:
            found |= {"kpi", "value"}
            continue
        measure = catalog.measures[operand.name]
        found |= {measure.of} - {"", "known", DURATION}
        found |= {field for field, _ in measure.where}
        found |= {bound.field for bound in measure.bounds}
        if measure.weights is not None:
            found.add(measure.weights.field)
    known = {
        field
        for event in published_events(catalog, metric)
        for field in text_fields(event) | number_fields(event)
    }
    return tuple(sorted(found & known))
