"""Following the logs of deltas in Redis; continuity.py says what leads on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, cast

from redis.asyncio import Redis
from redis.exceptions import ClusterCrossSlotError

from streams.tables.base import Delta, Followed, PartitionId, Position
from streams.tables.connection import TIMEOUT_S, call, is_cluster
from streams.tables.continuity import lead_on
from streams.tables.encode import decode_entry
from streams.tables.keys import PartitionKeys
from streams.tables.registry import read_partitions

_COUNT: Final = 64  # entries a partition and look
_POLL_S: Final = 0.05
_BLOCK_MS_MAX: Final = int(TIMEOUT_S * 500)  # half of what the socket waits for an answer

Entries = list[tuple[bytes, dict[bytes, bytes]]]


async def follow(
    client: Redis, namespace: str, since: Mapping[PartitionId, Position], block_ms: int
) -> Followed:
    """See :meth:`streams.tables.base.TableReader.follow`."""
    found = await _look(client, namespace, since)
    if block_ms > 0 and not found.deltas and not found.reload:
        await _wait(client, namespace, since, min(block_ms, _BLOCK_MS_MAX))
        found = await _look(client, namespace, since)
    return found


async def _look(client: Redis, namespace: str, since: Mapping[PartitionId, Position]) -> Followed:
    partitions = await read_partitions(client, namespace)
    found = Followed([], {}, {})
    known = [who for who in since if who in partitions]
    pipeline = client.pipeline(transaction=False)
    for who in known:
        # Meta first: what is committed between the two is in the log, never the other way round.
        pipeline.execute_command("HMGET", partitions[who].meta, "number", "writer")
        pipeline.execute_command(
            *("XRANGE", partitions[who].log, f"({since[who].number}-0", "+", "COUNT", _COUNT)
        )
    replies = await pipeline.execute()
    for who, meta, entries in zip(known, replies[::2], replies[1::2], strict=True):
        stored = Position(int(meta[0] or 0), (meta[1] or b"").decode())
        lead_on(found, who, since[who], stored, _entries(who, entries))
    for who in since.keys() - partitions.keys():
        lead_on(found, who, since[who], None, ())
    for who in partitions.keys() - since.keys():
        lead_on(found, who, None, Position(0, ""), ())
    return found


def _entries(who: PartitionId, entries: Entries) -> list[tuple[Delta, str]]:
    return [
        (
            decode_entry(who, fields[b"writer"].decode(), fields[b"delta"]),
            fields[b"after"].decode(),
        )
        for _, fields in entries
    ]


async def _wait(
    client: Redis, namespace: str, since: Mapping[PartitionId, Position], block_ms: int
) -> None:
    """Return when some log has news, at the latest after ``block_ms``."""
    partitions = await read_partitions(client, namespace)
    known = {who: keys for who, keys in partitions.items() if who in since}
    if is_cluster(client):
        await _poll(client, known, since, block_ms)
        return
    logs = [keys.log for keys in known.values()]
    marks = [f"{since[who].number}-0" for who in known]
    if not known:
        await asyncio.sleep(block_ms / 1000)
        return
    try:
        await call(client, *("XREAD", "COUNT", 1, "BLOCK", block_ms, "STREAMS", *logs, *marks))
    except ClusterCrossSlotError:
        await _poll(client, known, since, block_ms)


async def _poll(
    client: Redis,
    partitions: Mapping[PartitionId, PartitionKeys],
    since: Mapping[PartitionId, Position],
    block_ms: int,
) -> None:
    """Wait where logs lie in several slots: a cluster blocks on one slot only."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + block_ms / 1000
    while loop.time() < deadline:
        pipeline = client.pipeline(transaction=False)
        for keys in partitions.values():
            pipeline.execute_command("HGET", keys.meta, "number")
        numbers = cast("list[bytes | None]", await pipeline.execute())
        if any(
            int(number or 0) != since[who].number
            for who, number in zip(partitions, numbers, strict=True)
        ):
            return
        await asyncio.sleep(min(_POLL_S, max(0.0, deadline - loop.time())))
