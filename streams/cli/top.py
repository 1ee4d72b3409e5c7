"""``kpi top``: the KPIs of a running exporter in a terminal, as they change."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from processors.catalog.model import window as parse_window
from processors.errors import UsageError
from streams.cli.output import add_format
from streams.launch import exporter_url
from streams.top.run import Options, run_top
from streams.top.watch import View

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi top                                  every KPI over the last hour, headline KPIs first
  kpi top --family site --window 5m --by source
  kpi top --once --format json             one document, then the end
  kpi top | grep Conversion                one plain table an update

keys: q ends, left and right change the window, tab the family, d the dimensions, f shows final
values, up and down scroll. A KPI without the window is shown in the one most like it.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``top``."""
    parser = subparsers.add_parser(
        "top",
        help="KPIs in a terminal, as they change",
        description="Show the KPIs of a running exporter, live.",
        epilog=EPILOG,
    )
    parser.add_argument("--url", default="", help="the exporter (this machine's, by the settings)")
    parser.add_argument("--window", default="1h", help="(1h)")
    parser.add_argument("--family", default="", help="only its KPIs (all)")
    parser.add_argument("--kpi", default="", metavar="KPI,KPI", help="only these (all)")
    parser.add_argument("--by", default="", metavar="DIM,DIM", help="largest values of these too")
    parser.add_argument("--final", action="store_true", help="only what is behind the watermark")
    parser.add_argument("--once", action="store_true", help="one look, then the end")
    parser.add_argument("--plain", action="store_true", help="tables on a terminal too, no screen")
    parser.add_argument(
        "--interval", type=float, default=5.0, metavar="S", help="least time between tables (5)"
    )
    add_format(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Show the figures.

    Raises:
        UsageError: something is asked for that there is not.
        UnreachableError: the exporter is away or refused.
    """
    if not 0.1 <= args.interval <= 86_400:
        raise UsageError(f"--interval: {args.interval:g} is not 0.1 to 86400 seconds")
    as_json = args.format == "json"
    options = Options(
        url=(args.url or exporter_url(settings)).rstrip("/"),
        token=settings.exporter_token,
        once=args.once,
        as_json=as_json,
        interval_s=args.interval,
        screen=not (args.plain or as_json) and sys.stdin.isatty() and sys.stdout.isatty(),
    )
    view = View(_window(args.window), args.by, args.family, args.kpi, args.final)
    return asyncio.run(run_top(options, view))


def _window(text: str) -> str:
    """Return a window's name as KPIs have it: 60m is 1h; what is none is refused later."""
    try:
        return parse_window(text).name
    except ValueError:
        return text
