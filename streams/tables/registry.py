"""The registry of a namespace: which topics and partitions it has.

It lies in another cluster slot than the partitions, so the two are never written at once. The
order that is safe: a topic is registered before a partition's first claim, and a partition is
marked as checkpointed before its first checkpoint. A crash between leaves a mark without a
checkpoint, but never without the partition's ``meta`` (the claim wrote it): only lost tables do.
"""

from __future__ import annotations

from typing import cast

from redis.asyncio import Redis

from processors.errors import CheckFailedError
from processors.schema import OLDEST, Schema
from streams.tables.base import PartitionId
from streams.tables.connection import call
from streams.tables.keys import (
    REGISTRY_DROPPING,
    REGISTRY_TOPIC,
    PartitionKeys,
    registry_key,
)
from streams.tables.script import run
from streams.tables.verdict import claim_refused


async def register(
    client: Redis,
    namespace: str,
    who: PartitionId,
    *,
    topic_id: str,
    partitions: int,
    schema: Schema,
) -> bool:
    """Make a topic known and return whether the partition ever had a checkpoint.

    Raises:
        PartitionStoppedError: the namespace knows the topic with another id, number of
            partitions or schema.
    """
    verdict, stored = cast(
        "list[bytes]",
        await run(
            client,
            "register",
            [registry_key(namespace)],
            *(who.topic, who.partition, partitions, topic_id, OLDEST, schema.version),
        ),
    )[:2]
    if verdict != b"ok":
        raise claim_refused(
            f"{namespace}: {who.topic}/{who.partition}",
            verdict.decode(),
            stored.decode(),
            partitions=partitions,
            topic_id=topic_id,
            schema=schema.version,
        )
    return stored == b"1"


async def mark_checkpointed(client: Redis, namespace: str, who: PartitionId) -> bool:
    """Note that the partition has state from now on; False where its namespace is gone."""
    return bool(await run(client, "mark", [registry_key(namespace)], who.topic, who.partition))


def partitions_of(namespace: str, registry: dict[bytes, bytes]) -> dict[PartitionId, PartitionKeys]:
    """Return every partition of a namespace with its keys, given the registry's fields."""
    found: dict[PartitionId, PartitionKeys] = {}
    for name, value in sorted(registry.items()):
        text = name.decode()
        if text.startswith(REGISTRY_TOPIC):
            topic, partitions = text.removeprefix(REGISTRY_TOPIC), int(value)
            for partition in range(partitions):
                keys = PartitionKeys.of(namespace, topic, partition, partitions)
                found[PartitionId(topic, partition)] = keys
    return found


async def refuse_dropping(client: Redis, namespace: str) -> None:
    """Refuse a namespace whose tables are half there.

    Raises:
        CheckFailedError: they are being dropped, restored or moved, or that broke off.
    """
    if await call(client, "HEXISTS", registry_key(namespace), REGISTRY_DROPPING):
        raise CheckFailedError(
            f"namespace {namespace}: its tables are being dropped, restored or moved, or that "
            "broke off half-way. Of a kpi repartition or kpi state restore that broke off, the "
            "backup has everything: kpi state restore FILE --yes, then the command again"
        )


async def read_partitions(client: Redis, namespace: str) -> dict[PartitionId, PartitionKeys]:
    """Return every partition of a namespace with its keys."""
    flat = await call(client, "HGETALL", registry_key(namespace))
    return partitions_of(namespace, cast("dict[bytes, bytes]", flat))
