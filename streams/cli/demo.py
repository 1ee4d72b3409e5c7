"""``kpi demo``: everything on embedded servers, with seeded traffic."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Final

from processors.errors import UsageError
from streams.demo.run import Options, run_demo

if TYPE_CHECKING:
    from streams.cli.registry import Subparsers
    from streams.settings import Settings

RATE: Final = 20.0
RATE_MAX: Final = 2_000.0  # one process makes the traffic, beside all the rest
EPILOG = """\
examples:
  kpi demo                              until Ctrl-C
  kpi demo --seconds 60 --no-browser    live for a minute, then exit code 0
  kpi demo --rate 200 --port 9999

Two hours of history are published and counted first. Everything runs on 127.0.0.1, in memory and a
temporary directory; nothing is kept.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``demo``."""
    parser = subparsers.add_parser(
        "demo",
        help="everything on embedded servers, with seeded traffic",
        description="Run everything on embedded servers, with seeded traffic.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="end after N seconds of live traffic"
    )
    parser.add_argument(
        "--rate", type=float, default=RATE, metavar="N", help=f"events a second ({RATE:g})"
    )
    parser.add_argument(
        "--port",
        dest="exporter_port",
        default=argparse.SUPPRESS,
        metavar="P",
        help="port of metrics and the JSON API (9464); 0: a free one",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run until Ctrl-C, SIGTERM or the end of its time."""
    if not 0 < args.rate <= RATE_MAX:
        raise UsageError(f"--rate {args.rate:g}: must be more than 0 and at most {RATE_MAX:g}")
    if args.seconds is not None and not (math.isfinite(args.seconds) and args.seconds >= 0):
        raise UsageError(f"--seconds {args.seconds:g}: must be a number of seconds")
    return run_demo(Options(args.rate, args.seconds, not args.no_browser), settings)
