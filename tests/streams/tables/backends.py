"""The tables on each backend, with the powers that a test needs and a product must not have."""

# ruff: noqa: D102 - the protocol documents its methods once, for both backends

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Protocol

from processors.schema import SCHEMA, Schema
from streams.tables.admin import drop_namespace
from streams.tables.connection import call, open_client
from streams.tables.keys import PartitionKeys, namespace_pattern, registry_key
from streams.tables.memory_reader import MemoryReader
from streams.tables.memory_store import MemoryStore
from streams.tables.memory_table import MemoryTable
from streams.tables.redis_reader import RedisReader
from streams.tables.redis_table import RedisTable

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from streams.tables.base import PartitionTable, TableReader

TOPIC = "tracking.ads"
PARTITIONS = 3


class Backend(Protocol):
    """One namespace on one kind of server."""

    def table(
        self, partition: int = 0, topic: str = TOPIC, schema: Schema = SCHEMA
    ) -> PartitionTable:
        """Return a new owner's table."""
        ...

    def reader(self) -> TableReader:
        """Return a reader of the namespace."""
        ...

    async def dump(self) -> Any:
        """Return everything stored, comparable, and good for :meth:`go_back`."""
        ...

    async def stored(self) -> Any:
        """Return what the partitions have, without the registry."""
        ...

    async def go_back(self, dumped: Any) -> None:
        """Make the server what it was when it was dumped."""
        ...

    async def lose(self, partition: int) -> None:
        """Delete a partition's keys, and leave the registry."""
        ...

    async def drop(self) -> None:
        """Clear the namespace as the product does."""
        ...


class MemoryBackend:
    """In process."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def table(
        self, partition: int = 0, topic: str = TOPIC, schema: Schema = SCHEMA
    ) -> PartitionTable:
        return MemoryTable(self.store, "laws", topic, partition, schema=schema)

    def reader(self) -> TableReader:
        return MemoryReader(self.store, "laws")

    async def dump(self) -> Any:
        return copy.deepcopy(self.store.namespaces)

    async def stored(self) -> Any:
        return copy.deepcopy(self.store.namespace("laws").partitions)

    async def go_back(self, dumped: Any) -> None:
        self.store.namespaces = copy.deepcopy(dumped)

    async def lose(self, partition: int) -> None:
        for who in list(self.store.namespace("laws").partitions):
            if who.partition == partition:
                del self.store.namespace("laws").partitions[who]

    async def drop(self) -> None:
        self.store.drop_namespace("laws")


class RedisBackend:
    """A real server."""

    def __init__(self, url: str, namespace: str) -> None:
        self.client: Redis = open_client(url)
        self.namespace = namespace

    def table(
        self, partition: int = 0, topic: str = TOPIC, schema: Schema = SCHEMA
    ) -> PartitionTable:
        return RedisTable(self.client, self.namespace, topic, partition, schema=schema)

    def reader(self) -> TableReader:
        return RedisReader(self.client, self.namespace)

    def keys(self, partition: int = 0) -> PartitionKeys:
        return PartitionKeys.of(self.namespace, TOPIC, partition, PARTITIONS)

    async def dump(self) -> Any:
        keys = sorted(await call(self.client, "KEYS", namespace_pattern(self.namespace)))
        return {key: await call(self.client, "DUMP", key) for key in keys}

    async def stored(self) -> Any:
        dumped = await self.dump()
        del dumped[registry_key(self.namespace).encode()]
        return dumped

    async def go_back(self, dumped: Any) -> None:
        for key in await call(self.client, "KEYS", namespace_pattern(self.namespace)):
            await call(self.client, "DEL", key)
        for key, value in dumped.items():
            await call(self.client, "RESTORE", key, 0, value)

    async def lose(self, partition: int) -> None:
        pattern = f"{self.keys(partition).prefix}*"
        for key in await call(self.client, "KEYS", pattern):
            await call(self.client, "DEL", key)

    async def drop(self) -> None:
        await drop_namespace(self.client, self.namespace)
