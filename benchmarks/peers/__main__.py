"""Measure the product beside its peers: ``python -m benchmarks.peers`` in the project's directory.

Needs what ``make test-kafka`` needs (Java 17, Maven) for the broker; the first run installs the
peers below target/peers. Prints one table; docs/performance.md says what it means.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import redis

from benchmarks.peers.contenders import CONTENDERS, PRODUCT
from benchmarks.peers.log import produce
from benchmarks.peers.measure import Run, Servers, WrongError, run_once
from benchmarks.peers.places import MissingError
from benchmarks.peers.table import Row, print_rows
from streams.bench.machine import describe_machine
from streams.launch import with_settings
from streams.settings import Settings
from tests.support.kafka_nodes import kafka_cluster
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.peers.contenders import Contender
    from benchmarks.peers.log import Log

CORES: Final = 2
PARTITIONS: Final = 4
HEAP_MB: Final = 1_024
_KEPT: Final = {"log.retention.ms": "-1"}  # records are older than the topics that peers make


def main() -> None:
    """Run every contender that can run here."""
    args = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers end with this process
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    machine = describe_machine()
    rows, ready = _prepare([c for c in CONTENDERS if not args.only or c.name in args.only])
    with tempfile.TemporaryDirectory(prefix="kpi-peers-") as made, _servers(Path(made)) as servers:
        logs = _logs(servers, sorted({int(n * args.share) for c, _, _ in ready for n in c.events}))
        for number in range(args.rounds):
            for contender, command, _ in ready:
                row = rows[contender.name]
                if not row.failure:
                    _turn(contender, command, servers, logs, args.share, Path(made), number, row)
    machine["load_after"] = os.getloadavg()[0]
    if args.format == "json":
        print(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows.values()]}))
    else:
        print_rows(machine, list(rows.values()), PRODUCT)
    sys.exit(any(row.failure and not row.missing for row in rows.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="turns of every contender (2)")
    parser.add_argument("--share", type=float, default=1.0, help="of the logs' lengths (1)")
    parser.add_argument("--only", action="append", choices=[c.name for c in CONTENDERS])
    parser.add_argument("--format", choices=("table", "json"), default="table")
    return parser.parse_args()


def _prepare(
    contenders: list[Contender],
) -> tuple[dict[str, Row], list[tuple[Contender, list[str], str]]]:
    rows, ready = {}, []
    for contender in contenders:
        _say(f"{contender.name}: is installed")
        row = rows[contender.name] = Row(contender.name)
        try:
            command, row.version = contender.prepare()
        except MissingError as error:
            row.failure, row.missing = str(error), True
        else:
            ready.append((contender, command, row.version))
    return rows, ready


@contextmanager
def _servers(directory: Path) -> Iterator[Servers]:
    """Run Apache Kafka as it is by default, and Valkey with its log of writes on."""
    kept = ("--appendonly", "yes", "--appendfsync", "everysec")
    with (
        kafka_cluster(heap_mb=HEAP_MB, options=(), settings=_KEPT, directory=directory) as kafka,
        valkey_server(directory, *kept) as url,
    ):
        process = kafka.nodes[0].process
        assert process is not None  # noqa: S101  # it has just answered
        redis_pid = redis.Redis.from_url(url).info("server")["process_id"]
        yield Servers(kafka.bootstrap, process.pid, url, redis_pid)


def _logs(servers: Servers, lengths: list[int]) -> dict[int, Log]:
    logs = {}
    for events in lengths:
        _say(f"a log of {events:,} events is produced")
        logs[events] = _produced(servers, events)
    return logs


def _produced(servers: Servers, events: int) -> Log:
    settings = with_settings(
        Settings(),
        "peers",
        broker=servers.broker,
        redis_url=servers.redis_url,
        namespace=f"peers-{uuid4().hex[:6]}",
        partitions=PARTITIONS,
        kpis="click_through_rate",
        checkpoint_interval_ms=1_000,
        tick_interval_ms=0,
    )
    return produce(settings, events)


def _turn(
    contender: Contender,
    command: list[str],
    servers: Servers,
    logs: dict[int, Log],
    share: float,
    directory: Path,
    number: int,
    row: Row,
) -> None:
    """Let a contender read its two logs."""
    runs: list[Run] = []
    for events in contender.events:
        log = logs[int(events * share)]
        if contender.needs_tail:
            log = _produced(servers, log.events)
        redis.Redis.from_url(servers.redis_url).flushall()
        name = f"{number}-{log.events}-{uuid4().hex[:6]}"
        try:
            runs.append(run_once(contender, command, servers, log, directory, name))
        except WrongError as error:
            row.failure = f"{log.events:,} events: {error}"
            _say(f"{contender.name}: {row.failure}")
            return
        _say(f"{contender.name}: {log.events:,} events in {runs[-1].seconds:.1f} s, equal")
    row.add(runs[0], runs[1])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
