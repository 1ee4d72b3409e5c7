"""Who may read: anybody on loopback, elsewhere only who holds the token."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from processors.errors import SettingsError
from streams.exporter.access import check_listener, is_loopback

if TYPE_CHECKING:
    from tests.streams.exporter.site import Site


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104  # BAD!
        ("", False),  # BAD!
        ("::", False),  # BAD!
        ("10.0.0.7", False),  # BAD!
        ("shop.example", False),  # BAD!
    ],
)
def test_loopback(host: str, *, expected: bool) -> None:
    """Only names of this machine are loopback; an empty address is every interface."""
    assert is_loopback(host) is expected


def test_network_needs_a_token() -> None:
    """Listening beyond loopback without a token is refused, with the way out."""
    with pytest.raises(SettingsError, match=r"'0\.0\.0\.0' is not loopback.*KPI_EXPORTER_TOKEN"):
        check_listener("0.0.0.0", "")  # noqa: S104
    check_listener("0.0.0.0", "secret")  # noqa: S104
    check_listener("127.0.0.1", "")


async def test_token_as_bearer_or_password(site: Site) -> None:
    """With a token every page with figures asks for it, as Prometheus and browsers send it."""
    await site.owner.claim()
    async with site.exporter(token="s3cret") as exporter:  # noqa: S106
        assert await exporter.status("/metrics") == 401
        assert await exporter.status("/api/v1/kpis", Authorization="Bearer guess") == 401
        assert await exporter.status("/api/v1/stream") == 401
        assert await exporter.status("/api/v1/history") == 401
        assert await exporter.status("/") == 200  # no figures are in it: it asks for the token
        assert await exporter.status("/metrics", Authorization="Bearer s3cret") == 200
        for password, status in (("s3cret", 200), ("guess", 401), ("gu\udcffess", 401)):
            sent = b64encode(f"any:{password}".encode("utf-8", "surrogateescape")).decode()
            assert await exporter.status("/metrics", Authorization=f"Basic {sent}") == status
        assert await exporter.status("/metrics", Authorization="Basic ???") == 401
        assert await exporter.status("/metrics", Authorization="Digest s3cret") == 401
        assert await exporter.status("/healthz") == 200
        assert await exporter.status("/readyz") == 200


async def test_other_names_are_refused_on_loopback(site: Site) -> None:
    """A web page that points its own name at 127.0.0.1 cannot read the figures."""
    await site.owner.claim()
    async with site.exporter() as exporter:
        assert await exporter.status("/metrics", Host="evil.example") == 403
        assert await exporter.status("/", Host="evil.example") == 403
        assert await exporter.status("/metrics", Host="localhost:9464") == 200
    async with site.exporter(token="s3cret") as exporter:  # noqa: S106
        headers = {"Host": "kpi.example", "Authorization": "Bearer s3cret"}
        assert await exporter.status("/metrics", **headers) == 200
