"""Following: changes are visible at once, and no gap, roll-back or outage leaves wrong figures."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from random import Random
from statistics import median
from typing import TYPE_CHECKING

import pytest

from streams.embedded.binaries import valkey_binary
from streams.embedded.ports import LOOPBACK, free_port
from streams.embedded.probes import redis_answers
from streams.tables.admin import drop_namespace
from streams.tables.connection import call
from tests.processors.catalog.presets import presets
from tests.streams.exporter.owner import Owner
from tests.streams.exporter.site import START_MS, Site, until
from tests.streams.exporter.traffic import traffic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.exporter.follower import Follower

HOUR_MS = 3_600_000
VIEW = {"type": "page_view", "ts": START_MS, "visitor_id": "v"}


def views(site: Site, follower: Follower) -> object:
    """Return the page views of the last five minutes."""
    metric = site.catalog.metrics["page_views"]
    rows = follower.board().rows(metric, metric.windows[1], (), final=False)
    return rows[0].value if rows else None


async def test_checkpoints_are_visible_at_once(site: Site) -> None:
    """A committed checkpoint is shown within milliseconds: nobody polls."""
    await site.owner.claim()
    delays_s = []
    async with site.exporter() as exporter:
        for number in range(1, 21):
            await site.owner.publish(VIEW)
            committed_s = time.monotonic()
            await until(lambda n=number: views(site, exporter.follower) == n)
            delays_s.append(time.monotonic() - committed_s)
    assert median(delays_s) < 0.2  # a poll would take that long most times, a busy machine some


async def test_a_gap_in_the_log_is_loaded_anew(site: Site) -> None:
    """Who was away for longer than the log of deltas reaches shows the same as who was not."""
    await site.owner.claim()
    await site.owner.publish(VIEW)
    follower = site.follower()
    await follower.load()
    for _ in range(300):
        await site.owner.publish(VIEW)
    before = follower._board
    await follower._step()
    await follower._step()
    assert follower._board is not before
    assert views(site, follower) == 301


async def test_new_partitions_are_added(site: Site) -> None:
    """An exporter that was there before any worker needs no restart, and no reload."""
    async with site.exporter() as exporter:
        board = exporter.follower._board
        assert views(site, exporter.follower) == 0
        await site.owner.claim()
        await site.owner.publish(VIEW)
        await until(lambda: views(site, exporter.follower) == 1)
        assert exporter.follower._board is board


async def test_a_new_owner_is_followed(site: Site) -> None:
    """A partition that changes its worker goes on without a reload."""
    await site.owner.claim()
    await site.owner.publish(VIEW)
    async with site.exporter() as exporter:
        board = exporter.follower._board
        successor = Owner(site.client, site.namespace, site.catalog, site.clock_ms)
        await successor.claim()
        await successor.publish(VIEW | {"event_id": "other"})
        await until(lambda: views(site, exporter.follower) == 2)
        assert exporter.follower._board is board


async def test_a_dropped_namespace_is_forgotten(site: Site) -> None:
    """Figures whose tables are gone are not shown on."""
    await site.owner.claim()
    await site.owner.publish(VIEW)
    async with site.exporter() as exporter:
        await until(lambda: views(site, exporter.follower) == 1)
        await drop_namespace(site.client, site.namespace)
        await until(lambda: views(site, exporter.follower) == 0)
        assert not exporter.follower.board().partitions


async def test_loading_under_traffic_misses_nothing(site: Site) -> None:
    """Checkpoints committed while the snapshot is read are on the board once, all of them."""
    await site.owner.claim()
    await site.owner.publish(*traffic(Random(5), 400, START_MS - HOUR_MS, START_MS - 600_000))
    expected, stop = 0, asyncio.Event()

    async def publish() -> None:
        nonlocal expected
        while not stop.is_set():
            await site.owner.publish(VIEW)
            expected += 1

    publishing = asyncio.create_task(publish())
    followers = [site.follower() for _ in range(10)]
    for follower in followers:
        await follower.load()
    stop.set()
    await publishing
    stored = {who: seen.position for who, seen in (await site.reader.progress()).items()}
    for follower in followers:
        while follower._board.positions != stored:
            await follower._step()
        assert views(site, follower) == expected


@contextmanager
def lasting_valkey(port: int, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server that keeps what it has on disk."""
    process = subprocess.Popen(
        [
            *(str(valkey_binary()), "--bind", LOOPBACK, "--port", str(port)),
            *("--dir", str(directory), "--appendonly", "yes", "--save", ""),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 15
        while not redis_answers(LOOPBACK, port):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


@pytest.mark.usefixtures("runner")
async def test_redis_lost_and_found(tmp_path: Path) -> None:
    """While Redis is away the last figures stay, marked stale; then all goes on by itself."""
    port = free_port()
    site = Site(f"redis://{LOOPBACK}:{port}/0", "lost", presets())
    with lasting_valkey(port, tmp_path):
        await site.owner.claim()
        await site.owner.publish(VIEW)
        following = site.exporter()
        exporter = await following.__aenter__()
        await until(lambda: views(site, exporter.follower) == 1)
        assert await exporter.status("/readyz") == 200
    try:
        await until(exporter.follower.trouble)
        async with exporter.http.get("/readyz") as response:
            assert response.status == 503
            assert "is unreachable" in await response.text()
        assert "kpi_exporter_stale 1.0" in await exporter.text("/metrics")
        assert 'kpi_page_views{by="total",window="5m"} 1.0' in await exporter.text("/metrics")
        async with exporter.http.get("/api/v1/kpis/page_views") as response:
            assert response.headers["X-Kpi-Stale"] == "true"
        with lasting_valkey(port, tmp_path):
            await until(lambda: not exporter.follower.trouble())
            await site.owner.publish(VIEW)
            await until(lambda: views(site, exporter.follower) == 2)
            assert await exporter.status("/readyz") == 200
    finally:
        with suppress(Exception):
            await following.__aexit__(None, None, None)
        await site.close()


@pytest.mark.usefixtures("runner")
async def test_a_frozen_redis_is_noticed(tmp_path: Path) -> None:
    """A server that keeps its connections but answers nothing makes the figures stale too."""
    port = free_port()
    site = Site(f"redis://{LOOPBACK}:{port}/0", "frozen", presets())
    with lasting_valkey(port, tmp_path) as server:
        await site.owner.claim()
        async with site.exporter() as exporter:
            server.send_signal(signal.SIGSTOP)
            await until(exporter.follower.trouble)
            assert "have not answered" in exporter.follower.trouble()
            server.send_signal(signal.SIGCONT)
            await until(lambda: not exporter.follower.trouble())
        await site.close()


async def test_an_older_redis_takes_its_figures_back(site: Site) -> None:
    """After Redis lost its newest writes the figures are those that it has, not a mix."""
    await site.owner.claim()
    await site.owner.publish(VIEW)
    keys = await call(site.client, "KEYS", f"kpi:{site.namespace}:*")
    saved = {key: await call(site.client, "DUMP", key) for key in keys}
    async with site.exporter() as exporter:
        await site.owner.publish(VIEW)
        await site.owner.publish(VIEW)
        await until(lambda: views(site, exporter.follower) == 3)
        for key, dumped in saved.items():
            await call(site.client, "RESTORE", key, 0, dumped, "REPLACE")
        await until(lambda: views(site, exporter.follower) == 1)
        successor = Owner(site.client, site.namespace, site.catalog, site.clock_ms)
        await successor.claim()
        await successor.publish(VIEW | {"event_id": "again"})
        await until(lambda: views(site, exporter.follower) == 2)
