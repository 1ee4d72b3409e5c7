"""What one event, or a few, would change: run through the pipeline on their own, from nothing.

What they pass on (a purchase to its customer; a backend's purchase to the visitor whom an
``identify`` among them names) is run through the receiving topic's pipeline too.

What follows at once is told apart from what follows when time has passed and nothing else has
happened: a session that ends, a cart that is abandoned, a promised answer that does not come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from processors.bundles import PASSED_ON, bundle, receiver
from processors.catalog.requirements import read_dimensions, reads_of
from processors.cells import CellTable
from processors.checkpoint import Claim
from processors.decode import Rejection
from processors.event import TOPIC_BY_TYPE, record_key, tick_record
from processors.explain import take_apart
from processors.ladder import DAY_MS
from processors.names import CUSTOMER, VISITOR
from processors.pipeline import PartitionPipeline, compile_plan
from processors.sketch import unpack
from processors.slots import Tables, slots_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from processors.bundles import Emission
    from processors.catalog.model import Catalog, Metric
    from processors.explain import Part
    from processors.pipeline import Plan

AT_ONCE: Final = "at once"
LATER: Final = "later, if nothing else happens"
_LATER_MS: Final = 30 * DAY_MS


class Effect(NamedTuple):
    """What a KPI's leaves gain: ``when`` is AT_ONCE or LATER."""

    kpi: str
    when: str
    parts: tuple[Part, ...]


class Effects(NamedTuple):
    """What events change; and why some of them, by position, would be dead letters.

    Attributes:
        unlinked: positions of a backend's purchases of whose customer no event names the visitor:
            in whose session and cart they count hangs on what was published before.
    """

    effects: list[Effect]
    rejections: list[tuple[int, Rejection]]
    unlinked: list[int]


def effects_of(catalog: Catalog, events: Sequence[Mapping[str, Any]], now_ms: int) -> Effects:
    """Return what events would change in every KPI, in their order.

    Args:
        catalog: the KPIs.
        events: as they would be published.
        now_ms: when they would be; it is what their times are judged by.
    """
    plan = compile_plan(catalog)
    logs: dict[tuple[str, str], list[int]] = {}
    for index, event in enumerate(events):
        topic = TOPIC_BY_TYPE.get(str(event.get("type")), VISITOR)
        logs.setdefault((topic, record_key(dict(event)) or ""), []).append(index)
    published = {
        who: [msgspec.json.encode(events[index]) for index in indices]
        for who, indices in logs.items()
    }
    passed = _passed_on(plan, published, now_ms)
    once, later = CellTable(), CellTable()
    rejections: list[tuple[int, Rejection]] = []
    for who in {**published, **passed}:
        values = [*published.get(who, ()), *passed.get(who, ())]
        found = _run(plan, who[0], values, now_ms, len(events))
        _add(once, found.once)
        _add(later, found.later)
        rejections += ((logs[who][rejection.offset], rejection) for rejection in found.rejections)
    effects = [
        Effect(metric.id, when, parts)
        for metric in catalog.metrics.values()
        for when, cells in ((AT_ONCE, once), (LATER, later))
        if (parts := _parts(catalog, metric, cells))
    ]
    return Effects(effects, rejections, _unlinked(events))


def _unlinked(events: Sequence[Mapping[str, Any]]) -> list[int]:
    linked = {
        event.get("customer_id")
        for event in events
        if event.get("type") == "identify" and event.get("visitor_id")
    }
    return [
        index
        for index, event in enumerate(events)
        if event.get("type") == "purchase"
        and event.get("customer_id")
        and not event.get("visitor_id")
        and event["customer_id"] not in linked
    ]


def _passed_on(
    plan: Plan, published: Mapping[tuple[str, str], list[bytes]], now_ms: int
) -> dict[tuple[str, str], list[bytes]]:
    """Return what is passed on to whom: to customers, and from them to visitors."""
    found: dict[tuple[str, str], list[bytes]] = {}
    sources = dict(published)
    for topic in (VISITOR, CUSTOMER):
        for number, ((of, _), values) in enumerate(sources.items()):
            if of != topic:
                continue
            for one in _run(plan, topic, values, now_ms, len(values)).emissions:
                lane = found.setdefault((PASSED_ON[topic], receiver(topic, one)), [])
                lane.append(bundle(topic, number, [one]))
        sources |= found
    return found


class _Ran(NamedTuple):
    once: list[Mapping[str, int | frozenset[int]]]
    later: list[Mapping[str, int | frozenset[int]]]
    rejections: list[Rejection]
    emissions: list[Emission]


def _run(plan: Plan, topic: str, values: list[bytes], now_ms: int, events: int) -> _Ran:
    """Run one partition that nothing else is in."""
    pipeline = PartitionPipeline(
        plan,
        Claim(1, 0, None, None),
        topic=topic,
        partition=0,
        dedup_horizon=len(values) + 1,
        state_cache_max=events * 8 + 8,
    )
    records = [(offset, now_ms, None, value) for offset, value in enumerate(values)]
    batch = pipeline.decode(records)
    pipeline.apply(batch, {})
    once = _drained(pipeline, len(records))
    seal_ms = max(now_ms, pipeline.watermark_ms or now_ms) + _LATER_MS
    pipeline.apply(pipeline.decode([(len(records), seal_ms, None, tick_record(seal_ms, 0))]), {})
    later = _drained(pipeline, len(records) + 1)
    return _Ran(once, later, batch.rejections, batch.emissions)


def _drained(
    pipeline: PartitionPipeline, next_offset: int
) -> list[Mapping[str, int | frozenset[int]]]:
    checkpoint = pipeline.drain(next_offset=next_offset)
    if checkpoint is None:
        return []
    sketches = checkpoint.base_sketches.values()
    return [
        *checkpoint.base.values(),
        *({name: unpack(hashes) for name, hashes in cells.items()} for cells in sketches),
    ]


def _add(table: CellTable, panes: Iterable[Mapping[str, int | frozenset[int]]]) -> None:
    for (measure, joined), components in CellTable.of(panes).groups.items():
        held = table.groups.setdefault((measure, joined), {})
        for component, values in components.items():
            for key, amount in values.items():
                number = amount if isinstance(amount, int) else len(amount)
                into = held.setdefault(component, {})
                into[key] = number + into.get(key, 0)  # type: ignore[operator]


def _parts(catalog: Catalog, metric: Metric, cells: CellTable) -> tuple[Part, ...]:
    """Return what the leaves gain that read the window or all up to its end."""
    if not any(
        cells.components(read.measure, read_dimensions(read, catalog.measures[read.measure], names))
        for read in reads_of(metric)
        for names in metric.dimension_sets[:1]
        if not read.slot.shift
    ):
        return ()
    empty = CellTable()
    tables = Tables({slot: empty if slot.shift else cells for slot in slots_of(metric)})
    return tuple(
        part for part in take_apart(catalog, metric, tables) if part.figure not in (0, "0.00")
    )
