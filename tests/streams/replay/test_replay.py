"""Laws of a whole replay, with the real broker, tables and worker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
import pytest

from processors.names import LIVE_NAMESPACE, PROCESSED_TOPICS
from streams.replay.run import Replayed, replay
from streams.replay.sources import open_files
from streams.replay.workers import worker_running
from streams.settings import Settings
from streams.simulator.traffic import history
from streams.tables.base import PartitionId, Progress
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.embedded.servers import Addresses

pytestmark = [pytest.mark.servers, pytest.mark.brokers]

START_MS = 1_500_000_000_000


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of traffic as JSON lines, one line of them broken."""
    path = tmp_path_factory.mktemp("replay") / "events.ndjson"
    lines = [msgspec.json.encode(e) for e in history(4, START_MS, START_MS + 600_000, 20)]
    path.write_bytes(b"\n".join([*lines, b"no json"]))
    return path


def _settings(servers: Addresses) -> Settings:
    namespace = f"t-{uuid4().hex[:8]}"
    return replace(
        Settings(),
        broker=servers.broker,
        redis_url=servers.redis_url,
        namespace=namespace,
        partitions=2,
        rebalance_timeout_ms=1_000,
    )


def _progress(settings: Settings) -> dict[PartitionId, Progress]:
    async def read() -> dict[PartitionId, Progress]:
        client = open_client(settings.redis_url)
        try:
            return await RedisReader(client, settings.namespace).progress()
        finally:
            await client.aclose()

    return asyncio.run(read())


def test_ends_when_everything_counts(servers: Addresses, events: Path) -> None:
    """After a replay every record is checkpointed and every partition's clock is at the seal."""
    settings = _settings(servers)
    files = open_files([events], None)
    reports: list[tuple[str, int, int]] = []
    done: Replayed = replay(settings, files, report=lambda *args: reports.append(args))
    progress = _progress(settings)
    assert done.sealed_ms is not None
    assert set(progress) == {PartitionId(t, p) for t in PROCESSED_TOPICS for p in range(2)}
    assert {p.max_ts_ms for p in progress.values()} == {done.sealed_ms}
    assert {there: p.offset for there, p in progress.items()} == done.delivered.next_offsets
    assert done.events == files.count
    assert done.delivered.total == files.count + len(progress)  # and one tick a partition
    rejected = sum(p.counters.get("rejected:invalid_json", 0) for p in progress.values())
    assert rejected == 1
    assert reports[-1][1] == reports[-1][2]


def test_live_needs_a_worker(servers: Addresses, events: Path) -> None:
    """The live namespace gets no worker of the replay's own: it says how to start one."""
    env = os.environ | servers.environment()
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "replay", "--namespace", LIVE_NAMESPACE, events],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "kpi worker" in done.stderr


def test_sigterm_ends_it(servers: Addresses, events: Path, eventually: Callable[..., None]) -> None:
    """A replay that is stopped half way says so; its supervisor takes the worker with it."""
    settings = _settings(servers)
    env = servers.environment() | {"KPI_NAMESPACE": settings.namespace, "KPI_PARTITIONS": "2"}
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli.main", "replay", "--speed", "1", events],
        env=os.environ | env,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: worker_running(settings), timeout_s=60, what="the worker joins")
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped" in said
