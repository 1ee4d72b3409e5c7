"""One partition of the product in this process: its pipeline, and its table on a real server."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any, Final, cast

from processors.pipeline import PartitionPipeline, compile_plan
from streams.tables.connection import call
from streams.tables.redis_table import RedisTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis

    from processors.catalog.model import Catalog
    from processors.record import Record

CHUNK_RECORDS: Final = 4_000
COMMIT_RECORDS: Final = 20_000  # a second of a partition that has 20,000 events a second
_LOG_END: Final = 10**12


@dataclass(frozen=True)
class Cost:
    """What a log has cost.

    Attributes:
        pipeline_us, commit_us: of this process's processor, an event.
        redis_us: that Redis spends in a commit's script, the median.
        commands: that Redis executed, in scripts too, a commit.
        cells: that the last commit changed, over all rungs.
        redis_bytes: that the tables take in the end.
        states: in memory in the end.
        held_bytes: of Python objects in the end, where tracemalloc traces.
    """

    events: int
    pipeline_us: float
    commit_us: float
    redis_us: float
    commands: float
    cells: int
    redis_bytes: int
    states: int
    held_bytes: int


async def run_partition(
    client: Redis,
    catalog: Catalog,
    topic: str,
    records: Iterable[Record],
    *,
    namespace: str,
    commit_records: int = COMMIT_RECORDS,
    dedup_horizon: int = 500_000,
) -> Cost:
    """Run a log through one partition, from nothing, on an emptied server."""
    await call(client, "FLUSHALL", "SYNC")
    empty = await _used(client)
    table = RedisTable(client, namespace, topic, 0)
    claim = await table.claim(topic_id="", partitions=1, log_start=0, log_end=_LOG_END)
    pipeline = PartitionPipeline(
        compile_plan(catalog),
        claim,
        topic=topic,
        partition=0,
        dedup_horizon=dedup_horizon,
        state_cache_max=10**6,
    )
    await call(client, "CONFIG RESETSTAT")
    log, events, commits, cells = iter(records), 0, 0, 0
    scripts: list[float] = []
    pipeline_s = commit_s = 0.0
    while step := list(islice(log, commit_records)):
        for at in range(0, len(step), CHUNK_RECORDS):
            chunk = step[at : at + CHUNK_RECORDS]
            began = time.process_time()
            batch = pipeline.decode(chunk)
            pipeline_s += time.process_time() - began
            states = await table.load_states(batch.missing) if batch.missing else {}
            began = time.process_time()
            pipeline.apply(batch, states)
            pipeline.fire({})
            pipeline_s += time.process_time() - began
        events += len(step)
        began = time.process_time()
        checkpoint = pipeline.drain(next_offset=step[-1][0] + 1)
        if checkpoint is not None:
            before_us = await _script_us(client)
            await table.commit(checkpoint, expire_before={})
            scripts.append(await _script_us(client) - before_us)
            cells = sum(len(c) for panes in checkpoint.rungs.values() for c in panes.values())
            commits += 1
        commit_s += time.process_time() - began
    held = tracemalloc.get_traced_memory()[0]
    stats = cast("dict[str, dict[str, Any]]", await call(client, "INFO", "commandstats"))
    # Those of this measurement itself are taken off.
    commands = sum(stat["calls"] for name, stat in stats.items() if name != "cmdstat_info")
    return Cost(
        events=events,
        pipeline_us=1e6 * pipeline_s / events,
        commit_us=1e6 * commit_s / events,
        redis_us=median(scripts),
        commands=commands / commits,
        cells=cells,
        redis_bytes=await _used(client) - empty,
        states=pipeline.states,
        held_bytes=held,
    )


async def _script_us(client: Redis) -> float:
    stats = cast("dict[str, dict[str, Any]]", await call(client, "INFO", "commandstats"))
    names = ("cmdstat_evalsha", "cmdstat_eval")
    return float(sum(stats.get(name, {}).get("usec", 0) for name in names))


async def _used(client: Redis) -> int:
    return int((await call(client, "INFO", "memory"))["used_memory"])
