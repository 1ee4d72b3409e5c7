"""``kpi repartition``: bring a topic's tables to another number of partitions."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from streams.catalog_files import read_catalog
from streams.cli.output import add_format, print_json
from streams.cli.progress import ProgressLine
from streams.repartition.run import Repartitioned, repartition
from streams.tables.connection import connected

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG: Final = """\
examples:
  kpi repartition --topic tracking.visitor --partitions 24 --backup before.kpi
  kpi repartition --topic tracking.ads --backup before.kpi     it has them already
  kpi state restore before.kpi --yes                           the tables as they were

How: stop the topic's producers, let the workers read it to its end (kpi top: no lag), end the
workers, run this, start them again, then the producers. With --partitions it adds the partitions
itself, at the only moment at which no record can be in the wrong place. The embedded broker cannot
add partitions.

Panes, offsets and counters stay with their partition. States (sessions, carts, orders, tickets)
and their timers move to where their keys' next records come; where a state does not hold its
record's key, the topic is read once more for it. Nothing is guessed: it refuses, and changes no
table, where records that were published before the change are not counted yet, where workers have
counted records of both layouts, or where keys do not lie where murmur2 puts them. The workers end
in any case; producers of a topic whose events keep no state (tracking.ads) may go on. The topics
tracking.customer and tracking.visitor are written by the workers: each needs them at the end of the
other, too, and ended in order.

Afterwards the log before the change is of the old layout: counting it anew, a backfill or a verify
across the change would see a session that spans it as two, so take a backup (kpi state backup).
Duplicates are found within a partition: a record that is sent again after the change may count
twice where its key has moved. Needs memory of about 300 bytes a state.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``repartition``."""
    parser = subparsers.add_parser(
        "repartition",
        help="bring a topic's tables to another number of partitions",
        description="Move what belongs to keys to where a topic's partitions put them now.",
        epilog=EPILOG,
    )
    parser.add_argument("--topic", required=True, metavar="TOPIC", help="tracking.visitor, ...")
    parser.add_argument(  # not the setting of that name, which is for new topics
        "--partitions", dest="wanted", type=int, default=0, metavar="N",
        help="add partitions up to so many",
    )  # fmt: skip
    parser.add_argument(
        "--backup", type=Path, required=True, metavar="FILE", help="the way back; must not exist"
    )
    add_format(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Migrate, and say what moved."""
    with ProgressLine(sys.stderr) as progress:
        done = asyncio.run(_repartition(args, settings, progress))
    if args.format == "json":
        print_json({**asdict(done), "backup": str(args.backup)})
    elif done.before == done.after:
        print(f"{done.topic}: is counted with its {done.after} partitions: nothing to do")  # noqa: T201  # the command's answer
    else:
        print(  # noqa: T201  # the command's answer
            f"{done.topic}: from {done.before} to {done.after} partitions, {done.states} states "
            f"placed; {args.backup} has the tables as they were"
        )
    return 0


async def _repartition(
    args: argparse.Namespace, settings: Settings, progress: ProgressLine
) -> Repartitioned:
    async with connected(settings.redis_url) as client:
        return await repartition(
            client,
            settings,
            read_catalog(settings),
            args.topic,
            wanted=args.wanted,
            backup=args.backup,
            report=progress.report,
        )
