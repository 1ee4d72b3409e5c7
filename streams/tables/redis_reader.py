"""Every partition of a namespace in Redis, for exporter, query and verification."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from redis.asyncio import Redis

from processors.errors import UnreachableError
from streams.tables.base import (
    Cells,
    Followed,
    PartitionId,
    PartitionSnapshot,
    Position,
    Progress,
    RungPanes,
)
from streams.tables.connection import address_of, call, reaching
from streams.tables.follow import follow
from streams.tables.keys import PartitionKeys
from streams.tables.merge import merge_panes
from streams.tables.parse import parse_cells, parse_progress
from streams.tables.registry import read_partitions
from streams.tables.script import run

_CHUNK: Final = 16  # panes a request: Redis serves others between two requests
_TRIES: Final = 10  # a partition changes its owner rarely, a snapshot takes seconds at most

Bounds = Mapping[str, tuple[int, int]]  # rung -> first pane start wanted, end (ms)
_FOREVER_MS: Final = 2**53


class RedisReader:
    """See :class:`streams.tables.base.TableReader`.

    Args:
        client: closed by whoever opened it.
        namespace: whose partitions to read.
    """

    def __init__(self, client: Redis, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def progress(self) -> dict[PartitionId, Progress]:
        """Return how far each partition is."""
        with reaching(self._client):
            partitions = await read_partitions(self._client, self._namespace)
            replies = await self._all(("HGETALL", keys.meta) for keys in partitions.values())
        return {
            who: parse_progress(cast("dict[bytes, bytes]", meta))
            for who, meta in zip(partitions, replies, strict=True)
        }

    async def panes(self, rung: str, start_ms: int, end_ms: int) -> RungPanes:
        """Return the panes that start in [start, end), merged over all partitions."""
        with reaching(self._client):
            partitions = await read_partitions(self._client, self._namespace)
            snapshots = [
                await self._partition(keys, {rung: (start_ms, end_ms)})
                for keys in partitions.values()
            ]
        return merge_panes(snapshot.rungs[rung] for snapshot in snapshots)

    async def snapshot(
        self, rungs_since: Mapping[str, int], only: Collection[PartitionId] | None = None
    ) -> dict[PartitionId, PartitionSnapshot]:
        """Return each partition's panes at one exact position."""
        bounds = {rung: (since, _FOREVER_MS) for rung, since in rungs_since.items()}
        with reaching(self._client):
            partitions = await read_partitions(self._client, self._namespace)
            return {
                who: await self._partition(keys, bounds)
                for who, keys in partitions.items()
                if only is None or who in only
            }

    async def follow(self, since: Mapping[PartitionId, Position], *, block_ms: int = 0) -> Followed:
        """Return what was committed after ``since``."""
        with reaching(self._client):
            return await follow(self._client, self._namespace, since, block_ms)

    async def _partition(self, keys: PartitionKeys, bounds: Bounds) -> PartitionSnapshot:
        """Read in small requests, then, at one instant, again what changed meanwhile."""
        for _ in range(_TRIES):
            before = parse_progress(await call(self._client, "HGETALL", keys.meta))
            rungs: dict[str, RungPanes] = {
                # Before the first checkpoint everything is a change since.
                rung: await self._rung(keys, rung, first, end) if before.number else {}
                for rung, (first, end) in bounds.items()
            }
            args = [part for rung, bound in bounds.items() for part in (rung, *bound)]
            meta, changes = await run(self._client, "changes", [keys.meta], before.number, *args)
            after = parse_progress(_pairs(meta))
            # Another writer: Redis may have gone back and used the numbers again.
            if before.number == 0 or before.writer == after.writer:
                for rung, start, cells, sketches in _quadruples(changes):
                    rungs[rung.decode()][int(start)] = parse_cells(_pairs(cells), _pairs(sketches))
                return PartitionSnapshot(after, rungs)
            await asyncio.sleep(0)
        raise UnreachableError(
            f"Redis at {address_of(self._client)}: {keys.meta} changed its owner {_TRIES} times "
            "while it was read: its workers do not keep their partition"
        )

    async def _rung(self, keys: PartitionKeys, rung: str, first: int, end: int) -> RungPanes:
        members = await call(self._client, "ZRANGEBYSCORE", keys.index(rung), first, f"({end}")
        starts = [int(member) for member in members]
        panes: dict[int, Cells] = {}
        for at in range(0, len(starts), _CHUNK):
            chunk = starts[at : at + _CHUNK]
            replies = await self._all(
                ("HGETALL", key)
                for start in chunk
                for key in (keys.pane(rung, start), keys.sketch(rung, start))
            )
            for start, cells, sketches in zip(chunk, replies[::2], replies[1::2], strict=True):
                panes[start] = parse_cells(cells, sketches)
        return panes

    async def _all(self, commands: Iterable[tuple[str, str]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return await pipeline.execute()


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _quadruples(flat: Sequence[Any]) -> Iterable[tuple[Any, Any, Any, Any]]:
    return zip(flat[::4], flat[1::4], flat[2::4], flat[3::4], strict=True)
