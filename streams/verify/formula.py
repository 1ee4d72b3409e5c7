"""From a KPI's definition to what its rows must say, apart from the live path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors.catalog.model import CHANGE, Aggregation
from streams.verify.exact import compiled
from streams.verify.figures import MICRO, RATES, Formula, moved
from streams.verify.kinds import KIND_BY_FACT, fact_fields
from streams.verify.leaves import LONGEST, PREVIOUS, RETAINED, TARGET, leaves_of
from streams.verify.schema import EVENT_TYPES
from streams.verify.series import Source
from streams.verify.targets import KNOWN, SET, Targets

if TYPE_CHECKING:
    from processors.catalog.model import Catalog, Measure, Metric
    from streams.verify.exact import Run
    from streams.verify.leaves import Leaf

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
_UNITS: Final = {"value": MICRO, "duration_ms": 1_000}


def formula(catalog: Catalog, metric: Metric, dimensions: tuple[str, ...]) -> Formula:
    """Read a KPI's definition over one of its dimension sets."""
    leaves: dict[str, Leaf] = {}
    trees = []
    for expression in (metric.numerator, metric.denominator, metric.samples):
        tree, found = leaves_of(expression or "0")
        trees.append(tree)
        leaves |= found
    targets = {
        name: Targets.of(catalog, leaf, dimensions)
        for name, leaf in leaves.items()
        if leaf.kind == TARGET
    }
    sources = {
        name: _source(leaf, catalog.measures[leaf.name], dimensions)
        for name, leaf in leaves.items()
        if name not in targets
    }
    read_by = {
        **{name: source.dimensions for name, source in sources.items()},
        **{name: target.dimensions for name, target in targets.items()},
    }
    guards = tuple(_guard(text) for text in metric.arrivals)
    reads = [*sources.values(), *guards]
    reads += [s._replace(retained=False) for s in sources.values() if s.retained]
    reads += [s._replace(retained=False, shift=PREVIOUS) for s in sources.values() if s.retained]
    reads += [SET, KNOWN] if targets else []
    reads += [RATES] if metric.reporting else []
    if CHANGE in metric.stats:
        reads += [moved(source, PREVIOUS) for source in reads]
    measures = {source.measure: catalog.measures[source.measure] for source in reads}
    scales = {
        name: _UNITS.get(measures[source.measure].of, 1)
        if measures[source.measure].agg is Aggregation.SUM
        else 1
        for name, source in sources.items()
    } | dict.fromkeys(targets, MICRO)
    scales |= {name: 1_000 for name, leaf in leaves.items() if leaf.kind == LONGEST}

    def side(number: int, expression: str) -> tuple[Run, str]:
        names = leaves_of(expression)[1]
        money = any(name in sources and _is_money(measures[leaves[name].name]) for name in names)
        return compiled(trees[number], scales), "money" if money else "number"

    return Formula(
        metric,
        measures,
        dimensions,
        leaves,
        sources,
        {n: s for n, s in sources.items() if measures[s.measure].agg is Aggregation.DISTINCT},
        tuple(dict.fromkeys(reads)),
        frozenset(name for name, read in read_by.items() if read == dimensions),
        frozenset(
            name
            for name, read in read_by.items()
            if "currency" in dimensions and "currency" not in read
        ),
        targets,
        guards,
        side(0, metric.numerator),
        side(1, metric.denominator) if metric.denominator else None,
        next(iter(leaves_of(metric.samples)[1])),
    )


def topic_of(event_type: str) -> str:
    """Return the topic of an event, or of the events behind a fact."""
    kind = KIND_BY_FACT.get(event_type)
    return EVENT_TYPES[kind.types[0] if kind else event_type].topic


def _source(leaf: Leaf, measure: Measure, dimensions: tuple[str, ...]) -> Source:
    """Money is by currency; what has no currency is kept without; a total by nothing else."""
    read = tuple(name for name in dimensions if name == "currency" or not leaf.total)
    if not all(map(_names_currency, measure.events)):
        read = tuple(name for name in read if name != "currency")
    return Source(leaf.name, read, leaf.shift, leaf.level, leaf.kind == RETAINED)


def _guard(text: str) -> Source:
    (leaf,) = leaves_of(text)[1].values()
    return Source(leaf.name, (), leaf.shift, leaf.level)


def _names_currency(event_type: str) -> bool:
    if event_type in KIND_BY_FACT:
        return "currency" in fact_fields(event_type)
    return "currency" in EVENT_TYPES[event_type].fields


def _is_money(measure: Measure) -> bool:
    return (
        measure.agg is Aggregation.SUM
        and measure.of == "value"
        and all(_names_currency(t) and _published(t) not in _SCORES for t in measure.events)
    )


def _published(event_type: str) -> str:
    """Return an event, or the event of which a reading's fact tells."""
    kind = KIND_BY_FACT.get(event_type)
    return kind.types[0] if kind is not None and kind.name == "readings" else event_type
