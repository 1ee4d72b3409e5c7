"""Waiting until the worker has checkpointed what was published."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol

from processors.errors import CheckFailedError
from streams.tables.connection import connected
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.settings import Settings
    from streams.tables.base import PartitionId, Progress

_POLL_S: Final = 0.1


class HasProgress(Protocol):
    """The part of a table reader that waiting needs."""

    async def progress(self) -> dict[PartitionId, Progress]:
        """Return how far each partition is."""
        ...


def behind(
    next_offsets: Mapping[PartitionId, int], progress: Mapping[PartitionId, Progress]
) -> dict[PartitionId, int]:
    """Return, for each partition not there yet, how many records are not checkpointed."""
    left = {}
    for there, wanted in next_offsets.items():
        found = progress.get(there)
        offset = 0 if found is None or found.offset is None else found.offset
        if offset < wanted:
            left[there] = wanted - offset
    return left


async def wait_for(
    reader: HasProgress,
    next_offsets: Mapping[PartitionId, int],
    *,
    check: Callable[[], None],
    report: Callable[[int], None],
    stall_timeout_ms: int,
) -> None:
    """Wait until every partition's stored offset is at least ``next_offsets``.

    Args:
        reader: the namespace's tables.
        next_offsets: one past the last record published, by partition.
        check: called at every look; raises to give up.
        report: gets the number of records not checkpointed yet.
        stall_timeout_ms: how long nothing may move.

    Raises:
        CheckFailedError: nothing moved for that long; names the partitions that are behind.
    """
    previous, moved = None, time.monotonic()
    while left := behind(next_offsets, await reader.progress()):
        check()
        report(sum(left.values()))
        if left != previous:
            previous, moved = left, time.monotonic()
        elif (time.monotonic() - moved) * 1000 > stall_timeout_ms:
            where = ", ".join(f"{p.topic}/{p.partition} by {n}" for p, n in sorted(left.items()))
            raise CheckFailedError(
                f"the worker made no progress for {stall_timeout_ms} ms; behind are {where}"
            )
        await asyncio.sleep(_POLL_S)
    report(0)


def wait_until_checkpointed(
    settings: Settings,
    next_offsets: Mapping[PartitionId, int],
    *,
    check: Callable[[], None],
    report: Callable[[int], None],
) -> None:
    """Wait for the settings' namespace; see :func:`wait_for`.

    Raises:
        UnreachableError: Redis is away or refused.
    """

    async def wait() -> None:
        async with connected(settings.redis_url) as client:
            await wait_for(
                RedisReader(client, settings.namespace),
                next_offsets,
                check=check,
                report=report,
                stall_timeout_ms=settings.stall_timeout_ms,
            )

    asyncio.run(wait())
