"""Laws of the worker's health page as a server."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from processors.errors import SettingsError
from streams.embedded.ports import LOOPBACK, free_port
from streams.worker.health import HealthServer

WORD = "t0ken"
ANYWHERE = "0.0.0.0"  # noqa: S104  # what is tested


async def statuses(port: int, token: str = "") -> dict[str, int]:
    """Ask every page once."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found = {}
    async with aiohttp.ClientSession() as session:
        for page in ("/health", "/healthz", "/metrics"):
            async with session.get(f"http://{LOOPBACK}:{port}{page}", headers=headers) as answer:
                found[page] = answer.status
    return found


async def served(host: str, token: str, asked_with: str = "") -> dict[str, int]:
    """Run a server of a worker without partitions, and ask it."""
    port = free_port()
    server = HealthServer([], port, host, token)  # type: ignore[arg-type]  # an owner of nothing
    await server.start()
    try:
        return await statuses(port, asked_with)
    finally:
        await server.stop()


@pytest.mark.parametrize("token", ["", WORD])
def test_loopback_needs_no_token(token: str) -> None:
    """On this machine every page is open, whether or not the exporter has a token."""
    found = asyncio.run(served(LOOPBACK, token))
    assert found == {"/health": 200, "/healthz": 200, "/metrics": 200}


def test_off_loopback_only_the_probe_is_open() -> None:
    """Without the token there is nothing but whether it runs."""
    assert asyncio.run(served(ANYWHERE, WORD)) == {
        "/health": 401,
        "/healthz": 200,
        "/metrics": 401,
    }
    assert set(asyncio.run(served(ANYWHERE, WORD, WORD)).values()) == {200}


def test_off_loopback_without_a_token_is_refused() -> None:
    """A setting that would show the pipeline to a network ends the start."""
    with pytest.raises(SettingsError, match=r"worker_host: .0\.0\.0\.0. is not loopback"):
        asyncio.run(served(ANYWHERE, ""))
