"""Taking a partition over while its owner still counts: offsets are compared with a later end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from processors.checkpoint import Checkpoint
from processors.errors import AheadOfLogError
from streams.tables.memory_store import MemoryStore
from streams.tables.memory_table import MemoryTable
from streams.worker.patience import Patience
from streams.worker.ports import Bounds
from streams.worker.takeover import take_over

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BOUNDS = {"topic_id": "", "partitions": 1, "log_start": 0}
STORED = 33


class Growing:
    """A log that is asked for its end: each answer in turn, and what happens right after it."""

    def __init__(self, ends: list[int], after: Callable[[], Awaitable[None]]) -> None:
        self._ends, self._after = ends, after

    async def bounds(self, _topic: str, _partition: int) -> Bounds:
        """Tell the next end."""
        end = self._ends.pop(0)
        await self._after()
        return Bounds("", 1, 0, end)


def taken_over(ends: list[int]) -> int | None:
    """Take over what another owner counts up to STORED as soon as the log's end was asked for."""

    async def body() -> int | None:
        store = MemoryStore()
        owner = MemoryTable(store, "t", "topic", 0)
        epoch = (await owner.claim(**BOUNDS, log_end=0)).epoch  # type: ignore[arg-type]
        done: list[int] = []

        async def count() -> None:
            if not done:
                done.append(STORED)
                await owner.commit(Checkpoint(epoch, 1, None, STORED, 0), expire_before={})

        log: Any = Growing(ends, count)
        table: Any = MemoryTable(store, "t", "topic", 0)
        _, claim = await take_over(log, table, Patience("topic[0]"), "topic", 0)
        assert not ends, "the end was asked for no more often than needed"
        return claim.offset

    return asyncio.run(body())


def test_owner_that_counted_on_meanwhile_stops_nobody() -> None:
    """Its checkpoint lies past the end that was asked for before: the end is asked for again."""
    assert taken_over([32, 34]) == STORED
    assert taken_over([32, 33]) == STORED
    assert taken_over([40]) == STORED


def test_log_that_ends_before_what_was_counted_is_another() -> None:
    """An end asked for after the offset was stored tells for sure."""
    with pytest.raises(AheadOfLogError, match=f"next offset is {STORED}, but the log ends at 32"):
        taken_over([32, 32])
