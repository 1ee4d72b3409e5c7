"""The product, plain aiokafka and a stock Faust agent over the same events, in one run.

    python benchmarks/compare.py [--workload ads|shop] [--events N] [--stock-events N]

on embedded servers. Prints one line a contender; figures of two machines do not compare.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from processors.names import ADS, physical_topic
from streams.bench.machine import describe_machine
from streams.bench.throughput import CHECKPOINT_INTERVAL_MS, measure_throughput
from streams.bench.workloads import WORKLOADS
from streams.embedded.servers import start_servers
from streams.launch import with_settings
from streams.settings import Settings
from streams.supervisor.tree import Supervisor

STOCK_TIMEOUT_S = 300


def main() -> None:
    """Run every contender."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", choices=tuple(WORKLOADS), default="ads")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--stock-events", type=int, default=50_000)
    args = parser.parse_args()
    print(json.dumps(describe_machine()))
    with (
        tempfile.TemporaryDirectory() as directory,
        Supervisor(report=print) as servers,
        Supervisor(report=print) as workers,
    ):
        addresses = start_servers(servers, Path(directory))
        settings = with_settings(
            Settings(),
            "compare.py",
            broker=addresses.broker,
            redis_url=addresses.redis_url,
            namespace=f"bench-{uuid4().hex[:8]}",
            tick_interval_ms=0,
            checkpoint_interval_ms=CHECKPOINT_INTERVAL_MS,
        )
        found = measure_throughput(
            settings,
            WORKLOADS[args.workload],
            args.events,
            supervisor=workers,
            directory=Path(directory),
            report=lambda *_: None,
        )
        show("plain aiokafka (fetches only)", found.plain_events_s, found.plain_cpu_us)
        show("kpi worker (ten KPIs, exact, stored)", found.events_s, found.cpu_us)
        stock = run_stock(settings, args.stock_events)
        show("stock Faust agent (one count)", stock[0], stock[1])


def run_stock(settings: Settings, records: int) -> tuple[float, float]:
    """Return records a second and processor microseconds a record of a stock Faust agent."""
    topic = physical_topic(ADS, settings.namespace)
    script = Path(__file__).with_name("stock_faust.py")
    done = subprocess.run(
        [sys.executable, script, settings.broker, topic, f"stock-{uuid4().hex[:8]}", str(records)],
        capture_output=True,
        text=True,
        timeout=STOCK_TIMEOUT_S,
        check=True,
    )
    answer = json.loads(done.stdout.strip().rpartition("\n")[2])
    return answer["records"] / answer["seconds"], 1e6 * answer["cpu_s"] / answer["records"]


def show(name: str, rate: float, cpu_us: float) -> None:
    """Print a contender's line."""
    print(f"{name:40} {rate:>10,.0f} events/s {cpu_us:>8.2f} us of processor an event")


if __name__ == "__main__":
    main()
