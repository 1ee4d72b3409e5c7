"""What a KPI is, in plain words and numbers: its parts, an example, a window taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from processors.catalog.checks_measure import is_money
from processors.catalog.fields import DURATION, VALUE
from processors.catalog.implicit import TARGET_DIMENSIONS, TARGETS, TARGETS_KNOWN
from processors.catalog.model import Aggregation
from processors.catalog.operand import LONGEST, TARGET
from processors.catalog.requirements import operands_of
from processors.cells import SEPARATOR, CellRef, CellTable
from processors.evaluate import evaluate
from processors.figures import MICRO, Quotient, money, number
from processors.histogram import bucket_index
from processors.names import CURRENCY, NONE_VALUE
from processors.reading import reading
from processors.slots import Tables, slots_of
from processors.windows import Span
from processors.words import event_fields, leaves, published_events

if TYPE_CHECKING:
    from processors.catalog.model import Catalog, Measure, Metric
    from processors.evaluate import Row
    from processors.reading import Reading

_EXAMPLE_CURRENCY: Final = "EUR"
_EXAMPLE_AMOUNTS: Final = (30, 60, 120, 400, 600)
_EXAMPLE_TARGET: Final = 3_650
_EXAMPLE_DURATIONS_S: Final = (60, 180, 600)


@dataclass(frozen=True)
class Part:
    """One leaf with a number: its text, what it reads, the figure as it is shown."""

    leaf: str
    words: str
    figure: str | int | float


def explain(catalog: Catalog, metric: Metric) -> dict[str, Any]:
    """Return a KPI's definition as JSON-able values, an example included."""
    return {
        "kpi": metric.id,
        "label": metric.label,
        "description": metric.description,
        "formula": metric.formula,
        "computed": {
            "numerator": metric.numerator,
            "denominator": metric.denominator,
            "reads": leaves(catalog, metric),
        },
        "unit": metric.unit,
        "direction": metric.direction,
        "events": list(published_events(catalog, metric)),
        "fields": list(event_fields(catalog, metric)),
        "windows": [window.name for window in metric.windows],
        "by": [list(names) for names in metric.dimension_sets],
        "stats": list(metric.stats),
        "example": example(catalog, metric),
        "defined": f"{metric.file}:{metric.line}",
    }


def example(catalog: Catalog, metric: Metric) -> dict[str, Any]:
    """Return made-up numbers of the leaves, and the figures that they give."""
    tables = example_tables(catalog, metric, metric.dimension_sets[0])
    return {
        "parts": {part.leaf: part.figure for part in take_apart(catalog, metric, tables)},
        "gives": {
            row.stat: row.value for row in _total(catalog, metric, tables) if row.value is not None
        },
    }


def take_apart(catalog: Catalog, metric: Metric, tables: Tables) -> list[Part]:
    """Return what each leaf of a KPI reads in a window, in every row of its first set."""
    plan = reading(catalog, metric, metric.dimension_sets[0])
    words = leaves(catalog, metric)
    numbers = plan.numbers(tables)
    parts = []
    for text in plan.leaves:
        figures = [_figure(catalog, plan, text, n) for n in numbers[text].values()]
        figure: Any = figures[0] if len(figures) == 1 else " + ".join(map(str, figures)) or 0
        parts.append(Part(text, words[text], figure))
    return parts


def _figure(catalog: Catalog, plan: Reading, text: str, amount: int) -> str | int | float:
    leaf = plan.leaves[text]
    if leaf.operand.kind == TARGET:
        return number(Quotient(amount, MICRO))
    measure = catalog.measures[leaf.measure]
    if leaf.operand.kind == LONGEST:
        return number(Quotient(amount, 1_000))
    if measure.agg is not Aggregation.SUM:
        return amount
    if measure.of == VALUE:
        shown = Quotient(amount, MICRO)
        return money(shown) if is_money(measure) else number(shown)
    return number(Quotient(amount, 1_000)) if measure.of == DURATION else amount


def _total(catalog: Catalog, metric: Metric, tables: Tables) -> list[Row]:
    window, names = metric.windows[0], metric.dimension_sets[0]
    return evaluate(catalog, metric, window, names, tables, Span(0, window.size_ms))


def example_tables(catalog: Catalog, metric: Metric, dimensions: tuple[str, ...]) -> Tables:
    """Return every cell that one row of a KPI reads, filled with small made-up numbers."""
    plan = reading(catalog, metric, dimensions)
    tables = Tables({slot: CellTable() for slot in slots_of(metric)})
    # What is taken off comes later, and is less.
    amounts = sorted(_EXAMPLE_AMOUNTS, reverse="-" in metric.numerator)
    order = [operand.name for operand in operands_of(metric).values()]
    for measure, slot, names in sorted(plan.stored):
        place = order.index(measure) if measure in order else len(order)
        amount = amounts[(place + bool(slot.shift)) % len(amounts)]
        if names == TARGET_DIMENSIONS and measure in (TARGETS.name, TARGETS_KNOWN.name):
            _fill_targets(metric, dimensions, tables[slot], measure)
        else:
            _fill(catalog.measures[measure], names, tables[slot], amount)
    return tables


def _fill_targets(
    metric: Metric, dimensions: tuple[str, ...], table: CellTable, measure: str
) -> None:
    """Set every target that a KPI reads, for the row's values."""
    amount = _EXAMPLE_TARGET * MICRO if measure == TARGETS.name else 1
    group = (measure, ",".join(TARGET_DIMENSIONS))
    place = [f"some {n}" if n in dimensions else NONE_VALUE for n in TARGET_DIMENSIONS[1:]]
    names = {o.name for o in operands_of(metric).values() if o.kind == TARGET}
    for name in names:
        table.add(CellRef(group, "", SEPARATOR.join((name, *place))), amount)


def _fill(measure: Measure, names: tuple[str, ...], table: CellTable, amount: int) -> None:
    group = (measure.name, ",".join(names))
    values = SEPARATOR.join(_EXAMPLE_CURRENCY if n == CURRENCY else f"some {n}" for n in names)
    if measure.agg is Aggregation.HISTOGRAM:
        for duration_s in _EXAMPLE_DURATIONS_S:
            table.add(CellRef(group, f"b{bucket_index(duration_s * 1_000)}", values), 1)
            table.add(CellRef(group, "sum", values), duration_s * 1_000)
    elif measure.agg is Aggregation.DISTINCT:
        found = table.values(CellRef(group, "", values))
        found[values] = frozenset(range(amount))
    else:
        scale = {VALUE: MICRO, DURATION: 1_000}.get(measure.of, 1)
        table.add(CellRef(group, "", values), amount * scale)
