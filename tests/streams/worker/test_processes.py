"""Worker processes that come, go and are killed: every record counts once all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tests.streams.worker.process as process_module
from processors.names import ADS
from tests.streams.worker.conftest import Site, until
from tests.streams.worker.simple import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# On Apache Kafka the fault suite's short cases do the same in CI.
pytestmark = [pytest.mark.servers, pytest.mark.brokers, pytest.mark.long]
ROOT = Path(__file__).parents[3]


@contextmanager
def process(site: Site, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker process; kill it at the end if it still runs."""
    settings = site.settings
    child = subprocess.Popen(
        [sys.executable, process_module.__file__, settings.broker, settings.namespace, directory],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=(directory / "log").open("ab"),
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


@pytest.fixture
def shared(site: Site, tmp_path: Path) -> Site:
    """Return a site whose store is shared by processes."""
    site.store = Store(tmp_path)
    return site


def claims(site: Site) -> int:
    """Count the claims of all partitions."""
    return sum(len(site.store.read(ADS, p).claims) for p in range(4))


async def under_load(site: Site, holds: Callable[[], object], what: str) -> None:
    """Publish until something holds."""

    def step() -> object:
        site.send(100)
        return holds()

    await until(step, what)


def test_second_worker_takes_over_half_and_gives_it_back(shared: Site, tmp_path: Path) -> None:
    """Rebalances under load, clean exits and a clean handover lose and double nothing."""

    async def body() -> None:
        shared.send(2_000)
        with process(shared, tmp_path) as first:
            await until(lambda: shared.exact, "first worker counts")
            with process(shared, tmp_path) as second:
                before = claims(shared)
                await under_load(shared, lambda: claims(shared) >= before + 4, "a rebalance")
                await until(lambda: shared.exact, "both count")
                second.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(second.wait, 15) == 0
            shared.send(400)
            await until(lambda: shared.exact, "the first alone counts")
            first.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(first.wait, 15) == 0

    asyncio.run(body())


def test_killed_worker_is_replaced_exactly(shared: Site, tmp_path: Path) -> None:
    """Between two checkpoints a kill -9 loses only what the next worker reads again."""

    async def body() -> None:
        for _ in range(3):
            with process(shared, tmp_path) as victim:
                goal = shared.store.total(ADS, "count", 4) + 2_000
                await under_load(
                    shared,
                    lambda goal=goal: shared.store.total(ADS, "count", 4) >= goal,  # type: ignore[misc]
                    "some counted",
                )
                victim.kill()
        with process(shared, tmp_path):
            await until(lambda: shared.exact, "the last worker counts everything")

    asyncio.run(body())


def test_frozen_worker_comes_back_as_a_zombie(shared: Site, tmp_path: Path) -> None:
    """A worker that slept through its own replacement changes nothing when it wakes."""

    async def body() -> None:
        with process(shared, tmp_path) as sleeper:
            shared.send(2_000)
            await until(lambda: shared.exact, "the first counts")
            shared.send(2_000)
            sleeper.send_signal(signal.SIGSTOP)
            with process(shared, tmp_path):
                await until(lambda: shared.exact, "the second counts")
                sleeper.send_signal(signal.SIGCONT)
                before = claims(shared)
                await under_load(shared, lambda: claims(shared) >= before + 4, "a rebalance")
                await until(lambda: shared.exact, "both count")

    asyncio.run(body())
