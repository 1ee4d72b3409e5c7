"""What each family of KPIs costs: the pure pipeline over the same records, with it and without."""

from __future__ import annotations

import gc
import time
from itertools import islice
from typing import TYPE_CHECKING, Final

from processors.catalog.restrict import restrict
from processors.checkpoint import Claim
from processors.pipeline import PartitionPipeline, compile_plan
from streams.bench.throughput import START_MS
from streams.bench.workloads import TOPICS, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.catalog.model import Catalog
    from processors.pipeline import Plan
    from processors.record import Record
    from streams.bench.workloads import Workload

RECORDS: Final = 60_000
_ROUNDS: Final = 3
_CHUNK: Final = 4_000
_CHECKPOINT: Final = 16_000


def costs_us(
    catalog: Catalog, workload: Workload, base: Sequence[str], count: int = RECORDS
) -> dict[str, float]:
    """Return processor time an event (us): of ``base``, and what each family adds to it.

    Args:
        catalog: all KPIs.
        workload: whose events.
        base: KPI ids that are always there.
        count: how many records are worked off each time.
    """
    logs = _logs(workload, count)
    plans = {"base": compile_plan(restrict(catalog, base))}
    for family in sorted({metric.family for metric in catalog.metrics.values()}):
        more = [name for name, metric in catalog.metrics.items() if metric.family == family]
        plans[family] = compile_plan(restrict(catalog, [*base, *more]))
    plans["all"] = compile_plan(catalog)
    best: dict[str, float] = {}
    for _ in range(_ROUNDS):  # in turns: a machine that slows down slows all of them down
        for name, plan in plans.items():
            spent_us = _run(plan, logs) / count
            best[name] = min(spent_us, best.get(name, spent_us))
    return {
        name: round(spent if name in ("base", "all") else max(0.0, spent - best["base"]), 2)
        for name, spent in best.items()
    }


def _logs(workload: Workload, count: int) -> dict[str, list[Record]]:
    logs: dict[str, list[Record]] = {}
    for record in islice(records(workload, START_MS, 1, "bench"), count):
        log = logs.setdefault(TOPICS[record.topic], [])
        log.append((len(log), record.ts_ms, record.key, record.value))
    return logs


def _run(plan: Plan, logs: dict[str, list[Record]]) -> float:
    gc.collect()
    started_ns = time.process_time_ns()
    for topic, log in logs.items():
        pipeline = PartitionPipeline(
            plan,
            Claim(1, 0, None, None),
            topic=topic,
            partition=0,
            dedup_horizon=500_000,
            state_cache_max=200_000,
        )
        for start in range(0, len(log), _CHUNK):
            pipeline.apply(pipeline.decode(log[start : start + _CHUNK]), {})
            if (start + _CHUNK) % _CHECKPOINT == 0:
                pipeline.drain(next_offset=min(start + _CHUNK, len(log)))
        pipeline.drain(next_offset=len(log))
    return (time.process_time_ns() - started_ns) / 1_000
