"""``kpi up``: worker, exporter and collector in one supervised process tree."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from streams.catalog_files import read_catalog
from streams.embedded.ports import free_port, require_free
from streams.embedded.servers import start_servers
from streams.launch import (
    collector_spec,
    collector_url,
    exporter_spec,
    exporter_url,
    with_settings,
    worker_spec,
)
from streams.supervisor.tree import StopRequested, Supervisor
from streams.topics import create_topics

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi up --embedded                     with a broker and a Valkey of its own
  kpi up --broker kafka:9092 --redis-url redis://valkey:6379/0

Missing topics are created. A crashed process is started again; a dead embedded server ends
everything. SIGINT and SIGTERM end everything, in reverse order, with exit code 0.
"""
_IDLE_S = 60.0


def add_parser(subparsers: Subparsers) -> None:
    """Add ``up``."""
    parser = subparsers.add_parser(
        "up",
        help="worker, exporter and collector in one supervised process tree",
        description="Run worker, exporter and collector under one supervisor, until a signal.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "--embedded",
        action="store_true",
        help="start a Kafka broker and a Valkey too: in memory, gone at the end",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run until a signal, or until a part is beyond repair."""
    read_catalog(settings)  # a wrong definition ends it here, not in a child
    settings = _choose_ports(settings)
    require_free(settings.exporter_host, settings.exporter_port, "--exporter-port")
    require_free(settings.collector_host, settings.collector_port, "--collector-port")
    with (
        tempfile.TemporaryDirectory(prefix="kpi-") as directory,
        Supervisor(report=say) as supervisor,
    ):
        try:
            if args.embedded:
                settings = _embedded(supervisor, settings, Path(directory))
            for topic in create_topics(settings):
                say(f"created topic {topic} with {settings.partitions} partitions")
            supervisor.start(
                worker_spec(settings), exporter_spec(settings), collector_spec(settings)
            )
            say(f"KPIs on {exporter_url(settings)}, events to {collector_url(settings)}/v1/events")
            while True:
                supervisor.pause(_IDLE_S)
        except StopRequested:
            say("ending")
    return 0


def _choose_ports(settings: Settings) -> Settings:
    """Replace port 0, which only the child would know, by a free one."""
    for name in ("exporter_port", "worker_port", "collector_port"):
        if getattr(settings, name) == 0:
            settings = with_settings(settings, "kpi up", **{name: free_port()})
    return settings


def _embedded(supervisor: Supervisor, settings: Settings, directory: Path) -> Settings:
    addresses = start_servers(supervisor, directory)
    say(f"embedded servers: KPI_BROKER={addresses.broker} KPI_REDIS_URL={addresses.redis_url}")
    say("they are for trying things out: the broker keeps every record in memory and never trims")
    say("its log, and both are empty again at the next start")
    return with_settings(
        settings, "embedded", broker=addresses.broker, redis_url=addresses.redis_url
    )


def say(text: str) -> None:
    """Report progress; stdout is for answers."""
    sys.stderr.write(f"kpi: {text}\n")
    sys.stderr.flush()
