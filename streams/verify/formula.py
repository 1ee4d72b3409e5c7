"""KPIs from measures, worked out apart from the live path: what each row must say, exactly.

A row stands for one combination of dimension values that the window holds anything of; the total
is always there. A measure without currency, in a KPI by currency, is read without it, and counts
for every currency beside it; where two currencies share it the value is undefined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from processors.catalog.model import Aggregation
from streams.verify.exact import Exact, compiled, names_in
from streams.verify.kinds import KIND_BY_FACT
from streams.verify.quantile import quantile_ms
from streams.verify.schema import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processors.catalog.model import Catalog, Measure, Metric
    from streams.verify.exact import Run
    from streams.verify.held import Held
    from streams.verify.series import Source

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
_PERCENT: Final = {"p50": 50, "p90": 90, "p95": 95}
_MICRO: Final = 1_000_000
JOIN: Final = "\x1f"


class Figure(NamedTuple):
    """An exact value and how it is shown: ``money``, ``number`` or ``float``."""

    exact: Exact | None
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
        sources: measure -> (measure, the dimension set that it is read by).
        shared: measures read without the currency that the rows have.
        own: the other sources.
    """

    metric: Metric
    measures: Mapping[str, Measure]
    dimensions: tuple[str, ...]
    sources: Mapping[str, Source]
    shared: frozenset[str]
    own: tuple[Source, ...]
    numerator: tuple[Run, str]
    denominator: tuple[Run, str] | None

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
        rows = [key for key in keys if any(held.number(source, key) for source in self.own)]
        if not self.dimensions:
            rows = [""]
        mixed = bool(self.shared) and len(rows) > 1
        return {(key, "value"): self._value(key, bare, held, mixed=mixed) for key in rows}

    def _value(self, key: str, bare: str, held: Held, *, mixed: bool) -> Expected:
        amounts = {
            name: held.number(source, bare if name in self.shared else key)
            for name, source in self.sources.items()
        }
        metric = self.metric
        run, shown_over = self.numerator
        over = run(amounts)
        samples = amounts[metric.samples]
        shown = {"money": "money", "count": "number"}.get(metric.unit, "float")
        if self.denominator is None:
            return Expected(Figure(None if mixed else over, shown), None, None, samples)
        run, shown_under = self.denominator
        under = run(amounts)
        value = None if over is None or under is None or mixed else over.by(under)
        return Expected(
            Figure(value, shown), Figure(over, shown_over), Figure(under, shown_under), samples
        )

    def _durations(self, keys: Iterable[str], held: Held) -> dict[tuple[str, str], Expected]:
        rows = {}
        for key in keys:
            buckets, total_ms = held.buckets(self.own[0], key)
            count = sum(buckets.values())
            if not count and self.dimensions:
                continue
            for stat in self.metric.stats:
                if stat == "mean":
                    over = Figure(Exact(total_ms, 1_000), "number")
                    mean = Exact(total_ms, 1_000 * count) if count else None
                    under = Figure(Exact(count, 1), "number")
                    rows[key, stat] = Expected(Figure(mean, "float"), over, under, count)
                else:
                    found_ms = quantile_ms(buckets, _PERCENT[stat])
                    exact = None if found_ms is None else Exact(found_ms, 1_000)
                    rows[key, stat] = Expected(Figure(exact, "float"), None, None, count)
        return rows


def formula(catalog: Catalog, metric: Metric, dimensions: tuple[str, ...]) -> Formula:
    """Read a KPI's definition over one of its dimension sets."""
    names: dict[str, None] = {}
    for expression in (metric.numerator, metric.denominator, metric.samples):
        if expression:
            names |= names_in(expression)
    measures = {name: catalog.measures[name] for name in names}
    bare = tuple(name for name in dimensions if name != "currency")
    sources = {
        name: (name, dimensions if all(map(_names_currency, measure.events)) else bare)
        for name, measure in measures.items()
    }
    shared = frozenset(name for name, source in sources.items() if source[1] != dimensions)
    scales = {name: _MICRO if m.of == "value" else 1 for name, m in measures.items()}

    def side(expression: str) -> tuple[Run, str]:
        money = any(_is_money(measures[name]) for name in names_in(expression))
        return compiled(expression, scales), "money" if money else "number"

    return Formula(
        metric,
        measures,
        dimensions,
        sources,
        shared,
        tuple(source for name, source in sources.items() if name not in shared),
        side(metric.numerator),
        side(metric.denominator) if metric.denominator else None,
    )


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
