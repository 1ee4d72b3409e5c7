"""Clearing a namespace."""

from __future__ import annotations

from typing import Final, cast

from redis.asyncio import Redis

from streams.tables.connection import call, nodes_of, reaching
from streams.tables.keys import REGISTRY_DROPPING, namespace_pattern, registry_key
from streams.tables.registry import read_partitions

_BATCH: Final = 1_000


async def drop_namespace(client: Redis, namespace: str, *, reserve: bool = False) -> int:
    """Delete every key of a namespace and return how many there were.

    Safe to repeat after a crash, and beside a running worker: claims are refused from the start,
    its next checkpoint is fenced, and the registry goes last.

    Args:
        client: of the server.
        namespace: whose keys.
        reserve: go on refusing claims: something else is to be written there.

    Raises:
        UnreachableError: the server is away or refused.
    """
    registry = registry_key(namespace)
    with reaching(client):
        known = int(await call(client, "EXISTS", registry))
        await call(client, "HSET", registry, REGISTRY_DROPPING, 1)
        partitions = await read_partitions(client, namespace)
        deleted = await _unlink(client, [keys.meta.encode() for keys in partitions.values()])
        for node in await nodes_of(client):
            cursor = 0
            while True:
                position, found = cast(
                    "tuple[int, list[bytes]]",
                    await call(
                        node, "SCAN", cursor, "MATCH", namespace_pattern(namespace), "COUNT", _BATCH
                    ),
                )
                deleted += await _unlink(client, [key for key in found if key != registry.encode()])
                cursor = int(position)
                if cursor == 0:
                    break
        pipeline = client.pipeline(transaction=True)
        pipeline.execute_command("UNLINK", registry)
        if reserve:
            pipeline.execute_command("HSET", registry, REGISTRY_DROPPING, 1)
        await pipeline.execute()
        return deleted + known


async def _unlink(client: Redis, keys: list[bytes]) -> int:
    if not keys:
        return 0
    pipeline = client.pipeline(transaction=False)
    for key in keys:  # one by one: they lie in several slots
        pipeline.execute_command("UNLINK", key)
    return sum(await pipeline.execute())
