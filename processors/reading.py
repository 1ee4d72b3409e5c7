"""How a metric is worked out from cells, compiled once per metric and dimension set."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING

from processors.catalog import expression
from processors.catalog.checks_measure import is_money
from processors.catalog.fields import VALUE
from processors.catalog.model import Aggregation
from processors.catalog.requirements import measures_of, stored_dimensions
from processors.figures import MICRO, Quotient
from processors.names import CURRENCY
from processors.sketch import estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.catalog.model import Catalog, Measure, Metric
    from processors.cells import Amount, CellTable, Values

    Numbers = Mapping[str, int]
    Side = Callable[[Mapping[str, Numbers], str], Quotient | None]
    """From the amounts by measure, and a row's values, to the side's exact value."""


@dataclass(frozen=True)
class Reading:
    """A metric over one dimension set.

    Attributes:
        sets: measure -> the dimension set under which its cells are kept.
        shared: measures without currency in a metric by currency: every currency reads the same.
        histogram: the measure, where the metric is a histogram of durations.
        money: whether numerator and denominator are amounts of money.
    """

    sets: dict[str, tuple[str, ...]]
    shared: frozenset[str]
    histogram: str
    numerator: Side
    denominator: Side | None
    money: tuple[bool, bool]

    def numbers(self, cells: CellTable) -> dict[str, Numbers]:
        """Return what is in the cells: measure -> dimension values -> number."""
        return {
            name: _counted(cells.components(name, dimensions))
            for name, dimensions in self.sets.items()
        }


def reading(catalog: Catalog, metric: Metric, dimensions: tuple[str, ...]) -> Reading:
    """Compile a metric of a loaded catalogue over one of its dimension sets."""
    measures = tuple(catalog.measures[name] for name in measures_of(metric))
    return _reading(metric, measures, dimensions)


@lru_cache(maxsize=4096)
def _reading(metric: Metric, measures: tuple[Measure, ...], dimensions: tuple[str, ...]) -> Reading:
    by_name = {measure.name: measure for measure in measures}
    sets = {m.name: stored_dimensions(m, dimensions) for m in measures}
    plain = by_name.get(metric.numerator)
    histogram = plain is not None and plain.agg is Aggregation.HISTOGRAM
    sides = [expression.parse(text) for text in (metric.numerator, metric.denominator) if text]
    compiled = [_side(side, by_name) for side in sides]
    money = [any(is_money(by_name[name]) for name in side.names) for side in sides]
    return Reading(
        sets=sets,
        shared=frozenset(name for name, names in sets.items() if names != dimensions),
        histogram=metric.numerator if histogram else "",
        numerator=compiled[0],
        denominator=compiled[1] if metric.denominator else None,
        money=(money[0], money[-1]),
    )


def _side(side: expression.Expression, measures: Mapping[str, Measure]) -> Side:
    weights = expression.linear(side)
    scales = {name: MICRO if measures[name].of == VALUE else 1 for name in side.names}
    if weights is None:
        return _exact_side(side, scales)
    natural = {name: weight / scales[name] for name, weight in weights.items()}
    under = lcm(*(weight.denominator for weight in natural.values()))
    terms = tuple((name, int(weight * under)) for name, weight in natural.items())
    if len(terms) == 1 and terms[0][1] == 1:
        only = terms[0][0]
        return lambda numbers, key: Quotient(numbers[only].get(key, 0), under)

    def weigh(numbers: Mapping[str, Numbers], key: str) -> Quotient:
        return Quotient(sum(weight * numbers[name].get(key, 0) for name, weight in terms), under)

    return weigh


def _exact_side(side: expression.Expression, scales: Mapping[str, int]) -> Side:
    evaluate = expression.evaluator(side)

    def work_out(numbers: Mapping[str, Numbers], key: str) -> Quotient | None:
        result = evaluate(
            {name: Fraction(numbers[name].get(key, 0), scale) for name, scale in scales.items()}
        )
        return None if result is None else Quotient(result.numerator, result.denominator)

    return work_out


def _counted(components: Mapping[str, Values]) -> Numbers:
    """Return one number a cell: sums as they are, sketches as estimates, histograms as counts."""
    if set(components) <= {""}:
        return {values: _number(amount) for values, amount in components.get("", {}).items()}
    counts: dict[str, int] = {}
    for component, amounts in components.items():
        if component.startswith("b"):
            for values, amount in amounts.items():
                counts[values] = counts.get(values, 0) + _number(amount)
    return counts


def _number(amount: Amount) -> int:
    return amount if isinstance(amount, int) else estimate(amount)


def without_currency(dimensions: tuple[str, ...], key: str) -> str:
    """Return a row's values without its currency, which is the last where there is one."""
    if not dimensions or dimensions[-1] != CURRENCY:
        return key
    return key.rpartition("\x1f")[0]
