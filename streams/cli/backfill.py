"""``kpi backfill``: recompute a range of the log beside the live figures."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from processors.durations import parse_duration_ms
from processors.errors import UsageError
from streams.backfill.order import Order, backfill
from streams.catalog_files import read_catalog
from streams.cli.output import add_format, print_json, print_table
from streams.cli.progress import ProgressLine
from streams.query import NOW, parse_time

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

WARM_UP = "1d"
EPILOG = """\
examples:
  kpi backfill --into march --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z
  kpi query revenue --window 30d --at 2026-04-01T00:00:00Z --final --namespace march
  kpi backfill --into try --catalog-dir ./new-kpis --kpis conversion_rate --replace

The namespace's topics are read once more, by the catalogue as it is now, into tables of the
namespace --into names. Live figures, offsets and dead letters are not touched. What begins before
--from (sessions, carts, touches, tickets) is known as far as --warm-up reaches; windows that begin
before --from say that they are incomplete; what is counted since the beginning (open tickets,
list sizes) starts from there, too. The log is read up to where the workers are, whatever
--to says: events come late; --to only seals the range, so that its windows are final.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``backfill``."""
    parser = subparsers.add_parser(
        "backfill",
        help="recompute a range of the log beside the live figures",
        description="Recompute a range of the log into tables of another namespace.",
        epilog=EPILOG,
    )
    parser.add_argument("--into", required=True, metavar="NAME", help="namespace of the tables")
    parser.add_argument(
        "--from", dest="start", default="", metavar="TIME", help="RFC 3339 or ms (the log's start)"
    )
    parser.add_argument("--to", default=NOW, metavar="TIME", help="RFC 3339, ms or now (now)")
    parser.add_argument(
        "--warm-up", default=WARM_UP, metavar="TIME", help=f"read before --from ({WARM_UP})"
    )
    parser.add_argument("--replace", action="store_true", help="drop the namespace first")
    add_format(parser)


def order_of(args: argparse.Namespace, into: str, *, replace: bool) -> Order:
    """Check what the command line asks for.

    Raises:
        UsageError: a time or duration cannot be read, or the range is empty.
    """
    from_ms = parse_time(args.start) if args.start else None
    to_ms = parse_time(args.to)
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise UsageError(f"--from {args.start} is not before --to {args.to}: nothing lies between")
    try:
        warm_up_ms = parse_duration_ms(args.warm_up)
    except ValueError as error:
        raise UsageError(f"--warm-up {args.warm_up}: {error}") from None
    return Order(into, from_ms, to_ms, warm_up_ms, replace)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Recompute and say what was made."""
    catalog = read_catalog(settings)
    order = order_of(args, args.into, replace=args.replace)
    with ProgressLine(sys.stderr) as progress:

        def report(done: int, total: int) -> None:
            progress.report("recomputed", done, total)

        found = asyncio.run(backfill(settings, catalog, order, report))
    made: dict[str, Any] = {
        "namespace": order.into,
        "records": found.records,
        "rejected": found.rejected,
        "seconds": round(found.seconds, 1),
    }
    if args.format == "json":
        print_json(made)
    else:
        print_table(tuple(made), [tuple(made.values())])
    return 0
