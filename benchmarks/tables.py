"""What one checkpoint costs Redis and the worker.

Each row commits again and again to one partition of a Valkey of its own, half of the times into
new panes of the base rung, half into the same ones: 8,000 cells are 2,000 in each of four rungs;
states have 208 bytes; 40 distinct counts get 500 hashes each.

Usage: python benchmarks/tables.py [--commits N]
Exit code 1: cells and states together took Redis longer than 40 ms (median).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from processors.checkpoint import Checkpoint
from processors.ladder import DEFAULT_RUNGS
from processors.sketch import hash_bytes
from streams.tables.connection import call, open_client
from streams.tables.redis_reader import RedisReader
from streams.tables.redis_table import RedisTable
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from redis.asyncio import Redis

CELLS: Final = 2_000  # a rung
STATES: Final = 5_000
SKETCHES: Final = 10  # a rung
HASHES: Final = 500
LIMIT_MS: Final = 40.0
PARTS: Final = {
    "8,000 cells": {"cells"},
    "5,000 states": {"states"},
    "5,000 timers": {"timers"},
    "40 distinct counts": {"sketches"},
    "cells + states": {"cells", "states"},
    "all of it": {"cells", "states", "timers", "sketches"},
}


def checkpoint(parts: set[str], epoch: int, number: int, start_ms: int) -> Checkpoint:
    """Return the checkpoint of a number."""
    panes = {rung.name: start_ms - start_ms % rung.size_ms for rung in DEFAULT_RUNGS}
    step = Checkpoint(
        epoch=epoch,
        number=number,
        expected_offset=(number - 1) * 10_000 if number > 1 else None,
        offset=number * 10_000,
        max_ts_ms=start_ms,
        counters={"events": 10_000},
    )
    ids = [hash_bytes(f"{i + number % 4 * 2_500}") * 2 for i in range(STATES)]
    if "cells" in parts:
        cells = {f"views\x1fcampaign,device\x1fcampaign {i}\x1fphone": i for i in range(CELLS)}
        step.base = {panes["10s"]: cells}
        step.rungs = {rung: {start: cells} for rung, start in panes.items()}
    if "sketches" in parts:
        blobs = {
            f"visitors\x1fcampaign\x1fcampaign {sketch}": b"".join(
                hash_bytes(f"{number} {sketch} {i}") for i in range(HASHES)
            )
            for sketch in range(SKETCHES)
        }
        step.base_sketches = {panes["10s"]: blobs}
        step.sketches = {rung: {start: blobs} for rung, start in panes.items()}
    if "states" in parts:
        step.states = {"session": {state_id: state_id * 13 for state_id in ids}}
    if "timers" in parts:
        step.timers = {("session", state_id): start_ms + 1_800_000 for state_id in ids}
    return step


async def script_ms(client: Redis) -> float:
    """Return the server's own time in scripts so far."""
    stats = await call(client, "INFO", "commandstats")
    usecs = [stats.get(f"cmdstat_{name}", {}).get("usec", 0) for name in ("evalsha", "eval")]
    return float(sum(usecs)) / 1000


async def measure(client: Redis, name: str, parts: set[str], commits: int) -> float:
    """Print one row and return the median of Redis's time (ms)."""
    topic = name.replace(" ", "-").replace(",", "").replace("+", "and")
    table = RedisTable(client, "bench", topic, 0)
    claim = await table.claim(topic_id="", partitions=1, log_start=0, log_end=10**12)
    redis_ms, whole_ms = [], []
    for number in range(1, commits + 1):
        start_ms = 1_700_000_000_000 + 10_000 * min(number, commits // 2)
        step = checkpoint(parts, claim.epoch, number, start_ms)
        before = await script_ms(client)
        began = time.perf_counter()
        await table.commit(step, expire_before={"10s": start_ms - 10_800_000})
        whole_ms.append((time.perf_counter() - began) * 1000)
        redis_ms.append(await script_ms(client) - before)
    median = statistics.median(redis_ms)
    a_cell = f"{median * 1000 / (4 * CELLS):8.2f}" if parts == {"cells"} else ""
    print(
        f"{name:<20}{min(redis_ms):8.1f}{median:8.1f}{max(redis_ms):8.1f}"
        f"{statistics.median(whole_ms):10.1f}{a_cell}"
    )
    return median


async def report_memory(client: Redis) -> None:
    """Print what a cell, a state and a full distinct count take in memory."""
    for topic, pattern, count, what in (
        ("8000-cells", "pane:1d:*", CELLS, "a cell with a name of 35 bytes"),
        ("5000-states", "state:*", 5 * STATES // 2, "a state of 208 bytes"),
        ("40-distinct-counts", "sketch:1d:*", SKETCHES, "a distinct count of many"),
    ):
        keys = await call(client, "KEYS", f"kpi:bench:{{{topic}/0/*{pattern}")
        size = await call(client, "MEMORY USAGE", keys[0], "SAMPLES", 0)
        print(f"{what:<36}{size / count:10.0f} bytes")


async def run(commits: int) -> int:
    """Measure every part; return 1 where cells and states take too long together."""
    print(f"{'a checkpoint of':<20}{'redis ms: least':>8}  median    most  whole ms  us a cell")
    medians: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory, valkey_server(Path(directory)) as url:
        client = open_client(url)
        for name, parts in PARTS.items():
            medians[name] = await measure(client, name, parts, commits)
        await report_memory(client)
        began = time.perf_counter()
        await RedisReader(client, "bench").snapshot({rung.name: 0 for rung in DEFAULT_RUNGS})
        print(f"snapshot of all     {(time.perf_counter() - began) * 1000:8.1f} ms")
        await client.aclose()
    return int(medians["cells + states"] > LIMIT_MS)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=30)
    return asyncio.run(run(parser.parse_args().commits))


if __name__ == "__main__":
    raise SystemExit(main())
