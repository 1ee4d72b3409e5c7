"""Outside inputs: when each was last seen, and what a KPI waits for.

A partition counts the largest event time of each input as it counts events: counters only add, so
it adds what the latest moved on by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors import names
from processors.catalog.operand import TARGET
from processors.event import TOPIC_BY_TYPE
from processors.reading import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processors.catalog.model import Catalog, Metric
    from processors.slots import Tables

SEEN: Final = "seen:"
REPORTS: Final = frozenset(
    {*(t for t, topic in TOPIC_BY_TYPE.items() if topic == names.BUSINESS), "purchase_cost"}
)
"""Inputs by the names under which they are waited for: events, and what purchases say of costs."""

_SET: Final = "target_set"
_CHANGED: Final = "_changed"


def reported_by(event_type: str) -> str:
    """Return the input that an event or fact type comes from."""
    if event_type == "target_changed":
        return _SET
    return event_type.removesuffix(_CHANGED)


def last_seen_ms(counters: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return input -> its largest event time, from every partition's counters."""
    found: dict[str, int] = {}
    for counted in counters:
        for name, ts in counted.items():
            if name.startswith(SEEN):
                kind = name.removeprefix(SEEN)
                found[kind] = max(ts, found.get(kind, ts))
    return found


def inputs_of(catalog: Catalog, metric: Metric) -> tuple[str, ...]:
    """Return the inputs that a KPI reads, whether they have arrived or not."""
    plan = reading(catalog, metric, metric.dimension_sets[0])
    found = [reported_by(e) for read in plan.guards for e in catalog.measures[read.measure].events]
    if any(leaf.operand.kind == TARGET and leaf.fallback is None for leaf in plan.leaves.values()):
        found.append(_SET)
    return tuple(dict.fromkeys(found))


def missing_inputs(catalog: Catalog, metric: Metric, tables: Tables) -> tuple[str, ...]:
    """Return the inputs that a KPI lacks in a window: it is undefined until they arrive.

    Where any one of several would do, they are joined: ``ad_cost or marketing_cost``.
    """
    plan = reading(catalog, metric, metric.dimension_sets[0])
    found = [
        " or ".join(dict.fromkeys(map(reported_by, catalog.measures[name].events)))
        for name in plan.waits(tables)
    ]
    return tuple(dict.fromkeys((*found, *(f"{_SET} {name}" for name in plan.lacks(tables)))))


def waiting_for(missing: str, seen_ms: Mapping[str, int], now_ms: int) -> str:
    """Return what people are told: ``waiting for ad_cost, last seen 26 h ago``."""
    kinds = missing.split(" ", maxsplit=1)[0] if missing.startswith(_SET) else missing
    latest_ms = max((seen_ms[k] for k in kinds.split(" or ") if k in seen_ms), default=None)
    if latest_ms is None:
        return f"waiting for {missing}, never seen"
    return f"waiting for {missing}, last seen {_age(now_ms - latest_ms)} ago"


_UNITS: Final = (  # from this age on (ms), in this unit (ms)
    (3 * 86_400_000, 86_400_000, "d"),
    (3_600_000, 3_600_000, "h"),
    (60_000, 60_000, "min"),
)


def _age(age_ms: int) -> str:
    for least_ms, unit_ms, unit in _UNITS:
        if age_ms >= least_ms:
            return f"{age_ms // unit_ms} {unit}"
    return f"{max(0, age_ms) // 1_000} s"
