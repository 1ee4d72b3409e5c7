"""Tables with a worker's content, and an exporter that follows them; tests may be coroutines."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from typing import TYPE_CHECKING

import pytest

from tests.processors.catalog.presets import presets
from tests.streams.exporter.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

TEST_TIMEOUT_S = 60.0
_namespaces = (f"exporter-{number}" for number in itertools.count())


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests to their end, or to the deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    pyfuncitem.funcargs["runner"].run(asyncio.wait_for(test, TEST_TIMEOUT_S))
    return True


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop."""
    with asyncio.Runner() as loop:
        yield loop


@pytest.fixture
def site(valkey: str, runner: asyncio.Runner) -> Iterator[Site]:
    """A fresh namespace that is owned by a worker, with the preset catalogue."""
    site = Site(valkey, next(_namespaces), presets())
    yield site
    runner.run(site.close())
