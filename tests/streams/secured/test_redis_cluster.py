"""The product on a Redis Cluster of three primaries."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import redis

from processors.errors import UnreachableError
from streams.backup.read import back_up
from streams.backup.write import restore
from streams.doctor.store import check_store
from streams.settings import Settings
from streams.tables.admin import drop_namespace
from streams.tables.connection import address_of, call, nodes_of, open_client
from streams.tables.server import check_server
from tests.streams.secured.run import count_through
from tests.support.redis_shards import SHARDS, cluster_url, redis_shards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis.asyncio import Redis

    from streams.embedded.servers import Addresses

pytestmark = [pytest.mark.servers]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Every node's URL."""
    with redis_shards(tmp_path_factory.mktemp("shards")) as urls:
        yield urls


def test_partitions_are_spread_over_the_shards_and_counted_exactly(
    servers: Addresses, shards: list[str], eventually: Callable[..., None], tmp_path: Path
) -> None:
    """A namespace on three shards counts as on one server, lies on all, is copied and dropped."""
    settings = Settings(
        broker=servers.broker,
        redis_url=cluster_url(shards),
        namespace="sharded",
        partitions=6,
        tick_interval_ms=0,
        checkpoint_interval_ms=100,
        rebalance_timeout_ms=1_500,
    )
    count_through(settings, eventually)
    nodes = [redis.Redis.from_url(url) for url in shards]
    assert all(len(node.keys("kpi:sharded:*:meta")) > 0 for node in nodes)

    async def copy_and_drop() -> None:
        client = open_client(settings.redis_url)
        await back_up(client, settings.namespace, tmp_path / "b", lambda *_: None)
        await restore(client, tmp_path / "b", "copy", replace=False, report=lambda *_: None)
        assert await keys_of(client, "copy") == await keys_of(client, settings.namespace)
        for namespace in (settings.namespace, "copy"):
            await drop_namespace(client, namespace)
        await client.aclose()

    async def keys_of(client: Redis, namespace: str) -> set[bytes]:
        found = [await call(node, "KEYS", f"kpi:{namespace}:*") for node in await nodes_of(client)]
        return {key.split(b":", 2)[2] for keys in found for key in keys}

    asyncio.run(copy_and_drop())
    assert [node.dbsize() for node in nodes] == [0] * SHARDS


def test_every_shard_is_checked(shards: list[str]) -> None:
    """The worker's check and the doctor's look at each primary, and name the one that evicts."""

    async def check() -> tuple[str, str]:
        client = open_client(cluster_url(shards))
        try:
            report = await check_server(client)
            return report.address, address_of(client)
        finally:
            await client.aclose()

    checked, told = asyncio.run(check())
    assert checked == told
    assert all(url.split("//")[1].split("/")[0] in told for url in shards)
    last = redis.Redis.from_url(shards[-1])
    last.config_set("maxmemory-policy", "allkeys-lru")
    try:
        findings = list(check_store(Settings(redis_url=cluster_url(shards))))
    finally:
        last.config_set("maxmemory-policy", "noeviction")
    assert len([f for f in findings if f.subject == "eviction"]) == SHARDS
    (wrong,) = (f for f in findings if f.status.value == "wrong")
    assert "allkeys-lru" in wrong.detail


def test_a_cluster_that_is_away_is_unreachable() -> None:
    """No node: the product's own error, with the address and without a login."""

    async def check() -> None:
        client = open_client("redis+cluster://me:secret@127.0.0.1:1")
        try:
            await check_server(client)
        finally:
            await client.aclose()

    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1 is unreachable") as caught:
        asyncio.run(check())
    assert "secret" not in str(caught.value)
