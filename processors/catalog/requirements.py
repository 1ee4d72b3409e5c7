"""Which cells must be stored: what the metrics read, and nothing else.

A window reads the rung by which it slides. Where it spans twelve or more panes of a coarser rung,
it needs that rung too, so that it can be read as head panes + coarse panes + tail panes: 24 h are
at most 59 + 23 + 60 panes instead of 1440. A calendar window reads whole local days. A level is
all since the beginning less what came after the window's end.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from processors.catalog import expression, fields
from processors.catalog.checks_measure import has_currency
from processors.catalog.implicit import RATES, TARGET_DIMENSIONS, TARGETS, TARGETS_KNOWN
from processors.catalog.model import CHANGE, Requirement, Window
from processors.catalog.operand import LAST_WEEK, PREVIOUS, TARGET, Operand, Slot
from processors.ladder import ALL
from processors.names import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processors.catalog.model import Catalog, Measure, Metric
    from processors.ladder import Ladder

_COARSE_PANES_MIN = 12


def slide_rung(slot: Slot, window: Window) -> str:
    """Return the rung between whose panes a slot's ends lie: 10 s are not kept for a week."""
    return "1m" if slot.shift == LAST_WEEK and window.rung == "10s" else window.rung


def slot_rungs(slot: Slot, window: Window, ladder: Ladder) -> tuple[str, ...]:
    """Return the rungs that a slot of a window is read from, fine to coarse."""
    slide = slide_rung(slot, window)
    if slot.level:
        return (slide, ALL)
    return window_rungs(replace(window, rung=slide), ladder)


def window_rungs(window: Window, ladder: Ladder) -> tuple[str, ...]:
    """Return the rungs that a window is read from, fine to coarse."""
    slide = ladder.rung(window.rung)
    coarser = (
        rung.name
        for rung in ladder.rungs
        if rung.size_ms > slide.size_ms and rung.size_ms * _COARSE_PANES_MIN <= window.size_ms
    )
    return (slide.name, *coarser)


class Read(NamedTuple):
    """One measure as a metric reads it; ``by`` says over which dimensions (see BY_...)."""

    measure: str
    slot: Slot
    by: str


BY_ROW: Final = "row"  # the row's dimensions, without currency where the measure has none
BY_TOTAL: Final = "total"  # nothing but the row's currency
BY_NOTHING: Final = "nothing"
BY_TARGET: Final = "target"  # all that a target can be set for
BY_CURRENCY: Final = "currency"


def operands_of(metric: Metric) -> dict[str, Operand]:
    """Return the leaves of a completed metric's expressions by their texts, samples included."""
    found: dict[str, Operand] = {}
    for text in (metric.numerator, metric.denominator, metric.samples):
        if text:
            found.update(expression.parse(text).operands)
    return found


@lru_cache(maxsize=4096)
def reads_of(metric: Metric) -> tuple[Read, ...]:
    """Return what a completed metric reads, whatever for."""
    found: dict[Read, None] = {}
    for operand in operands_of(metric).values():
        found.update(dict.fromkeys(reads_of_operand(operand)))
    found.update(dict.fromkeys(map(guard, metric.arrivals)))
    if metric.reporting:
        found[Read(RATES.name, Slot(level=True), BY_CURRENCY)] = None
    if CHANGE in metric.stats:
        before = (r._replace(slot=r.slot._replace(shift=PREVIOUS)) for r in tuple(found))
        found.update(dict.fromkeys(before))
    return tuple(found)


def guard(text: str) -> Read:
    """Return the read that one of a metric's ``arrivals`` is."""
    (operand,) = expression.parse(text).operands.values()
    return Read(operand.name, operand.slot, BY_NOTHING)


def reads_of_operand(operand: Operand) -> tuple[Read, ...]:
    """Return what one leaf reads: of a target its value, and whether there is one."""
    if operand.kind == TARGET:
        return tuple(Read(m.name, operand.slot, BY_TARGET) for m in (TARGETS, TARGETS_KNOWN))
    by = BY_TOTAL if operand.total else BY_ROW
    return tuple(Read(operand.name, slot, by) for slot in operand.slots)


def measures_of(metric: Metric) -> tuple[str, ...]:
    """Return the measures that a completed metric reads, samples included."""
    return tuple(dict.fromkeys(read.measure for read in reads_of(metric)))


def topics_of(metric: Metric, measures: Mapping[str, Measure]) -> frozenset[str]:
    """Return the topics whose watermarks bound the metric's final value."""
    return frozenset(
        topic
        for name in measures_of(metric)
        for event in measures[name].events
        for topic in fields.topics_behind(event)
    )


def stored_dimensions(measure: Measure, dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the set under which a measure is kept for a metric's set.

    Money is by currency; what has no currency (clicks, in the cost of a click) is kept without.
    """
    if CURRENCY in dimensions and not has_currency(measure):
        return tuple(name for name in dimensions if name != CURRENCY)
    return dimensions


def read_dimensions(read: Read, measure: Measure, dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the set under which a measure is kept for one read of a metric's set."""
    match read.by:
        case "row":
            return stored_dimensions(measure, dimensions)
        case "total":
            return stored_dimensions(measure, tuple(d for d in dimensions if d == CURRENCY))
        case "target":
            return TARGET_DIMENSIONS
        case "currency":
            return (CURRENCY,)
    return ()


def requirements(
    metrics: Iterable[Metric], measures: Mapping[str, Measure], ladder: Ladder
) -> dict[str, Requirement]:
    """Return what must be stored of each measure that any metric reads."""
    sets: dict[str, set[tuple[str, ...]]] = {}
    rungs: dict[str, set[str]] = {}
    for metric in metrics:
        for read in reads_of(metric):
            measure = measures[read.measure]
            sets.setdefault(measure.name, set()).update(
                read_dimensions(read, measure, dimensions) for dimensions in metric.dimension_sets
            )
            for window in metric.windows:
                rungs.setdefault(measure.name, set()).update(slot_rungs(read.slot, window, ladder))
    return {
        name: Requirement(
            measures[name],
            tuple(sorted(sets[name], key=lambda names: (len(names), names))),
            tuple(rung.name for rung in ladder.rungs if rung.name in rungs[name]),
        )
        for name in measures
        if name in sets
    }


def budgets(catalog: Catalog) -> dict[tuple[str, tuple[str, ...]], int]:
    """Return how many combinations of values an event type's dimension set keeps in a partition.

    KPIs share their cells, so the largest budget of those that read a set holds for all of them.
    """
    default = catalog.defaults.dimension_values_max
    found: dict[tuple[str, tuple[str, ...]], int] = {}
    for metric in catalog.metrics.values():
        own = metric.dimension_values_max
        for read in reads_of(metric):
            measure = catalog.measures[read.measure]
            for dimensions in metric.dimension_sets:
                by = read_dimensions(read, measure, dimensions)
                for event in measure.events:
                    before = found.get((event, by), 0)
                    found[event, by] = max(before, default if own is None else own)
    for requirement in catalog.requirements.values():
        for event in requirement.measure.events:
            for by in requirement.dimension_sets:
                found.setdefault((event, by), default)
    return found


def windows_read(catalog: Catalog) -> dict[Window, frozenset[str]]:
    """Return, for each window that any KPI has, the measures read through it."""
    found: dict[Window, set[str]] = {}
    for metric in catalog.metrics.values():
        for window in metric.windows:
            found.setdefault(window, set()).update(measures_of(metric))
    return {window: frozenset(names) for window, names in found.items()}
