"""Every partition of a namespace in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from streams.tables.base import (
    Followed,
    PartitionId,
    PartitionSnapshot,
    Position,
    Progress,
    RungPanes,
)
from streams.tables.continuity import lead_on
from streams.tables.memory_store import MemoryPartition, MemoryStore
from streams.tables.merge import merge_panes

_POLL_S = 0.01


class MemoryReader:
    """See :class:`streams.tables.base.TableReader`.

    Args:
        store: the tables' data.
        namespace: whose partitions to read.
    """

    def __init__(self, store: MemoryStore, namespace: str) -> None:
        self._store = store
        self._namespace = namespace

    async def progress(self) -> dict[PartitionId, Progress]:
        """Return how far each partition is."""
        return {
            who: held.progress if held else Progress() for who, held in self._partitions().items()
        }

    async def panes(self, rung: str, start_ms: int, end_ms: int) -> RungPanes:
        """Return the panes that start in [start, end), merged over all partitions."""
        return merge_panes(
            _since(held, rung, start_ms, end_ms) for held in self._partitions().values() if held
        )

    async def snapshot(
        self, rungs_since: Mapping[str, int], only: Collection[PartitionId] | None = None
    ) -> dict[PartitionId, PartitionSnapshot]:
        """Return each partition's panes at one exact position."""
        return {
            who: PartitionSnapshot(
                held.progress if held else Progress(),
                {
                    rung: _since(held, rung, since) if held else {}
                    for rung, since in rungs_since.items()
                },
            )
            for who, held in self._partitions().items()
            if only is None or who in only
        }

    async def follow(self, since: Mapping[PartitionId, Position], *, block_ms: int = 0) -> Followed:
        """Return what was committed after ``since``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + block_ms / 1000
        while True:
            found = self._look(since)
            if found.deltas or found.reload or loop.time() >= deadline:
                return found
            await asyncio.sleep(_POLL_S)

    def _look(self, since: Mapping[PartitionId, Position]) -> Followed:
        found = Followed([], {}, {})
        partitions = self._partitions()
        for who in since.keys() | partitions.keys():
            held = partitions.get(who)
            log = [
                (record.delta, record.after)
                for record in (held.log if held else ())
                if who in since and record.delta.position.number > since[who].number
            ]
            position = held.progress.position if held else Progress().position
            lead_on(found, who, since.get(who), position if who in partitions else None, log)
        return found

    def _partitions(self) -> dict[PartitionId, MemoryPartition | None]:
        space = self._store.namespace(self._namespace)
        return {
            PartitionId(name, partition): space.partitions.get(PartitionId(name, partition))
            for name, topic in sorted(space.topics.items())
            for partition in range(topic.partitions)
        }


def _since(held: MemoryPartition, rung: str, start_ms: int, end_ms: int | None = None) -> RungPanes:
    return {
        start: dict(cells)
        for start, cells in sorted(held.rungs.get(rung, {}).items())
        if start >= start_ms and (end_ms is None or start < end_ms)
    }
