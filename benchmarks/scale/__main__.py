"""Measure how cost grows, and what the model makes of it: ``python -m benchmarks.scale``.

Parts (all by default): kpis, windows, sessions, values, recovery, series, workers. All but the last
run in this process on a Valkey of their own; the last starts workers on Apache Kafka.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.scale.logs import impressions, visits, workload
from benchmarks.scale.model import fit, need, shards
from benchmarks.scale.partition import COMMIT_RECORDS, run_partition
from benchmarks.scale.series import measure_series
from benchmarks.scale.workers import measure_workers
from processors.catalog.restrict import restrict
from processors.checkpoint import Claim
from processors.names import ADS, VISITOR
from processors.pipeline import PartitionPipeline, compile_plan
from streams.bench.machine import describe_machine
from streams.catalog_files import read_catalog
from streams.settings import Settings
from streams.tables.connection import open_client
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from processors.catalog.model import Catalog

EVENTS: Final = 100_000
TRANSPORT_US: Final = 1.5  # of fetching and cutting chunks: kpi bench, stages
NAMESPACE: Final = "scale"
#: of the ads topic and of the visitors' topic; None is the whole catalogue
SETS: Final[tuple[tuple[str, str, tuple[str, ...] | None], ...]] = (
    ("ads", ADS, ("ad_impressions",)),
    ("ads", ADS, ("click_through_rate",)),
    ("ads", ADS, ("click_through_rate", "ad_impressions", "share_of_voice")),
    ("ads", ADS, None),
    ("shop", VISITOR, ("page_views",)),
    ("shop", VISITOR, ("unique_visitors",)),
    ("shop", VISITOR, ("sessions",)),
    ("shop", VISITOR, ("cart_abandonment_rate",)),
    ("shop", VISITOR, ("revenue",)),
    ("shop", VISITOR, ("conversion_rate", "bounce_rate", "session_duration")),
    ("shop", VISITOR, None),
)
PARTS: Final = ("kpis", "windows", "sessions", "values", "recovery", "series", "workers")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers end with this process
    parts = args.part or PARTS
    print(describe_machine())
    catalog = read_catalog(Settings())
    with tempfile.TemporaryDirectory(prefix="kpi-scale-") as made:
        with valkey_server(Path(made)) as url:
            asyncio.run(_measure(url, catalog, parts))
        if "workers" in parts:
            measure_workers(Path(made))


async def _measure(url: str, catalog: Catalog, parts: Sequence[str]) -> None:
    client = open_client(url)
    try:
        if "kpis" in parts:
            await _kpis(client, catalog)
        if "windows" in parts:
            await _windows(client, catalog)
        if "sessions" in parts:
            await _sessions(client, catalog)
        if "values" in parts:
            await _values(client, catalog)
        if "recovery" in parts:
            _recovery(catalog)
        if "series" in parts:
            await measure_series(client, url, catalog)
    finally:
        await client.aclose()


async def _kpis(client: Redis, catalog: Catalog) -> None:
    """Print what a KPI costs: the worker, Redis, and its memory; then the model's commit."""
    _head("KPIs", "workload", "pipeline us", "commit us", "Redis us/commit", "commands/commit",
          "cells/commit", "Redis MB")  # fmt: skip
    whole = {}
    for name, topic, kpis in SETS:
        part = catalog if kpis is None else restrict(catalog, kpis)
        log = workload(name, topic, EVENTS)
        cost = await run_partition(client, part, topic, log, namespace=NAMESPACE)
        if kpis is None:
            whole[name] = cost
        _row(
            "all" if kpis is None else ", ".join(kpis), name, f"{cost.pipeline_us:.2f}",
            f"{cost.commit_us:.2f}", f"{cost.redis_us:,.0f}", f"{cost.commands:,.0f}",
            f"{cost.cells:,}", f"{cost.redis_bytes / 1e6:.1f}",
        )  # fmt: skip
    print()
    for name, cost in whole.items():
        event_us = cost.pipeline_us + cost.commit_us + TRANSPORT_US
        found = need(1e6, event_us)
        busy = found.redis_busy(cost.redis_us, 1e6 / found.partitions / COMMIT_RECORDS)
        print(
            f"model, {name}, all KPIs, 1,000,000 events/s at {event_us:.1f} us an event"
            f" ({TRANSPORT_US} of it transport): {found.workers} workers,"
            f" {found.partitions} partitions, {busy:.1f} cores of Redis busy: {shards(busy)} shards"
        )


async def _windows(client: Redis, catalog: Catalog) -> None:
    """Print what a window costs: it is read, not written, but may need a rung more."""
    metric = catalog.metrics["click_through_rate"]
    log = workload("ads", ADS, EVENTS)
    _head("windows", "rungs", "pipeline us", "commit us", "Redis us/commit", "cells/commit")
    for count in range(1, len(metric.windows) + 1):
        fewer = replace(metric, windows=metric.windows[:count], alerts=())
        part = restrict(replace(catalog, metrics=catalog.metrics | {metric.id: fewer}), [metric.id])
        cost = await run_partition(client, part, ADS, log, namespace=NAMESPACE)
        _row(
            ", ".join(window.name for window in fewer.windows),
            str(len({rung for one in part.requirements.values() for rung in one.rungs})),
            f"{cost.pipeline_us:.2f}", f"{cost.commit_us:.2f}", f"{cost.redis_us:,.0f}",
            f"{cost.cells:,}",
        )  # fmt: skip


async def _sessions(client: Redis, catalog: Catalog) -> None:
    """Print the memory of open sessions, in the worker and in Redis."""
    part = restrict(catalog, ["sessions", "bounce_rate"])
    _head("open sessions", "worker bytes a session", "Redis bytes a session")
    for count in (10_000, 40_000, 80_000):
        log = visits(count)
        tracemalloc.start()
        cost = await run_partition(client, part, VISITOR, log, namespace=NAMESPACE, dedup_horizon=1)
        tracemalloc.stop()
        _row(
            f"{cost.states:,}",
            f"{cost.held_bytes / count:,.0f}",
            f"{cost.redis_bytes / count:,.0f}",
        )


async def _values(client: Redis, catalog: Catalog) -> None:
    """Print Redis's memory by dimension values, and what a cell takes."""
    part = restrict(catalog, ["ad_impressions"])
    _head("campaigns", "cells/commit", "Redis us/commit", "Redis bytes", "bytes a campaign")
    points, commits = [], []
    for count in (10, 100, 300, 1_000):
        log = impressions(60_000, count)
        cost = await run_partition(client, part, ADS, log, namespace=NAMESPACE)
        points.append((float(count), float(cost.redis_bytes)))
        commits.append((float(cost.cells), cost.redis_us))
        _row(
            f"{count:,}",
            f"{cost.cells:,}",
            f"{cost.redis_us:,.0f}",
            f"{cost.redis_bytes:,}",
            f"{cost.redis_bytes / count:,.0f}",
        )
    line = fit(points)
    print(f"\nmodel: {line.fixed:,.0f} bytes + {line.slope:,.0f} a campaign"
          f" (of one minute: six panes of 10 s and one of each coarser rung);"
          f" worst deviation {line.worst(points):.0%}")  # fmt: skip
    line = fit(commits)
    print(f"model: a commit takes Redis {line.fixed:,.0f} us + {line.slope:.2f} us a cell;"
          f" worst deviation {line.worst(commits):.0%}")  # fmt: skip


def _recovery(catalog: Catalog) -> None:
    """Print how long a new owner takes to remember the event ids before its offset."""
    plan = compile_plan(restrict(catalog, ["click_through_rate"]))
    _head("records before the offset", "seconds", "records/s")
    points = []
    for count in (50_000, 100_000, 200_000):
        log = workload("ads", ADS, count)
        pipeline = PartitionPipeline(
            plan, Claim(1, 1, count, None), topic=ADS, partition=0, dedup_horizon=10**6,
            state_cache_max=1_000,
        )  # fmt: skip
        began = time.process_time()
        for at in range(0, count, 4_000):
            pipeline.restore(log[at : at + 4_000])
        took = time.process_time() - began
        points.append((float(count), took))
        _row(f"{count:,}", f"{took:.2f}", f"{count / took:,.0f}")
    line = fit(points)
    horizon = Settings().dedup_horizon
    print(
        f"\nmodel: {1e6 * line.slope:.2f} us a record; worst deviation {line.worst(points):.0%}; a"
        f" partition re-reads at most 2 x dedup_horizon = {2 * horizon:,} records:"
        f" {line.at(2 * horizon):.1f} s of one core, fetching not counted"
    )


def _head(*names: str) -> None:
    print()
    _row(*names)
    _row(*("---" for _ in names))


def _row(*fields: str) -> None:
    print("| " + " | ".join(fields) + " |", flush=True)


if __name__ == "__main__":
    main()
