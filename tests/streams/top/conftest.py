"""The exporter's fixtures, in namespaces of their own; tests may be coroutines."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.processors.catalog.presets import presets
from tests.streams.exporter.conftest import pytest_pyfunc_call, runner
from tests.streams.exporter.site import Site

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

__all__ = ["pytest_pyfunc_call", "runner", "site"]
_namespaces = (f"top-{number}" for number in itertools.count())


@pytest.fixture
def site(valkey: str, runner: asyncio.Runner) -> Iterator[Site]:
    """A fresh namespace that is owned by a worker, with the preset catalogue."""
    site = Site(valkey, next(_namespaces), presets())
    yield site
    runner.run(site.close())
