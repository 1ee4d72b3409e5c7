"""Whether a server can be trusted with the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.errors import CheckFailedError, SettingsError, UnreachableError
from streams.embedded.ports import free_port
from streams.tables.connection import address_of, call, open_client
from streams.tables.server import check_server
from tests.valkey import valkey_server

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path


@pytest.mark.parametrize(
    ("options", "persistence", "warning"),
    [
        (("--appendonly", "yes"), "aof", None),
        (("--save", "60 1"), "rdb", "last snapshot"),
        ((), "none", "counted anew"),
    ],
)
async def test_persistence_is_told(
    runner: asyncio.Runner,
    tmp_path: Path,
    options: tuple[str, ...],
    persistence: str,
    warning: str | None,
) -> None:
    """The report names how the server persists, and warns of what that may cost."""
    with valkey_server(tmp_path, *options) as url:
        client = open_client(url)
        report = await check_server(client)
        await client.aclose()
    assert (report.persistence, report.address) == (persistence, url.removeprefix("redis://"))
    assert report.memory_used_bytes > 0
    assert len(report.warnings) == (warning is not None)
    assert warning is None or warning in report.warnings[0]


async def test_evicting_server_is_refused(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A server that may evict tables is not used."""
    with valkey_server(tmp_path, "--maxmemory-policy", "allkeys-lru") as url:  # BAD!
        client = open_client(url)
        with pytest.raises(CheckFailedError, match=r"maxmemory-policy: 'allkeys-lru'.*noeviction"):
            await check_server(client)
        await client.aclose()


async def test_replica_is_refused(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A server that takes no writes is not used."""
    with valkey_server(tmp_path, "--replicaof", f"127.0.0.1 {free_port()}") as url:  # BAD!
        client = open_client(url)
        with pytest.raises(CheckFailedError, match="replica"):
            await check_server(client)
        await client.aclose()


async def test_wrong_password_is_a_refusal(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A server that refuses the password is named, the password is not."""
    with valkey_server(tmp_path) as url:
        client = open_client(url)
        await call(client, "CONFIG SET", "requirepass", "right")
        await client.aclose()
        for user in ("", ":wrong@"):  # BAD!
            client = open_client(url.replace("redis://", f"redis://{user}"))
            with pytest.raises(UnreachableError, match=r"127.0.0.1:\d+/0 refused") as refused:
                await check_server(client)
            assert "wrong@" not in str(refused.value)
            await client.aclose()


async def test_absent_server_is_unreachable(runner: asyncio.Runner) -> None:
    """A server that is not there is named."""
    client = open_client(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:\d+/0 is unreachable") as told:
        await check_server(client)
    assert ".. " not in str(told.value)
    await client.aclose()


def test_addresses_hide_credentials() -> None:
    """An address is host, port and database, or a socket's path."""
    assert address_of(open_client("rediss://me:secret@redis.example:7000/2")) == (
        "redis.example:7000/2"
    )
    assert address_of(open_client("unix:///run/valkey.sock?db=1")) == "unix:/run/valkey.sock"
    with pytest.raises(SettingsError, match="redis_url"):
        open_client("http://127.0.0.1:6379")  # BAD!
