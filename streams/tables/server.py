"""Whether a Redis or Valkey server can be trusted with the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from processors.errors import CheckFailedError
from streams.tables.connection import address_of, call, nodes_of, reaching

_POLICY: Final = "noeviction"
_PROBE: Final = "return cmsgpack and struct and 1 or 0"
_KEPT: Final = ("aof", "rdb", "none")  # from the safest on
_VERSION_MIN: Final = (6, 2)  # exclusive stream ranges


@dataclass(frozen=True)
class ServerReport:
    """What a server says about itself.

    Attributes:
        address: host:port/db, without user or password.
        version: of Redis, or of the Redis that Valkey says it is compatible with.
        persistence: ``aof``, ``rdb`` or ``none``.
        memory_used_bytes: now.
        memory_max_bytes: 0 where there is no limit.
        warnings: what works, but may cost data.
    """

    address: str
    version: str
    persistence: str
    memory_used_bytes: int
    memory_max_bytes: int
    warnings: tuple[str, ...]


async def check_server(client: Redis) -> ServerReport:
    """Check that the server is there, new enough, writable, and never evicts.

    Raises:
        UnreachableError: it is away or refused.
        CheckFailedError: it would lose tables, or lacks what they need.
    """
    with reaching(client):
        nodes = await nodes_of(client)
        reports = [await _check_node(node, client) for node in nodes]
    if len(reports) == 1:
        return reports[0]
    return ServerReport(
        address=address_of(client),
        version=min((report.version for report in reports), key=_numbers),
        persistence=max((report.persistence for report in reports), key=_KEPT.index),
        memory_used_bytes=sum(report.memory_used_bytes for report in reports),
        memory_max_bytes=sum(report.memory_max_bytes for report in reports),
        warnings=tuple(f"{r.address}: {text}" for r in reports for text in r.warnings),
    )


async def _check_node(client: Redis, whole: Redis) -> ServerReport:
    address = address_of(client)
    with reaching(whole):
        info = cast("dict[str, Any]", await call(client, "INFO"))
        saves = await _save_points(client)
        scripts = await call(client, "EVAL", _PROBE, 0)
    policy = str(info.get("maxmemory_policy", "unknown"))
    if policy != _POLICY:
        raise CheckFailedError(
            f"Redis at {address}: maxmemory-policy: {policy!r}: tables would be evicted without a "
            f"word. Set it to {_POLICY}"
        )
    version = str(info.get("redis_version", "0"))
    if _numbers(version) < _VERSION_MIN:
        raise CheckFailedError(
            f"Redis at {address}: version: {version!r}: the tables need "
            f"{'.'.join(map(str, _VERSION_MIN))} or newer"
        )
    if not scripts:
        raise CheckFailedError(
            f"Redis at {address}: Lua: cmsgpack or struct is missing: checkpoints are scripts that "
            "need both. Use Redis or Valkey itself"
        )
    if info.get("role") == "slave":
        raise CheckFailedError(
            f"Redis at {address}: role: 'replica': checkpoints cannot be written there. Set "
            "redis_url to the primary"
        )
    persistence = "aof" if info.get("aof_enabled") else "rdb" if saves else "none"
    return ServerReport(
        address=address,
        version=version,
        persistence=persistence,
        memory_used_bytes=int(info.get("used_memory", 0)),
        memory_max_bytes=int(info.get("maxmemory", 0)),
        warnings=tuple(_warnings(persistence, info)),
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


async def _save_points(client: Redis) -> bool:
    """Return whether snapshots are taken; hosted servers may not tell: then assume they are."""
    try:
        reply = await call(client, "CONFIG GET", "save")
    except ResponseError:
        return True
    return bool(reply.get("save"))


def _warnings(persistence: str, info: dict[str, Any]) -> list[str]:
    warnings = []
    if persistence == "none":
        warnings.append(
            "no persistence: after a restart everything is counted anew from what the log holds"
        )
    if persistence == "rdb":
        warnings.append(
            "snapshots only: after a crash the log is read again from the last snapshot on"
        )
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        warnings.append("the last snapshot failed: checkpoints may be refused")
    if info.get("aof_enabled") and info.get("aof_last_write_status", "ok") != "ok":
        warnings.append("the last write of the append-only file failed: is its disk full?")
    return warnings
