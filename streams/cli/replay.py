"""``kpi replay``: publish events from files and wait until they count."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streams.cli.progress import ProgressLine
from streams.replay.pace import parse_speed
from streams.replay.run import replay
from streams.replay.sources import open_files
from streams.supervisor.tree import StopRequested

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

INTERRUPTED: Final = 130  # what a shell expects of a command that a signal ended half way
EPILOG = """\
examples:
  kpi replay events.ndjson                          own events into the running system
  kpi replay --shift-to-now --speed 10 day.ndjson   yesterday's day, ten times as fast, as if now
  kpi replay --namespace trial --mapping orders_online_retail orders.parquet
  kpi replay --namespace trial --mapping mine.yaml rows.csv

own events are JSON lines (.ndjson, .jsonl, .json); anything else needs a mapping: a YAML file, or
the name of one that comes with the product
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``replay``."""
    parser = subparsers.add_parser(
        "replay",
        help="publish events from files",
        description="Publish events from files, and wait until the worker has checkpointed them.",
        epilog=EPILOG,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--mapping", metavar="M.yaml", help="turns foreign rows into events")
    parser.add_argument("--speed", default="max", metavar="max|N", help="times real time (max)")
    parser.add_argument(
        "--shift-to-now", action="store_true", help="move all times so that the events are new"
    )
    parser.add_argument(
        "--as-is", action="store_true", help="in the order of the files, not by event time"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Replay and say what was done."""
    speed = parse_speed(args.speed)
    files = open_files(args.files, args.mapping, as_is=args.as_is)
    with ProgressLine(sys.stderr) as progress:
        try:
            done = replay(
                settings,
                files,
                speed=speed,
                shift_to_now=args.shift_to_now,
                report=progress.report,
                say=progress.say,
            )
        except StopRequested:
            progress.say("stopped: what was published stays, the log is not sealed")
            return INTERRUPTED
    rate = done.events / max(done.total_s, 1e-9)
    sys.stdout.write(
        f"{done.events} events into namespace {settings.namespace} in {done.total_s:.1f} s"
        f" ({rate:.0f}/s), all checkpointed\n"
    )
    return 0
