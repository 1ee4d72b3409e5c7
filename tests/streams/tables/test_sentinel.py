"""Laws of ``redis+sentinel://``: what the URL means, and that the primary is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.errors import SettingsError, UnreachableError
from streams.doctor.store import check_store
from streams.settings import Settings, load_settings, shown
from streams.tables.connection import address_of, call, open_client
from streams.tables.sentinel import parse_sentinel_url
from streams.tables.server import check_server
from tests.faults.valkeys import Valkey
from tests.support.sentinels import SERVICE, sentinels

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

URL = "rediss+sentinel://me:p%40ss@a:1,b/figures/2?ssl_ca_certs=x.pem&sentinel_password=own"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A primary with a replica, and who watches them."""
    directory = tmp_path_factory.mktemp("watched")
    primary, replica = Valkey(directory / "primary"), Valkey(directory / "replica")
    try:
        primary.start()
        replica.start()
        replica.call("REPLICAOF", "127.0.0.1", primary.port)
        with sentinels(directory, primary.port) as url:
            yield url
    finally:
        primary.kill()
        replica.kill()


def test_the_url_is_taken_apart() -> None:
    """Hosts, service, database and TLS; the login is the servers', the sentinels have their own."""
    found = parse_sentinel_url(URL)
    assert found.hosts == (("a", 1), ("b", 26_379))
    assert (found.service, found.options["db"]) == ("figures", 2)
    assert (found.options["username"], found.options["password"]) == ("me", "p@ss")
    assert (found.options["ssl"], found.options["ssl_ca_certs"]) == (True, "x.pem")
    assert found.sentinel_options == {"ssl": True, "ssl_ca_certs": "x.pem", "password": "own"}
    assert found.address == "sentinel figures of a:1,b:26379"


@pytest.mark.parametrize("url", ["redis+sentinel://a:1", "redis+sentinel:///figures",
                                 "redis+sentinel://a:x/figures"])  # fmt: skip
def test_a_url_that_lacks_something_is_told(url: str) -> None:
    """Hosts and the service have to be there."""
    with pytest.raises(SettingsError, match="redis_url cannot be read"):
        open_client(url)


def test_an_error_does_not_show_a_password() -> None:
    """Not even a part of one whose slash was not escaped."""
    with pytest.raises(SettingsError, match="redis_url cannot be read") as caught:
        open_client("redis+sentinel://me:s3cr3t/more@a:1/figures")
    assert "s3cr3t" not in str(caught.value)


def test_an_address_of_version_6_needs_no_port() -> None:
    """Brackets are what tells its colons apart."""
    found = parse_sentinel_url("redis+sentinel://[::1],[::2]:5/figures")
    assert found.hosts == (("::1", 26_379), ("::2", 5))


def test_the_setting_is_taken_and_shown_without_passwords() -> None:
    """Both schemes are settings; what is printed has neither password."""
    settings = load_settings({}, {"KPI_REDIS_URL": URL}, None)
    assert shown(settings, "redis_url") == "rediss+sentinel://me:***@a:1,b/figures/2"


def test_the_primary_is_found_and_named(watched: str, runner: asyncio.Runner) -> None:
    """A client writes to the primary; errors and reports say whom it asks."""

    async def look() -> tuple[str, str, list[bytes]]:
        client = open_client(watched)
        try:
            report = await check_server(client)
            return report.address, address_of(client), (await call(client, "ROLE"))[:1]
        finally:
            await client.aclose()

    checked, told, role = runner.run(look())
    assert checked == told
    assert told.startswith(f"sentinel {SERVICE} of 127.0.0.1:")
    assert role in ([b"master"], ["master"])
    findings = list(check_store(Settings(redis_url=watched)))
    assert findings[0].status.value == "ok"
    assert findings[0].subject.startswith(f"sentinel {SERVICE}")


def test_sentinels_that_are_away_are_unreachable(runner: asyncio.Runner) -> None:
    """The product's own error, with whom was asked and without the login."""
    url = "redis+sentinel://me:secret@127.0.0.1:1/figures"

    async def look() -> None:
        client = open_client(url)
        try:
            await check_server(client)
        finally:
            await client.aclose()

    with pytest.raises(UnreachableError, match=r"figures of 127\.0\.0\.1:1 is unreachable") as told:
        runner.run(look())
    assert "secret" not in str(told.value)
    (finding,) = check_store(Settings(redis_url=url))
    assert finding.status.value == "unreachable"
