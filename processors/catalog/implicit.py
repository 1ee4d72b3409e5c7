"""Measures that the catalogue adds by itself: targets, exchange rates, arrivals of inputs.

A KPI that reads an outside input (a cost, a reading) is undefined where none arrived in its window:
nobody could tell nothing spent from nothing reported. An *arrivals* measure counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors.catalog.model import Aggregation, Measure
from processors.catalog.operand import TARGET, Operand

if TYPE_CHECKING:
    from collections.abc import Iterable

TARGET_DIMENSIONS: Final = ("kpi", "source", "campaign", "channel", "network", "list")
TARGETS: Final = Measure("target_readings", ("target_changed",), Aggregation.SUM, "value")
TARGETS_KNOWN: Final = Measure("targets_known", ("target_changed",), Aggregation.SUM, "known")
RATES: Final = Measure("fx_readings", ("fx_rate_changed",), Aggregation.SUM, "value")
IMPLICIT: Final = {m.name: m for m in (TARGETS, TARGETS_KNOWN, RATES)}

# What is reported from outside, and may be late or missing: events, and facts made of them.
INPUTS: Final = frozenset(
    {
        "ad_cost", "marketing_cost", "expense", "purchase_cost", "balance_changed",
        "market_impressions_changed", "social_reach_changed", "keyword_rank_changed",
    }
)  # fmt: skip
_ARRIVED: Final = "_arrived"
_CHANGED: Final = "_changed"


def is_input(measure: Measure) -> bool:
    """Whether all that a measure adds up is reported from outside."""
    return INPUTS.issuperset(measure.events)


def arrivals(measure: Measure) -> Measure:
    """Return the count of what a measure's events brought; of readings, the kinds that are known.

    An unchanged reading concludes no fact, but what is known stays known.
    """
    name = measure.name + _ARRIVED
    if all(event.endswith(_CHANGED) for event in measure.events):
        return Measure(name, measure.events, Aggregation.SUM, "known")
    return Measure(name, measure.events, Aggregation.COUNT)


def arrivals_read(
    operands: Iterable[Operand], measures: dict[str, Measure]
) -> tuple[tuple[str, ...], list[Measure]]:
    """Return the leaves that guard some operands, and the measures to add for them."""
    leaves: dict[str, None] = {}
    fresh: list[Measure] = []
    for operand in operands:
        measure = None if operand.kind == TARGET else measures.get(operand.name)
        if measure is None or not is_input(measure):
            continue
        wanted = arrivals(measure)
        same = (m for m in (*measures.values(), *fresh) if _counts_alike(m, wanted))
        found = next(same, None)
        if found is None:
            fresh.append(wanted)
            found = wanted
        leaves[Operand(found.name, slot=operand.slot, total=True).text] = None
    return tuple(leaves), fresh


def _counts_alike(measure: Measure, wanted: Measure) -> bool:
    plain = not (measure.where or measure.bounds or measure.weights)
    alike = (measure.agg, measure.of) == (wanted.agg, wanted.of)
    return plain and alike and set(measure.events) == set(wanted.events)
