"""KPIs from measures, worked out apart from the live path: what each row must say, exactly.

A row stands for one combination of dimension values that the window holds anything of; the total
is always there. A measure without currency, in a KPI by currency, is read without it, and counts
for every currency beside it; where two currencies share it the value is undefined.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from processors.catalog.model import Aggregation
from streams.verify.kinds import KIND_BY_FACT
from streams.verify.quantile import quantile_ms
from streams.verify.schema import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processors.catalog.model import Catalog, Measure, Metric
    from streams.verify.series import Change, Source

_SCORES: Final = frozenset(  # amounts that are no money, whatever currency they name
    {
        "fx_rate",
        "keyword_rank",
        "market_impressions",
        "nps_response",
        "social_reach",
        "target_set",
    }
)
_OPERATORS: Final = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_PERCENT: Final = {"p50": 50, "p90": 90, "p95": 95}
JOIN: Final = "\x1f"


class Figure(NamedTuple):
    """An exact value and how it is shown: ``money``, ``number`` or ``float``."""

    exact: Fraction | None
    shown: str


class Expected(NamedTuple):
    """What one row must say; None: the row says nothing there."""

    value: Figure
    numerator: Figure | None
    denominator: Figure | None
    samples: int


@dataclass(frozen=True)
class Formula:
    """A KPI over one of its dimension sets.

    Attributes:
        sets: measure -> the dimension set that it is read by.
        shared: measures read without the currency that the rows have.
    """

    metric: Metric
    measures: Mapping[str, Measure]
    dimensions: tuple[str, ...]
    sets: Mapping[str, tuple[str, ...]]
    shared: frozenset[str]

    @property
    def histogram(self) -> bool:
        """Whether the KPI is durations."""
        plain = self.measures.get(self.metric.numerator)
        return plain is not None and plain.agg is Aggregation.HISTOGRAM

    @property
    def inexact(self) -> bool:
        """Whether a sketch stands behind it."""
        return any(m.agg is Aggregation.DISTINCT for m in self.measures.values())

    def bare(self, key: str) -> str:
        """Return a row's values as the shared measures have them."""
        return key.rpartition(JOIN)[0] if self.shared else key

    def expected(
        self, bare: str, keys: Iterable[str], held: Held
    ) -> dict[tuple[str, str], Expected]:
        """Return (values, stat) -> what the row must say, for the rows that share ``bare``."""
        if self.histogram:
            return self._durations(keys, held)
        own = [name for name in self.sets if name not in self.shared]
        rows = [key for key in keys if any(held.number((n, self.sets[n]), key) for n in own)]
        if not self.dimensions:
            rows = [""]
        mixed = bool(self.shared) and len(rows) > 1
        return {(key, "value"): self._value(key, bare, held, mixed=mixed) for key in rows}

    def _value(self, key: str, bare: str, held: Held, *, mixed: bool) -> Expected:
        amounts = {
            name: held.number((name, read), bare if name in self.shared else key)
            for name, read in self.sets.items()
        }
        metric = self.metric
        over = self._side(metric.numerator, amounts)
        samples = amounts[metric.samples]
        shown = {"money": "money", "count": "number"}.get(metric.unit, "float")
        if not metric.denominator:
            return Expected(Figure(None if mixed else over.exact, shown), None, None, samples)
        under = self._side(metric.denominator, amounts)
        value = None
        if over.exact is not None and under.exact and not mixed:
            value = over.exact / under.exact
        return Expected(Figure(value, shown), over, under, samples)

    def _side(self, expression: str, amounts: Mapping[str, int]) -> Figure:
        tree = ast.parse(expression, mode="eval").body
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        natural = {
            name: Fraction(amounts[name], 1_000_000 if self.measures[name].of == "value" else 1)
            for name in names
        }
        money = any(_is_money(self.measures[name]) for name in names)
        try:
            return Figure(_work_out(tree, natural), "money" if money else "number")
        except ZeroDivisionError:
            return Figure(None, "money" if money else "number")

    def _durations(self, keys: Iterable[str], held: Held) -> dict[tuple[str, str], Expected]:
        rows = {}
        source = (self.metric.numerator, self.dimensions)
        for key in keys:
            buckets, total_ms = held.buckets(source, key)
            count = sum(buckets.values())
            if not count and self.dimensions:
                continue
            for stat in self.metric.stats:
                if stat == "mean":
                    over = Figure(Fraction(total_ms, 1000), "number")
                    mean = Fraction(total_ms, 1000 * count) if count else None
                    under = Figure(Fraction(count), "number")
                    rows[key, stat] = Expected(Figure(mean, "float"), over, under, count)
                else:
                    found_ms = quantile_ms(buckets, _PERCENT[stat])
                    exact = None if found_ms is None else Fraction(found_ms, 1000)
                    rows[key, stat] = Expected(Figure(exact, "float"), None, None, count)
        return rows


class Held:
    """What a window holds at one end: (measure, set) -> values -> component -> amount."""

    def __init__(self) -> None:
        self._amounts: dict[Source, dict[str, dict[str, int]]] = {}

    def set(self, change: Change) -> None:
        """Replace one cell."""
        values = self._amounts.setdefault(change.source, {})
        cells = values.setdefault(change.key, {})
        if change.amount:
            cells[change.component] = change.amount
        else:
            cells.pop(change.component, None)
            if not cells:
                del values[change.key]

    def number(self, source: Source, key: str) -> int:
        """Return a count, sum or number of distinct members; of a histogram the count."""
        cells = self._amounts.get(source, {}).get(key)
        if not cells:
            return 0
        if "" in cells:
            return cells[""]
        return sum(amount for component, amount in cells.items() if component != "sum")

    def buckets(self, source: Source, key: str) -> tuple[dict[int, int], int]:
        """Return a histogram's buckets and the sum of its durations (ms)."""
        cells = self._amounts.get(source, {}).get(key, {})
        counts = {int(name[1:]): n for name, n in cells.items() if name != "sum"}
        return counts, cells.get("sum", 0)


def formula(catalog: Catalog, metric: Metric, dimensions: tuple[str, ...]) -> Formula:
    """Read a KPI's definition over one of its dimension sets."""
    names: dict[str, None] = {}
    for expression in (metric.numerator, metric.denominator, metric.samples):
        if expression:
            tree = ast.parse(expression, mode="eval")
            names |= {n.id: None for n in ast.walk(tree) if isinstance(n, ast.Name)}
    measures = {name: catalog.measures[name] for name in names}
    sets = {
        name: dimensions
        if all(map(_names_currency, measure.events))
        else tuple(d for d in dimensions if d != "currency")
        for name, measure in measures.items()
    }
    shared = frozenset(name for name, read in sets.items() if read != dimensions)
    return Formula(metric, measures, dimensions, sets, shared)


def topic_of(event_type: str) -> str:
    """Return the topic of an event, or of the events behind a fact."""
    kind = KIND_BY_FACT.get(event_type)
    return EVENT_TYPES[kind.types[0] if kind else event_type].topic


def _names_currency(event_type: str) -> bool:
    kind = KIND_BY_FACT.get(event_type)
    return "currency" in (kind.dimensions if kind else EVENT_TYPES[event_type].fields)


def _is_money(measure: Measure) -> bool:
    return (
        measure.agg is Aggregation.SUM
        and measure.of == "value"
        and all(_names_currency(t) and t not in _SCORES for t in measure.events)
    )


def _work_out(node: ast.expr, amounts: Mapping[str, Fraction]) -> Fraction:
    if isinstance(node, ast.Name):
        return amounts[node.id]
    if isinstance(node, ast.Constant):
        return Fraction(repr(node.value))
    if isinstance(node, ast.UnaryOp):
        value = _work_out(node.operand, amounts)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left, right = _work_out(node.left, amounts), _work_out(node.right, amounts)
        return Fraction(_OPERATORS[type(node.op)](left, right))
    raise TypeError(f"{ast.unparse(node)}: not arithmetic over measures")
