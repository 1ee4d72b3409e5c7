"""Redis or Valkey: does it keep what it is given, and does its clock agree with ours?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.exceptions import RedisClusterException
from redis.sentinel import Sentinel

from streams.doctor.finding import Finding, Status
from streams.settings import shown
from streams.tables.connection import is_cluster_url, plain_url
from streams.tables.sentinel import is_sentinel_url, parse_sentinel_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.settings import Settings

TIMEOUT_S: Final = 5.0
CLOCK_DIFFERENCE_MAX_MS: Final = 1_000
POLICY: Final = "noeviction"


def check_store(settings: Settings) -> Iterator[Finding]:
    """Look at reachability, eviction policy, persistence, memory and clock."""
    address = shown(settings, "redis_url")
    try:
        nodes = _nodes(settings.redis_url)
    except (redis.RedisError, RedisClusterException, ValueError) as error:
        yield Finding("redis", address, Status.UNREACHABLE, " ".join(str(error).split()))
        return
    for name, client in nodes or [(address, _client(settings.redis_url))]:
        yield from _check_node(name, client)


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)


def _nodes(url: str) -> list[tuple[str, redis.Redis]]:
    """Return a cluster's primaries, or the one that sentinels name, with a client each."""
    if is_sentinel_url(url):
        return [_primary(url)]
    if not is_cluster_url(url):
        return []
    cluster = redis.RedisCluster.from_url(
        plain_url(url), socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
    )
    primaries = cluster.get_primaries()  # type: ignore[no-untyped-call]
    return [(str(node.name), cluster.get_redis_connection(node)) for node in primaries]


def _primary(url: str) -> tuple[str, redis.Redis]:
    found = parse_sentinel_url(url)
    limits: dict[str, Any] = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        list(found.hosts),
        sentinel_kwargs={**limits, **found.sentinel_options},
        **{**limits, **found.options},
    )
    host, port = sentinel.discover_master(found.service)  # type: ignore[no-untyped-call]
    client: redis.Redis = sentinel.master_for(found.service)  # type: ignore[no-untyped-call]
    return f"{found.address}: {host}:{port}", client


def _check_node(address: str, client: redis.Redis) -> Iterator[Finding]:
    try:
        before_ms = time.time_ns() // 1_000_000
        seconds, micros = client.time()
        after_ms = time.time_ns() // 1_000_000
        info: dict[str, Any] = client.info()
    except redis.RedisError as error:
        yield Finding("redis", address, Status.UNREACHABLE, " ".join(str(error).split()))
        return
    finally:
        client.close()
    version = (
        f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"
    )
    yield Finding("redis", address, Status.OK, version)
    yield _policy(info)
    yield _persistence(info)
    yield _memory(info)
    yield _clock(int(seconds) * 1000 + int(micros) // 1000, before_ms, after_ms)


def _policy(info: dict[str, Any]) -> Finding:
    policy = str(info.get("maxmemory_policy", "unknown"))
    if policy == POLICY:
        return Finding("redis", "eviction", Status.OK, policy)
    detail = f"maxmemory-policy is {policy}: figures would vanish silently; set it to {POLICY}"
    return Finding("redis", "eviction", Status.WRONG, detail)


def _persistence(info: dict[str, Any]) -> Finding:
    if info.get("aof_enabled"):
        if info.get("aof_last_write_status") != "ok":
            return Finding(
                "redis", "persistence", Status.WRONG, "the last append-only write failed"
            )
        return Finding("redis", "persistence", Status.OK, "append-only file")
    detail = (
        "no append-only file: after a crash the log is read again from the last snapshot, if any"
    )
    return Finding("redis", "persistence", Status.WARNING, detail)


def _memory(info: dict[str, Any]) -> Finding:
    used, limit = int(info["used_memory"]), int(info.get("maxmemory", 0))
    detail = f"{used / 1e6:.1f} MB used, " + (
        f"{limit / 1e6:.1f} MB allowed" if limit else "no limit"
    )
    status = Status.WARNING if limit and used > 0.9 * limit else Status.OK
    return Finding("redis", "memory", status, detail)


def _clock(server_ms: int, before_ms: int, after_ms: int) -> Finding:
    """Compare clocks; the reply's way counts as no difference."""
    difference_ms = max(before_ms - server_ms, server_ms - after_ms, 0)
    if difference_ms > CLOCK_DIFFERENCE_MAX_MS:
        detail = f"{difference_ms} ms apart from this machine's: freshness would read wrong"
        return Finding("clock", "redis", Status.WRONG, detail)
    return Finding("clock", "redis", Status.OK, f"within {CLOCK_DIFFERENCE_MAX_MS} ms of this one")
