"""Writing tables from a backup: all of them, or a namespace that refuses to be worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors.errors import UsageError
from streams.backup.file import check_file, read_header, read_parts
from streams.backup.pages import commands
from streams.tables.admin import drop_namespace
from streams.tables.connection import address_of, call, nodes_of, reaching
from streams.tables.keys import (
    REGISTRY_DROPPING,
    REGISTRY_TOPIC,
    PartitionKeys,
    measures_key,
    namespace_pattern,
    registry_key,
    retries_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from redis.asyncio import Redis

    from streams.backup.file import Part

    Report = Callable[[int, int], None]
    Placed = tuple[str, str, list[bytes]]

_BATCH_BYTES: Final = 1 << 20


async def restore(
    client: Redis, path: Path, namespace: str, *, replace: bool, report: Report
) -> int:
    """Make a namespace exactly what a backup says; return how many parts it had.

    The file is read through before anything is changed. From then on until the end, workers are
    refused, also where this ends half way: then it has to be done again.

    Args:
        client: of the server.
        path: the backup.
        namespace: what is written; another one than the backup's makes a copy.
        replace: whether tables that are there may go.
        report: gets how many parts were written, of how many.

    Raises:
        UsageError: the namespace has tables, or the file cannot be opened.
        CheckFailedError: the file is damaged, or of another version.
        UnreachableError: the server is away or refused.
    """
    header = read_header(path)
    total = check_file(path)
    with reaching(client):
        if await has_tables(client, namespace) and not replace:
            raise UsageError(
                f"namespace {namespace} in Redis at {address_of(client)} has tables already: every "
                "figure of it would be replaced by the backup's: add --yes if that is meant"
            )
        counts = topics_of(header.registry)

        def placed() -> Iterable[Placed]:
            for done, part in enumerate(read_parts(path)):
                report(done, total)
                yield place(namespace, part, counts), part.kind, part.items

        await replace_tables(client, namespace, header.registry, placed())
    return total


async def has_tables(client: Redis, namespace: str) -> bool:
    """Tell whether a namespace has any key."""
    for node in await nodes_of(client):
        cursor = 0
        while True:
            position, found = await call(
                node, "SCAN", cursor, "MATCH", namespace_pattern(namespace), "COUNT", 1_000
            )
            if found:
                return True
            cursor = int(position)
            if cursor == 0:
                break
    return False


async def replace_tables(
    client: Redis, namespace: str, registry: Mapping[str, bytes], placed: Iterable[Placed]
) -> None:
    """Drop a namespace and write these keys: the registry last, for workers to begin."""
    await drop_namespace(client, namespace, reserve=True)
    batch: list[tuple[object, ...]] = []
    size = 0
    for key, kind, items in placed:
        batch += commands(key, kind, items)
        size += sum(map(len, items))
        if size > _BATCH_BYTES:
            await _send(client, batch)
            batch, size = [], 0
    await _send(client, batch)
    pipeline = client.pipeline(transaction=True)
    flat = [part for pair in registry.items() for part in pair]
    pipeline.execute_command("HSET", registry_key(namespace), *flat)
    pipeline.execute_command("HDEL", registry_key(namespace), REGISTRY_DROPPING)
    await pipeline.execute()


def topics_of(registry: Mapping[str, bytes]) -> dict[str, int]:
    """Return topic -> number of partitions."""
    return {
        name.removeprefix(REGISTRY_TOPIC): int(value)
        for name, value in registry.items()
        if name.startswith(REGISTRY_TOPIC)
    }


def place(namespace: str, part: Part, partitions: Mapping[str, int]) -> str:
    """Return the key that a part belongs to."""
    if not part.topic:
        return (measures_key if part.name == "measures" else retries_key)(namespace)
    keys = PartitionKeys.of(namespace, part.topic, part.partition, partitions[part.topic])
    return keys.prefix + part.name


async def _send(client: Redis, batch: list[tuple[object, ...]]) -> None:
    if not batch:
        return
    pipeline = client.pipeline(transaction=False)
    for command in batch:
        pipeline.execute_command(*command)
    await pipeline.execute()
