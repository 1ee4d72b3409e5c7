"""Laws of the clocks around a worker's parts."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from streams.bench.meters import STAGES, Meters, _TimedTable
from streams.bench.process import usage

if TYPE_CHECKING:
    from streams.tables.base import PartitionTable

BUSY_S = 0.05


def _work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class _Table:
    """Works, waits, works again; or fails."""

    async def load_due(self, watermark_ms: int) -> int:
        _work(BUSY_S)
        await asyncio.sleep(BUSY_S)
        _work(BUSY_S)
        return watermark_ms

    async def load_states(self, wanted: object) -> None:
        await asyncio.sleep(0)
        raise KeyError(wanted)


@pytest.fixture
def meters() -> Meters:
    """Fresh clocks."""
    return Meters()


@pytest.fixture
def table(meters: Meters) -> Any:
    """A table on these clocks."""
    return _TimedTable(cast("PartitionTable", _Table()), meters)


def test_work_counts_and_waiting_does_not(table: Any, meters: Meters) -> None:
    """A coroutine's steps are on the clock, its waits are not, and its result passes through."""
    assert asyncio.run(table.load_due(7)) == 7
    assert 2 * BUSY_S <= meters.redis_ns / 1e9 < 3 * BUSY_S


def test_errors_pass_through(table: Any) -> None:
    """A timed coroutine fails as it would without clocks."""
    with pytest.raises(KeyError, match="x"):
        asyncio.run(table.load_states("x"))


def test_cancellation_passes_through(table: Any) -> None:
    """A timed coroutine can be cancelled while it waits."""

    async def cancelled() -> bool:
        task = asyncio.ensure_future(table.load_due(7))
        await asyncio.sleep(1.5 * BUSY_S)
        task.cancel()
        return bool((await asyncio.gather(task, return_exceptions=True))[0])

    assert asyncio.run(cancelled())


def test_stages_add_up_to_the_process(meters: Meters) -> None:
    """The stages are all of the process's time."""
    before = time.process_time()
    found = meters.seconds()
    assert set(found) == set(STAGES)
    assert before <= sum(found.values()) <= time.process_time()


def test_usage_of_a_process() -> None:
    """Time and memory of a running process are told; of none there is nothing."""
    _work(BUSY_S)
    used = usage(os.getpid())
    assert used is not None
    assert used.cpu_s > 0
    assert used.rss_bytes > 10 * 2**20
    assert usage(2**30) is None
