"""The connection to Redis or Valkey, and its failures in the product's own words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, cast

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from processors.errors import SettingsError, UnreachableError
from streams.tables.sentinel import is_sentinel_url, open_primary, sentinel_address

# A commit may wait for a fork or an fsync; past this the server counts as away.
TIMEOUT_S: Final = 10.0
_RETRIES: Final = 3  # of one command; every command here may be sent twice

# An answer that cannot be read is one that was cut off.
_AWAY = (
    *(RedisConnectionError, RedisTimeoutError, BusyLoadingError, InvalidResponse, OSError),
    RedisClusterException,  # of a cluster that has no node for a slot, or no node at all
)
_CLUSTER: Final = "+cluster"
_REFUSED = (
    *(AuthenticationError, AuthorizationError, NoPermissionError),
    *(OutOfMemoryError, ReadOnlyError),
)
# Refusals that redis-py has no class for, by the first word of the server's error.
_REFUSED_CODES = (
    *("MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "OOM", "READONLY", "NOAUTH"),
    "BUSY ",  # another's script runs for too long
)


def open_client(url: str) -> Redis:
    """Return a client; it connects when it is first used, and is closed by ``aclose()``.

    Args:
        url: ``redis://``, ``rediss://`` (TLS) or ``unix://``; ``redis+cluster://`` and
            ``rediss+cluster://`` where it is one of a cluster's nodes, ``redis+sentinel://`` and
            ``rediss+sentinel://`` where sentinels tell the primary.

    Raises:
        SettingsError: the URL cannot be read.
    """
    options: dict[str, Any] = {
        "decode_responses": False,
        "protocol": 2,
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": Retry(ExponentialBackoff(cap=1.0, base=0.05), _RETRIES),
    }
    try:
        if is_cluster_url(url):
            # It takes the same commands, whose keys are of one slot each.
            return cast("Redis", RedisCluster.from_url(plain_url(url), **options))
        if is_sentinel_url(url):
            return open_primary(url, options)
        return Redis.from_url(url, **options)
    except ValueError as error:
        text = str(error)
        if text.startswith("Port "):  # it quotes what it took for one: it may be of a password
            text = "the port is no number (in a password, / is written %2F)"
        raise SettingsError(f"redis_url cannot be read: {text}") from None


def is_cluster_url(url: str) -> bool:
    """Tell whether a URL names a node of a cluster."""
    return url.partition("://")[0].endswith(_CLUSTER)


def plain_url(url: str) -> str:
    """Return a URL as redis-py knows it."""
    scheme, separator, rest = url.partition("://")
    return scheme.removesuffix(_CLUSTER) + separator + rest


def is_cluster(client: object) -> bool:
    """Tell whether a client is a cluster's, which redis-py does not count among its clients."""
    return isinstance(client, RedisCluster)


async def nodes_of(client: Redis) -> list[Redis]:
    """Return whom to ask what each server answers for itself: a cluster's primaries."""
    found: object = client  # what it is typed as is no base of a cluster's client
    if not isinstance(found, RedisCluster):
        return [client]
    await found.initialize()
    return cast("list[Redis]", found.get_primaries())


def address_of(client: Redis) -> str:
    """Return where a client, or a cluster's node, connects to, without user or password."""
    found: object = client
    if isinstance(found, RedisCluster):
        nodes = found.get_nodes() or list(found.nodes_manager.startup_nodes.values())
        return "cluster " + ",".join(sorted(f"{node.host}:{node.port}" for node in nodes))
    if isinstance(found, ClusterNode):
        return f"{found.host}:{found.port}"
    if sentinels := sentinel_address(client):
        return sentinels
    where = client.connection_pool.connection_kwargs
    if "path" in where:
        return f"unix:{where['path']}"
    return f"{where.get('host', 'localhost')}:{where.get('port', 6379)}/{where.get('db', 0)}"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    """Have a client of :func:`open_client` for a while, and close it.

    Raises:
        SettingsError: the URL cannot be read.
        UnreachableError: the server was away or refused, in whatever was done with the client.
    """
    client = open_client(url)
    try:
        yield client
    except RedisError:  # of other things' errors (a file's, the broker's) nothing is said of Redis
        with reaching(client):
            raise
    finally:
        await client.aclose()


async def call(client: Redis, *command: object) -> Any:
    """Send one command and return its reply."""
    return await client.execute_command(*command)  # type: ignore[no-untyped-call]


def is_refusal(error: RedisError) -> bool:
    """Return whether a healthy command was refused by a server that may take it later."""
    return isinstance(error, _REFUSED) or str(error).startswith(_REFUSED_CODES)


@contextmanager
def reaching(client: Redis) -> Iterator[None]:
    """Turn failures to reach the server into UnreachableError with its address."""
    try:
        yield
    except _AWAY as error:
        if isinstance(error, _REFUSED):
            raise UnreachableError(f"Redis at {address_of(client)} refused: {error}") from error
        why = str(error).rstrip(".")
        raise UnreachableError(
            f"Redis at {address_of(client)} is unreachable: {why}. Start it, or set redis_url"
        ) from error
    except RedisError as error:
        if is_refusal(error):
            raise UnreachableError(f"Redis at {address_of(client)} refused: {error}") from error
        raise
