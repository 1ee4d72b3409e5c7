"""``kpi query``: the values of a KPI, from the tables."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import to_builtins

from processors.errors import UsageError
from streams.catalog_files import read_catalog
from streams.cli.output import add_format, print_json, print_table
from streams.query import NOW, ask, query

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from processors.evaluate import Row
    from streams.cli.registry import Subparsers
    from streams.query import Question
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi query page_views                              the first window, up to now
  kpi query click_through_rate --window 1h --by campaign --format json
  kpi query revenue --at 2026-01-31T12:00:00Z --final
  kpi query revenue --before 1                      as it was defined before the last change

A window ends at TIME where it can, else it holds TIME; live windows hold the present pane and are
provisional. With --final the window ends at the slowest watermark, or exits with 1 where TIME is
not behind it yet.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``query``."""
    parser = subparsers.add_parser(
        "query", help="values of a KPI", description="Print the values of a KPI.", epilog=EPILOG
    )
    parser.add_argument("kpi", metavar="KPI", help="the KPI's id: see kpi catalog list")
    parser.add_argument("--window", default="", help="one of its windows (its first)")
    parser.add_argument("--by", default="", metavar="DIM,DIM", help="dimensions (the total)")
    parser.add_argument("--at", default=NOW, metavar="TIME", help="RFC 3339, ms or now (now)")
    parser.add_argument("--final", action="store_true", help="only what is behind the watermark")
    parser.add_argument(
        "--before",
        type=int,
        default=0,
        metavar="N",
        help="of measures whose definition changed, the version so many changes ago (0)",
    )
    add_format(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the answer."""
    catalog = read_catalog(settings)
    question = ask(catalog, args.kpi, window=args.window, by=args.by, at=args.at, final=args.final)
    if args.before < 0:
        raise UsageError(f"--before {args.before}: it counts changes back, 0 is the present")
    rows = asyncio.run(query(settings, catalog, question, before=args.before))
    if args.format == "json":
        print_json(to_builtins(rows))
    else:
        _print(question, rows)
    return 0


def _print(question: Question, rows: Sequence[Row]) -> None:
    """Print rows as a table; what is undefined is ``-``."""
    several = len(question.metric.stats) > 1
    headers = [*question.dimensions, *(("stat",) if several else ())]
    headers += [_value_header(question), "numerator", "denominator", "samples", "from", "to", ""]
    print_table(headers, [_cells(row, several=several) for row in rows])


def _value_header(question: Question) -> str:
    unit = question.metric.unit
    return "value" if unit == "count" else f"value ({unit})"


def _cells(row: Row, *, several: bool) -> list[object]:
    shown = [*row.dimensions.values(), *((row.stat,) if several else ())]
    figures = (row.value, row.numerator, row.denominator)
    remarks = [
        *(("provisional",) if row.provisional else ()),
        *(() if row.complete else ("incomplete",)),
    ]
    return [
        *shown,
        *("-" if figure is None else figure for figure in figures),
        row.samples,
        _instant(row.window_start_ms),
        _instant(row.window_end_ms),
        " ".join(remarks),
    ]


def _instant(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
