"""Checkpoints as tests write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processors.checkpoint import Checkpoint, Claim
from tests.streams.tables.backends import PARTITIONS

if TYPE_CHECKING:
    from streams.tables.base import PartitionTable

LOG_END = 10**9


async def claimed(table: PartitionTable, **changes: Any) -> Claim:
    """Claim a partition of a topic whose log holds everything."""
    log: dict[str, Any] = {
        "topic_id": "id-1",
        "partitions": PARTITIONS,
        "log_start": 0,
        "log_end": LOG_END,
    }
    return await table.claim(**(log | changes))


def after(last: Claim | Checkpoint, **fields: Any) -> Checkpoint:
    """Return the checkpoint that follows a claim or another checkpoint, ten records on."""
    offset = (last.offset or 0) + 10
    step = {"offset": offset, "max_ts_ms": offset * 1000}
    return Checkpoint(
        epoch=last.epoch,
        number=last.number + 1,
        expected_offset=last.offset,
        **(step | fields),
    )


def counting(last: Claim | Checkpoint, delta: int = 1, start: int = 0, **fields: Any) -> Checkpoint:
    """Return the following checkpoint, which adds to one cell of one pane."""
    base = {start: {"clicks": delta}}
    return after(last, **({"base": base, "rungs": {"10s": base}} | fields))


def hashes(*numbers: int) -> bytes:
    """Return hashes as a checkpoint carries them."""
    return b"".join(number.to_bytes(8, "big") for number in numbers)
