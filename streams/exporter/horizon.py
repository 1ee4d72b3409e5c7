"""How far the figures of some topics reach: where windows end, and since when they are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.catalog.versions import fed_by, items_read
from processors.slots import slot_runs, slots_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from collections.abc import Set as AbstractSet

    from processors.catalog.model import Catalog, Metric, Window
    from processors.catalog.versions import Kept
    from processors.ladder import Ladder
    from streams.tables.base import PartitionId, Progress

    Partitions = Mapping[PartitionId, Progress]


def reached_ms(partitions: Partitions, topics: AbstractSet[str]) -> int | None:
    """Return the event time that the slowest partition of some topics has reached.

    None where a partition has not had any record yet, or a topic has not been claimed by any
    worker: the first events may be of any time, so nothing can be final.
    """
    times_ms: dict[str, list[int | None]] = {topic: [] for topic in topics}
    for who, seen in partitions.items():
        if who.topic in topics:
            times_ms[who.topic].append(seen.max_ts_ms)
    slowest = [_slowest(times) for times in times_ms.values()]
    return _slowest(slowest)


def watermark_ms(
    partitions: Partitions, topics: AbstractSet[str], allowed_lateness_ms: int
) -> int | None:
    """Return the slowest partition's watermark among some topics; None as in reached_ms."""
    reached = reached_ms(partitions, topics)
    return None if reached is None else reached - allowed_lateness_ms


def holding(partitions: Partitions, topics: AbstractSet[str]) -> list[str]:
    """Name what keeps some topics from having any final window: silent or unclaimed."""
    claimed = {who.topic for who in partitions}
    silent = [
        f"{who.topic}/{who.partition} has had no record"
        for who, seen in sorted(partitions.items())
        if who.topic in topics and seen.max_ts_ms is None
    ]
    return [*(f"no worker has claimed {topic}" for topic in sorted(topics - claimed)), *silent]


def _slowest(times_ms: Collection[int | None]) -> int | None:
    """Return the smallest time; None where there is none, or one is unknown."""
    known = [ts for ts in times_ms if ts is not None]
    return min(known) if known and len(known) == len(times_ms) else None


def kept_from_ms(partitions: Partitions, topics: AbstractSet[str]) -> dict[str, int]:
    """Return rung -> panes that start before this are deleted in some partition of some topics."""
    kept: dict[str, int] = {}
    for who, seen in partitions.items():
        if who.topic in topics:
            for rung, start_ms in seen.kept_from_ms.items():
                kept[rung] = max(start_ms, kept.get(rung, start_ms))
    return kept


def read_from_ms(metric: Metric, window: Window, end_ms: int, ladder: Ladder) -> dict[str, int]:
    """Return rung -> the first pane that a KPI reads for the window that ends at ``end_ms``."""
    first_ms: dict[str, int] = {}
    for slot in slots_of(metric):
        for run in slot_runs(slot, window, end_ms, ladder).all:
            first_ms[run.rung] = min(run.start_ms, first_ms.get(run.rung, run.start_ms))
    return first_ms


def counted_since_ms(
    partitions: Partitions, topics: AbstractSet[str], since_key: str
) -> int | None:
    """Return since when every partition of some topics counts something; None: some do not yet."""
    times_ms = [
        seen.counters.get(since_key) if seen.number else 1
        for who, seen in partitions.items()
        if who.topic in topics
    ]
    return None if None in times_ms else max((ts for ts in times_ms if ts), default=1)


def is_counted(
    catalog: Catalog,
    kept: Kept,
    partitions: Partitions,
    asked: tuple[Metric, Window, tuple[str, ...]],
    read_from: Mapping[str, int],
) -> bool:
    """Tell whether all that a KPI's rows read was counted when their first pane began.

    Args:
        catalog: the definitions.
        kept: what the namespace keeps of them.
        partitions: how far each partition is.
        asked: KPI, window and dimension set.
        read_from: rung -> the first pane that is read (ms); a rung without one is read whole.
    """
    if not kept.generations:
        return True
    metric, window, dimensions = asked
    for item in items_read(catalog, kept, metric, window, dimensions):
        key = kept.since_key(item.name)
        if key is None:
            continue
        since_ms = counted_since_ms(partitions, fed_by(catalog, item.measure), key)
        if since_ms is None or (since_ms > 1 and read_from.get(item.rung, 0) < since_ms):
            return False
    return True


def is_complete(read_from: Mapping[str, int], kept_from: Mapping[str, int]) -> bool:
    """Tell whether none of the panes that are read has been deleted; both by rung (ms)."""
    return all(start >= kept_from.get(rung, start) for rung, start in read_from.items())
