"""Laws of waiting for the worker."""

from __future__ import annotations

import asyncio

import pytest

from processors.errors import CheckFailedError
from streams.replay.arrival import behind, wait_for
from streams.tables.base import PartitionId, Progress

HERE = PartitionId("tracking.ads", 0)
THERE = PartitionId("tracking.ads", 1)


class _Advancing:
    """Tables whose only partition moves on by one at each look, up to ``end``."""

    def __init__(self, end: int) -> None:
        self._offset, self._end = 0, end

    async def progress(self) -> dict[PartitionId, Progress]:
        self._offset = min(self._offset + 1, self._end)
        return {HERE: Progress(offset=self._offset)}


def _wait(reader: _Advancing, wanted: int, left: list[int]) -> None:
    asyncio.run(
        wait_for(
            reader,
            {HERE: wanted},
            check=lambda: None,
            report=left.append,
            stall_timeout_ms=300,
        )
    )


def test_behind() -> None:
    """A partition is behind until its stored offset is one past the last record."""
    wanted = {HERE: 5, THERE: 3}
    assert behind(wanted, {}) == wanted
    assert behind(wanted, {HERE: Progress(), THERE: Progress(offset=3)}) == {HERE: 5}
    assert behind(wanted, {HERE: Progress(offset=9), THERE: Progress(offset=3)}) == {}


def test_waits_until_there() -> None:
    """Waiting ends when the last record is checkpointed, and what is left only shrinks to 0."""
    left: list[int] = []
    _wait(_Advancing(3), 3, left)
    assert left == [2, 1, 0]


def test_gives_up_on_a_stall() -> None:
    """A worker that does not move is named with what it is behind by."""
    with pytest.raises(CheckFailedError, match=r"tracking\.ads/0 by 7"):
        _wait(_Advancing(3), 10, [])
