"""Several workers over the same log of twelve partitions: events a second, and a CPU-second."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from streams.bench.fill import fill
from streams.bench.process import usage
from streams.bench.throughput import START_MS
from streams.bench.workloads import ADS_HEAVY, records
from streams.launch import kpi_command, with_settings
from streams.replay.arrival import behind
from streams.settings import Settings
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader
from streams.topics import create_topics
from tests.support.kafka_nodes import kafka_cluster
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streams.tables.base import PartitionId

PARTITIONS: Final = 12
EVENTS: Final = (400_000, 2_400_000)  # the difference leaves out starting and joining
WORKERS: Final = (1, 2, 4)
TIMEOUT_S: Final = 150.0
LOOK_S: Final = 0.1


def measure_workers(directory: Path) -> None:
    """Print a row a number of workers."""
    print("\n| workers | events/s | events/CPU-second | of one worker's |")
    print("| --- | --- | --- | --- |")
    first = 0.0
    with (
        kafka_cluster(heap_mb=1_024, options=(), directory=directory) as kafka,
        valkey_server(directory, "--appendonly", "yes") as url,
    ):
        for count in WORKERS:
            short, long = (
                _on_log(kafka.bootstrap, url, events, count, directory) for events in EVENTS
            )
            events = EVENTS[1] - EVENTS[0]
            rate, per_cpu_s = events / (long[0] - short[0]), events / (long[1] - short[1])
            first = first or per_cpu_s
            print(
                f"| {count} | {rate:,.0f} | {per_cpu_s:,.0f} | {per_cpu_s / first:.2f} |",
                flush=True,
            )


def _on_log(broker: str, url: str, events: int, count: int, directory: Path) -> tuple[float, float]:
    """Return seconds, and processor seconds of all workers, from their start to the log's end."""
    settings = with_settings(
        Settings(), "scale", broker=broker, redis_url=url,
        namespace=f"scale-{uuid4().hex[:6]}", partitions=PARTITIONS, tick_interval_ms=0,
        checkpoint_interval_ms=1_000, rebalance_timeout_ms=15_000,
    )  # fmt: skip
    create_topics(settings)
    ends = fill(settings, records(ADS_HEAVY, START_MS, PARTITIONS, "scale"), events)
    return _run(settings, count, ends.next_offsets, directory)


def _run(
    settings: Settings, count: int, ends: Mapping[PartitionId, int], directory: Path
) -> tuple[float, float]:
    log = (directory / f"workers-{count}.log").open("wb")
    started = [
        subprocess.Popen(
            kpi_command("worker"), env=os.environ | settings.environment(),
            stdout=log, stderr=log, start_new_session=True,
        )
        for _ in range(count)
    ]  # fmt: skip
    try:
        return asyncio.run(_watch(settings, started, ends))
    finally:
        for worker in started:
            worker.send_signal(signal.SIGKILL)
        for worker in started:
            worker.wait()
        log.close()


async def _watch(
    settings: Settings, workers: list[subprocess.Popen[bytes]], ends: Mapping[PartitionId, int]
) -> tuple[float, float]:
    client = open_client(settings.redis_url)
    reader = RedisReader(client, settings.namespace)
    total = sum(ends.values())
    begun = time.monotonic()
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            done = total - sum(behind(ends, await reader.progress()).values())
            cpu_s = sum(u.cpu_s for w in workers if (u := usage(w.pid)) is not None)
            took = time.monotonic() - begun
            if done >= total:
                return took, cpu_s
            if took > TIMEOUT_S:
                raise TimeoutError(f"{done} of {total} events after {TIMEOUT_S} s")
    finally:
        await client.aclose()
