"""``kpi bench``: measure throughput, or latency, on a fixed workload."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from streams.bench.run import order, run_bench
from streams.bench.workloads import ADS_HEAVY, WORKLOADS
from streams.cli.output import add_format, print_json, print_table
from streams.cli.progress import ProgressLine
from streams.supervisor.tree import StopRequested

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

INTERRUPTED: Final = 130  # what a shell expects of a command that a signal ended half way
EVENTS: Final = 2_000_000
SECONDS: Final = 30.0
EPILOG = """\
examples:
  kpi bench                                 one worker over 2,000,000 events of the ads workload
  kpi bench --workload shop --events 500000
  kpi bench --workload shop --beside conversion_rate,revenue,orders      what the others cost
  kpi bench --latency --seconds 30          publish at 5,000 events a second, watch /metrics
  kpi bench --format json                   for a record of runs

Servers: those of --broker and --redis-url (or KPI_BROKER, KPI_REDIS_URL) where set, else embedded
ones. Events go into a namespace of their own, which is dropped in the end. Throughput is one worker
process with all KPIs (or those of --kpis) and a checkpoint a second, from its first checkpoint to
its last; beside it plain aiokafka fetches the same log and does nothing.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``bench``."""
    parser = subparsers.add_parser(
        "bench",
        help="measure throughput and latency",
        description="Measure throughput, or latency, on a fixed workload.",
        epilog=EPILOG,
    )
    parser.add_argument("--workload", choices=tuple(WORKLOADS), default=None, help="(ads)")
    parser.add_argument(
        "--events", type=int, default=EVENTS, metavar="N", help=f"for throughput ({EVENTS})"
    )
    parser.add_argument("--latency", action="store_true", help="from publish to /metrics")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="N", help=f"of latency ({SECONDS:g})"
    )
    parser.add_argument(
        "--beside",
        default="",
        metavar="KPI,KPI",
        help="measure with these KPIs first, and what each family of the others adds",
    )
    add_format(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Measure and print."""
    # Latency is watched by page views, of which the shop's traffic has more.
    name = args.workload or ("shop" if args.latency else ADS_HEAVY.name)
    what = order(name, args.events, latency=args.latency, seconds=args.seconds, beside=args.beside)
    with ProgressLine(sys.stderr) as progress:
        try:
            found = run_bench(settings, what, progress.report)
        except StopRequested:
            return INTERRUPTED
    if args.format == "json":
        print_json(found)
    else:
        print_table(("figure", "value"), list(_flat(found).items()))
    return 0


def _flat(found: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested figures under joined names."""
    flat: dict[str, str] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            flat[prefix + name] = f"{value:,.3f}" if value < 100 else f"{value:,.0f}"
        else:
            flat[prefix + name] = str(value)
    return flat
