"""The collector beside bare handlers of the same stack, in one run; then what it loses: nothing.

    python benchmarks/collector.py [--seconds N] [--rounds N] [--connections N] [--outage-seconds N]

on the embedded broker, which shares the machine's cores. Prints one line of JSON a measurement:
events/s, latency as the client sees it, and CPU time of the server's process for each event. The
ratio compares with the handler that reads and parses JSON; one that only reads stands beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kafka import KafkaConsumer, TopicPartition

from processors.names import VISITOR, physical_topic
from streams.bench.machine import describe_machine
from streams.embedded.ports import free_port
from streams.embedded.servers import broker_spec
from streams.settings import Settings, load_settings
from streams.supervisor.tree import Supervisor
from streams.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
BATCHES = (100, 1)
COLLECT = """
import sys
from streams.catalog_files import read_catalog
from streams.collector.config import CollectorConfig
from streams.collector.run import run_until_signal
from streams.settings import load_settings
port, broker, namespace, spool = sys.argv[1:]
config = CollectorConfig(port=int(port), spool=spool, events_per_s=10**9, away_after_ms=2000)
run_until_signal(config, read_catalog(load_settings({}, {}, None)), broker, namespace)
"""


@contextmanager
def running(port: int, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, from when it listens until the context is left."""
    process = subprocess.Popen([sys.executable, *argv])
    try:
        while process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def load(port: int, path: str, batch: int, seconds: float, connections: int, *acked: str) -> Any:
    """Start a load."""
    arguments = (str(port), path, str(batch), str(seconds), str(connections), *acked)
    command = [sys.executable, str(HERE / "collector_load.py"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """Return the CPU time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    process: subprocess.Popen[bytes], port: int, path: str, batch: int, args: argparse.Namespace
) -> dict[str, Any]:
    """Measure one path with one batch size, after a short warm-up."""
    load(port, path, batch, 0.5, args.connections).wait()
    before_s = cpu_s(process)
    run = load(port, path, batch, args.seconds, args.connections)
    found: dict[str, Any] = json.loads(run.communicate()[0])
    events = found["events_per_s"] * args.seconds
    found["cpu_us_per_event"] = round((cpu_s(process) - before_s) / events * 1e6, 2)
    return found


def throughput(args: argparse.Namespace, settings: Settings, directory: Path) -> None:
    """Measure the collector and the bare handlers, one after the other."""
    bare_port, port = free_port(), free_port()
    collect = (str(port), settings.broker, settings.namespace, str(directory / "spool"))
    with (
        running(bare_port, str(HERE / "collector_bare.py"), str(bare_port)) as bare,
        running(port, "-c", COLLECT, *collect) as collector,
    ):
        for batch in BATCHES:
            rounds = [
                (
                    measure(bare, bare_port, "/parse", batch, args),
                    measure(bare, bare_port, "/read", batch, args),
                    measure(collector, port, "/v1/events", batch, args),
                )
                for _ in range(args.rounds)
            ]
            parse, read, ours = (median(runs) for runs in zip(*rounds, strict=True))
            for name, found in (("bare_parse", parse), ("bare_read", read), ("collector", ours)):
                print(json.dumps({"measured": name, "batch": batch, **found}))
            ratio = ours["events_per_s"] / parse["events_per_s"]
            cpu_ratio = parse["cpu_us_per_event"] / ours["cpu_us_per_event"]
            print(json.dumps({"measured": "ratio", "batch": batch, "events_per_s": round(ratio, 2),
                              "cpu": round(cpu_ratio, 2)}))  # fmt: skip


def median(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the run with the middle throughput."""
    return sorted(runs, key=lambda run: run["events_per_s"])[len(runs) // 2]


def stored(settings: Settings) -> set[str]:
    """Return the ids of all events in Kafka."""
    topic = physical_topic(VISITOR, settings.namespace)
    consumer = KafkaConsumer(bootstrap_servers=settings.broker)
    partitions = [TopicPartition(topic, number) for number in range(settings.partitions)]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    found: set[str] = set()
    while any(consumer.highwater(p) != consumer.position(p) for p in partitions):
        for batch in consumer.poll(500).values():
            found.update(json.loads(record.value)["event_id"] for record in batch)
    consumer.close()
    return found


def losses(
    args: argparse.Namespace, settings: Settings, directory: Path, fault: str, broker_pid: int
) -> None:
    """End the collector, or stop Kafka, under load; count what was acknowledged and is missing."""
    port, acked = free_port(), directory / f"acked-{fault}"
    collect = (str(port), settings.broker, settings.namespace, str(directory / f"spool-{fault}"))
    with running(port, "-c", COLLECT, *collect) as collector:
        seconds = 3 if fault == "sigterm" else args.outage_seconds + 6
        clients = load(port, "/v1/events", 20, seconds, 8, str(acked))
        time.sleep(1.5)
        if fault == "sigterm":
            collector.send_signal(signal.SIGTERM)
        else:
            os.killpg(broker_pid, signal.SIGSTOP)
            time.sleep(args.outage_seconds)
            os.killpg(broker_pid, signal.SIGCONT)
        answer = json.loads(clients.communicate()[0])
        if fault != "sigterm":
            time.sleep(3)  # the spool empties
    ids = set(acked.read_text().split())
    lost = len(ids - stored(settings))
    outcome = {"measured": fault, "acknowledged": len(ids), "lost": lost}
    print(json.dumps(outcome | {"statuses": answer["statuses"], "exit": collector.returncode}))


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each; the median counts")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--outage-seconds", type=float, default=10.0)
    args = parser.parse_args()
    print(json.dumps(describe_machine()))
    with tempfile.TemporaryDirectory() as name, Supervisor(report=print) as servers:
        directory, port = Path(name), free_port()
        spec = broker_spec(port, directory)
        servers.start(spec)
        flags = {"broker": f"127.0.0.1:{port}", "namespace": f"bench-{uuid4().hex[:8]}"}
        settings = load_settings(flags, {}, None)
        create_topics(settings)
        throughput(args, settings, directory)
        for fault in ("sigterm", "outage"):
            losses(args, settings, directory, fault, servers.pids()[spec.name])


if __name__ == "__main__":
    main()
