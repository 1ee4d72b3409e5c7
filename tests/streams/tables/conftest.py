"""Backends for the laws of the tables; tests that are coroutines run in one event loop each."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
from typing import TYPE_CHECKING

import pytest

from processors.errors import UnreachableError
from streams.tables.connection import call
from tests.streams.tables.backends import MemoryBackend, RedisBackend
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.streams.tables.backends import Backend

TEST_TIMEOUT_S = 60.0
_namespaces = (f"laws-{number}" for number in itertools.count())


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests to their end, or to the deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    runner = pyfuncitem.funcargs["runner"]
    assert isinstance(runner, asyncio.Runner)
    runner.run(asyncio.wait_for(test, TEST_TIMEOUT_S))
    return True


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop."""
    with asyncio.Runner() as loop:
        yield loop


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of one node: it refuses every command and script that touches two slots."""
    directory = tmp_path_factory.mktemp("cluster")
    try:
        with valkey_server(directory, "--cluster-enabled", "yes") as url:
            with asyncio.Runner() as loop:
                loop.run(_take_all_slots(url))
            yield url
    except UnreachableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


async def _take_all_slots(url: str) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_S), RedisBackend(url, "laws").client as client:
        await call(client, "CLUSTER ADDSLOTSRANGE", 0, 16383)
        # The server sends no event.
        while (await call(client, "CLUSTER INFO"))["cluster_state"] != "ok":  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def redis(valkey: str, runner: asyncio.Runner) -> Iterator[RedisBackend]:
    """A fresh namespace on Valkey."""
    backend = RedisBackend(valkey, next(_namespaces))
    yield backend
    runner.run(backend.client.aclose())


@pytest.fixture(params=["memory", "redis", "cluster"])
def tables(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[Backend]:
    """A fresh namespace, on each backend in turn."""
    if request.param == "memory":
        yield MemoryBackend()
        return
    url = request.getfixturevalue("valkey" if request.param == "redis" else "cluster")
    backend = RedisBackend(url, next(_namespaces))
    yield backend
    runner.run(backend.client.aclose())
