"""How a metric is worked out from cells, compiled once per metric and dimension set."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple

from processors.catalog import expression
from processors.catalog.checks_measure import is_money
from processors.catalog.fields import DURATION, VALUE
from processors.catalog.implicit import RATES, TARGET_DIMENSIONS, TARGETS, TARGETS_KNOWN
from processors.catalog.model import Aggregation
from processors.catalog.operand import (
    LONGEST,
    PREVIOUS,
    RETAINED,
    TARGET,
    WINDOW,
    Operand,
    Slot,
)
from processors.catalog.requirements import (
    Read,
    guard,
    operands_of,
    read_dimensions,
    reads_of,
    reads_of_operand,
)
from processors.cells import SEPARATOR
from processors.figures import MICRO, Quotient
from processors.histogram import bucket_bounds_ms
from processors.names import CURRENCY, NONE_VALUE
from processors.sketch import estimate, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.catalog.model import Catalog, Measure, Metric
    from processors.cells import Amount, CellTable, Values
    from processors.slots import Tables

    Numbers = Mapping[str, int]
    Side = Callable[[Mapping[str, Numbers], str], Quotient | None]
    """From the amounts by leaf, and a row's values, to the side's exact value."""


class Leaf(NamedTuple):
    """One leaf of the expressions over one dimension set.

    Attributes:
        dimensions: the set under which its cells are kept.
        measure: what it reads; of a target nothing.
        fallback: of a target, the catalogue's own in micro-units; None where it has none.
    """

    operand: Operand
    dimensions: tuple[str, ...]
    measure: str
    fallback: int | None


@dataclass(frozen=True)
class Reading:
    """A metric over one dimension set.

    Attributes:
        leaves: text -> leaf.
        stored: what is read: (measure, slot, the dimension set under which it is kept).
        shared: leaves without currency in a metric by currency: every currency reads the same.
        histogram: the measure, where the metric is a histogram of durations.
        money: whether numerator and denominator are amounts of money.
        guards: reads that must not be empty; see ``arrivals`` of the metric.
    """

    dimensions: tuple[str, ...]
    leaves: dict[str, Leaf]
    stored: frozenset[tuple[str, Slot, tuple[str, ...]]]
    shared: frozenset[str]
    histogram: str
    numerator: Side
    denominator: Side | None
    money: tuple[bool, bool]
    guards: tuple[Read, ...]

    def numbers(self, tables: Tables, shift: str = "") -> dict[str, Numbers]:
        """Return what is in the cells: leaf -> dimension values -> number.

        Args:
            tables: the cells by slot.
            shift: read the same of this window instead.
        """
        return {text: self._number(leaf, tables, shift) for text, leaf in self.leaves.items()}

    def _number(self, leaf: Leaf, tables: Tables, shift: str) -> Numbers:
        operand = leaf.operand
        if operand.kind == TARGET:
            return _targets(leaf, tables.shifted(operand.slot, shift))
        if operand.kind == RETAINED:
            here, before = (
                tables[slot].members(leaf.measure, leaf.dimensions)
                for slot in (WINDOW, Slot(PREVIOUS))
            )
            return {key: shared(here[key], before[key]) for key in here.keys() & before.keys()}
        cells = tables.shifted(operand.slot, shift)
        components = cells.components(leaf.measure, leaf.dimensions)
        return _longest(components) if operand.kind == LONGEST else _counted(components)

    def waits(self, tables: Tables, shift: str = "") -> list[str]:
        """Return the arrivals measures that have counted nothing: the KPI is undefined."""
        return [
            read.measure
            for read in self.guards
            if not _counted(tables.shifted(read.slot, shift).components(read.measure, ())).get("")
        ]

    def lacks(self, tables: Tables) -> list[str]:
        """Return the targets that nobody has set, for any row."""
        return [
            leaf.operand.name
            for leaf in self.leaves.values()
            if leaf.operand.kind == TARGET
            and leaf.fallback is None
            and not self._number(leaf, tables, "")
        ]

    def rates(self, tables: Tables) -> Numbers:
        """Return the last exchange rates, in micro-units, by currency."""
        return _counted(tables[Slot(level=True)].components(RATES.name, (CURRENCY,)))


def reading(catalog: Catalog, metric: Metric, dimensions: tuple[str, ...]) -> Reading:
    """Compile a metric of a loaded catalogue over one of its dimension sets."""
    measures = tuple(catalog.measures[read.measure] for read in reads_of(metric))
    targets = tuple(
        (operand.name, _target(catalog, operand.name))
        for operand in operands_of(metric).values()
        if operand.kind == TARGET
    )
    return _reading(metric, tuple(dict.fromkeys(measures)), targets, dimensions)


def _target(catalog: Catalog, name: str) -> str:
    metric = catalog.metrics.get(name)
    return catalog.targets.get(name, "") if metric is None else metric.target


@lru_cache(maxsize=8192)
def _reading(
    metric: Metric,
    measures: tuple[Measure, ...],
    targets: tuple[tuple[str, str], ...],
    dimensions: tuple[str, ...],
) -> Reading:
    by_name = {measure.name: measure for measure in measures}
    texts = dict(targets)
    leaves = {
        text: _leaf(operand, by_name, texts, dimensions)
        for text, operand in operands_of(metric).items()
    }
    plain = by_name.get(metric.numerator)
    histogram = plain is not None and plain.agg is Aggregation.HISTOGRAM
    sides = [expression.parse(text) for text in (metric.numerator, metric.denominator) if text]
    compiled = [_side(side, leaves, by_name) for side in sides]
    money = [
        any(leaf.measure and is_money(by_name[leaf.measure]) for leaf in map(leaves.get, names))  # type: ignore[union-attr]
        for names in (side.operands for side in sides)
    ]
    return Reading(
        dimensions=dimensions,
        leaves=leaves,
        stored=frozenset(
            (r.measure, r.slot, read_dimensions(r, by_name[r.measure], dimensions))
            for r in reads_of(metric)
        ),
        shared=frozenset(text for text, leaf in leaves.items() if _is_shared(leaf, dimensions)),
        histogram=metric.numerator if histogram else "",
        numerator=compiled[0],
        denominator=compiled[1] if metric.denominator else None,
        money=(money[0], money[-1]),
        guards=tuple(map(guard, metric.arrivals)),
    )


def _leaf(
    operand: Operand,
    measures: Mapping[str, Measure],
    targets: Mapping[str, str],
    dimensions: tuple[str, ...],
) -> Leaf:
    if operand.kind == TARGET:
        text = targets.get(operand.name, "")
        fallback = int(Fraction(text) * MICRO) if text else None
        bare = tuple(name for name in dimensions if name != CURRENCY)
        return Leaf(operand, () if operand.total else bare, "", fallback)
    measure = measures[operand.name]
    (read, *_) = reads_of_operand(operand)
    return Leaf(operand, read_dimensions(read, measure, dimensions), operand.name, None)


def _is_shared(leaf: Leaf, dimensions: tuple[str, ...]) -> bool:
    return CURRENCY in dimensions and CURRENCY not in leaf.dimensions


def _targets(leaf: Leaf, cells: CellTable, *, parts: bool = True) -> Numbers:
    """Return the last targets set, by the values of the leaf's dimensions.

    A target set for just these values counts; where there is none, what was set for parts of them
    adds up (unless ``parts`` is off); where there is neither, the catalogue's own holds.
    """
    known = _counted(cells.components(TARGETS_KNOWN.name, TARGET_DIMENSIONS))
    amounts = _counted(cells.components(TARGETS.name, TARGET_DIMENSIONS))
    places = [TARGET_DIMENSIONS.index(name) for name in leaf.dimensions]
    rest = [i for i in range(1, len(TARGET_DIMENSIONS)) if i not in places]
    exact: dict[str, int] = {}
    some: dict[str, int] = {}
    for key, count in known.items():
        values = key.split(SEPARATOR)
        if count and values[0] == leaf.operand.name:
            mine = SEPARATOR.join(values[i] for i in places)
            of_all = all(values[i] == NONE_VALUE for i in rest)
            (exact if of_all else some)[mine] = amounts.get(key, 0) + (
                0 if of_all else some.get(mine, 0)
            )
    return _Targets({**some, **exact} if parts else exact, leaf.fallback)


def target_of(metric: Metric, cells: CellTable) -> float | None:
    """Return what a KPI as a whole is to be: as last set, else as in the catalogue."""
    operand = Operand(metric.id, TARGET, total=True)
    micro = _targets(Leaf(operand, (), "", None), cells, parts=False).get("")
    if micro is not None:
        return micro / MICRO
    return float(metric.target) if metric.target else None


class _Targets(dict[str, int]):
    """Targets by values; ``fallback`` for values that have none of their own."""

    def __init__(self, found: Mapping[str, int], fallback: int | None) -> None:
        super().__init__(found)
        self._fallback = fallback

    def get(self, key: str, _default: object = None) -> Any:
        return super().get(key, self._fallback)


def _side(
    side: expression.Expression, leaves: Mapping[str, Leaf], measures: Mapping[str, Measure]
) -> Side:
    weights = expression.linear(side)
    scales = {text: _scale(leaves[text], measures) for text in side.operands}
    # Where there is none of these there is no value: nothing is not 0.
    needed = [text for text, op in side.operands.items() if op.kind in (LONGEST, TARGET)]
    if weights is None or needed:
        return _exact_side(side, scales, needed)
    natural = {name: weight / scales[name] for name, weight in weights.items()}
    under = lcm(*(weight.denominator for weight in natural.values()))
    terms = tuple((name, int(weight * under)) for name, weight in natural.items())
    if len(terms) == 1 and terms[0][1] == 1:
        only = terms[0][0]
        return lambda numbers, key: Quotient(numbers[only].get(key, 0), under)

    def weigh(numbers: Mapping[str, Numbers], key: str) -> Quotient:
        return Quotient(sum(weight * numbers[name].get(key, 0) for name, weight in terms), under)

    return weigh


def _scale(leaf: Leaf, measures: Mapping[str, Measure]) -> int:
    if leaf.operand.kind == TARGET:
        return MICRO
    if leaf.operand.kind == LONGEST:
        return 1_000
    measure = measures[leaf.measure]
    if measure.agg is Aggregation.SUM:
        return {VALUE: MICRO, DURATION: 1_000}.get(measure.of, 1)
    return 1


def _exact_side(side: expression.Expression, scales: Mapping[str, int], needed: list[str]) -> Side:
    evaluate = expression.evaluator(side)

    def work_out(numbers: Mapping[str, Numbers], key: str) -> Quotient | None:
        if any(numbers[text].get(key) is None for text in needed):
            return None  # nobody has said what it is to be, or nothing is there
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


def _longest(components: Mapping[str, Values]) -> Numbers:
    """Return the lower bound (ms) of the highest bucket that holds anything, by values."""
    found: dict[str, int] = {}
    for component, amounts in components.items():
        if component.startswith("b"):
            lower_ms, _ = bucket_bounds_ms(int(component[1:]))
            for values, amount in amounts.items():
                if _number(amount) > 0:
                    found[values] = max(lower_ms, found.get(values, 0))
    return found


def _number(amount: Amount) -> int:
    return amount if isinstance(amount, int) else estimate(amount)


def without_currency(dimensions: tuple[str, ...], key: str) -> str:
    """Return a row's values without its currency, which is the last where there is one."""
    if not dimensions or dimensions[-1] != CURRENCY:
        return key
    return key.rpartition(SEPARATOR)[0]


def key_of(leaf: Leaf, dimensions: tuple[str, ...], key: str) -> str:
    """Return the values under which a leaf holds what it has for a row."""
    if leaf.operand.total:
        return key.rpartition(SEPARATOR)[2] if CURRENCY in leaf.dimensions else ""
    return key if leaf.dimensions == dimensions else without_currency(dimensions, key)
