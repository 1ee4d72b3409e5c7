"""Redis behind Sentinel: which server is the primary is asked whenever a connection is made.

``redis+sentinel://USER:PASSWORD@HOST:26379,HOST:26379/SERVICE/DB?sentinel_password=...``; with
``rediss+sentinel://`` servers and sentinels speak TLS. User and password are the servers'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlencode

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK: Final = "+sentinel"
PORT: Final = 26_379
_OWN: Final = "sentinel_"  # what of the query is for the sentinels alone: username, password


@dataclass(frozen=True)
class SentinelUrl:
    """A URL, taken apart.

    Attributes:
        hosts: of the sentinels.
        service: the name under which they watch the primary.
        options: of connections to the servers.
        sentinel_options: of connections to the sentinels.
    """

    hosts: tuple[tuple[str, int], ...]
    service: str
    options: Mapping[str, Any]
    sentinel_options: Mapping[str, Any]

    @property
    def address(self) -> str:
        """Where that is, without user or password."""
        return f"sentinel {self.service} of " + ",".join(f"{h}:{p}" for h, p in self.hosts)


def is_sentinel_url(url: str) -> bool:
    """Tell whether a URL names sentinels."""
    return url.partition("://")[0].endswith(MARK)


def parse_sentinel_url(url: str) -> SentinelUrl:
    """Take a URL apart.

    Raises:
        ValueError: a host, a port or the service is missing.
    """
    scheme, _, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    place, _, path = rest.partition("/")
    login, at, hosts = place.rpartition("@")
    service, _, database = path.partition("/")
    found = tuple(_host(one) for one in hosts.split(",") if one)
    if not found or not service:
        raise ValueError("a sentinel's host and the service's name are needed: HOST:PORT/SERVICE")
    pairs = parse_qsl(query)
    shared = urlencode([(k, v) for k, v in pairs if not k.startswith(_OWN)])
    plain = f"{scheme.removesuffix(MARK)}://{login}{at}host/{database}?{shared}"
    options: dict[str, Any] = dict(parse_url(plain))
    del options["host"]
    if options.pop("connection_class", None) is not None:
        options["ssl"] = True
    login_options = ("username", "password", "db")
    own = {k: v for k, v in options.items() if k not in login_options}
    own |= {k.removeprefix(_OWN): v for k, v in pairs if k.startswith(_OWN)}
    return SentinelUrl(found, unquote(service), options, own)


def open_primary(url: str, options: Mapping[str, Any]) -> Redis:
    """Return a client of whichever server is the primary.

    Args:
        url: of the sentinels.
        options: of every connection.

    Raises:
        ValueError: the URL cannot be read.
    """
    found = parse_sentinel_url(url)
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        list(found.hosts),
        sentinel_kwargs={**options, **found.sentinel_options},
        **{**options, **found.options},
    )
    client: Redis = sentinel.master_for(found.service, redis_class=_Primary)
    return client


def sentinel_address(client: Redis) -> str:
    """Return where a client asks, empty where it asks no sentinel."""
    pool: object = client.connection_pool
    if not isinstance(pool, SentinelConnectionPool):
        return ""
    asked = [one.connection_pool.connection_kwargs for one in pool.sentinel_manager.sentinels]
    where = sorted(f"{one['host']}:{one['port']}" for one in asked)
    return f"sentinel {pool.service_name} of {','.join(where)}"


class _Primary(Redis):
    """Closes the connections to the sentinels along with its own."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close everything."""
        await super().aclose(close_connection_pool)
        pool: object = self.connection_pool
        if isinstance(pool, SentinelConnectionPool):
            await pool.sentinel_manager.aclose()


def _host(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(PORT)
    if not port.isdecimal():  # it is not quoted: it may be of a password that was not escaped
        raise ValueError("a sentinel's port is no number (in a password, / is written %2F)")
    return host.strip("[]"), int(port)
