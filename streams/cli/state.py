"""``kpi state``: a namespace's tables into a file and back, or given up to be counted anew."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from processors.errors import UsageError
from streams.backup.presence import refuse_workers
from streams.backup.read import back_up
from streams.backup.write import restore
from streams.cli.output import add_format, print_json
from streams.cli.progress import ProgressLine
from streams.tables.admin import drop_namespace
from streams.tables.connection import address_of, connected

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

    Answer = tuple[dict[str, Any], str]

EPILOG: Final = """\
examples:
  kpi state backup tables.kpi                   every table of this namespace, workers at work
  kpi state restore tables.kpi --into look      a copy beside the live tables, to be asked
  kpi query revenue --window 1d --at 2026-03-01T12:00:00Z --namespace look
  kpi state restore tables.kpi --yes            instead of what is there; end the workers first
  kpi state drop --yes                          the tables of this namespace, all of its figures
  kpi state drop --namespace staging --yes

backup: each partition is read as it is at one checkpoint, offset included; its next checkpoints
wait meanwhile (its worker counts on), and Redis answers others after every page. The file is
compressed and checksummed, holds identities (only its owner may read it), and fits any Redis or
Valkey.

restore: the file is read through before anything changes. Workers then read the log on from the
backup's offsets, so nothing is lost as long as the topics still hold what came after. A restore
that ended half way refuses workers until it is run again.

drop: workers that start afterwards count what the topics still hold, from the beginning. Where a
topic's beginning is gone they stop, because every figure would lack it, unless KPI_COUNT_ANEW=1
says that this is accepted. Topics are left alone. End the workers first.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``state``."""
    parser = subparsers.add_parser(
        "state",
        help="back up, restore or give up the tables",
        description="The tables of this namespace in Redis.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    backup = actions.add_parser("backup", help="write every table into a file")
    backup.add_argument("file", type=Path, metavar="FILE", help="must not exist yet")
    bring_back = actions.add_parser("restore", help="make the tables what a backup says")
    bring_back.add_argument("file", type=Path, metavar="FILE", help="of kpi state backup")
    bring_back.add_argument("--into", metavar="NAME", help="another namespace, for a copy")
    bring_back.add_argument("--yes", action="store_true", help="replace the tables that are there")
    drop = actions.add_parser("drop", help="delete every table of the namespace")
    drop.add_argument("--yes", action="store_true", help="do it: the figures cannot be had back")
    for one in (backup, bring_back, drop):
        add_format(one)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what is asked for, and say what was done.

    Raises:
        UsageError: ``--yes`` is missing, workers are at work, or the file is not usable.
        CheckFailedError: the file or the tables are not whole.
        UnreachableError: Redis is away or refused.
    """
    action = {"backup": _backup, "restore": _restore, "drop": _drop}[args.action]
    found, text = asyncio.run(_with_client(action, args, settings))
    if args.format == "json":
        print_json(found)
    else:
        print(text)  # noqa: T201  # the command's answer
    return 0


async def _with_client(
    action: Callable[[Redis, argparse.Namespace, Settings], Awaitable[Answer]],
    args: argparse.Namespace,
    settings: Settings,
) -> Answer:
    async with connected(settings.redis_url) as client:
        return await action(client, args, settings)


async def _backup(client: Redis, args: argparse.Namespace, settings: Settings) -> Answer:
    with ProgressLine(sys.stderr) as progress:

        def report(done: int, total: int) -> None:
            progress.report("keys read:", done, total)

        made = await back_up(client, settings.namespace, args.file, report)
    size = args.file.stat().st_size
    found = {
        "namespace": settings.namespace,
        "file": str(args.file),
        "partitions": made.partitions,
        "keys": made.keys,
        "file_bytes": size,
        "seconds": round(made.seconds, 1),
    }
    text = (
        f"{settings.namespace}: {made.keys} keys of {made.partitions} partitions in {args.file} "
        f"({size:,} bytes, {made.seconds:.1f} s)"
    )
    return found, text


async def _restore(client: Redis, args: argparse.Namespace, settings: Settings) -> Answer:
    namespace = args.into or settings.namespace
    if not args.file.is_file():
        raise UsageError(f"{args.file}: there is no such file")
    what = f"restoring {args.file} would replace what they count"
    unknown = await refuse_workers(client, settings, namespace, what)
    with ProgressLine(sys.stderr) as progress:
        if unknown:
            progress.say(unknown)

        def report(done: int, total: int) -> None:
            progress.report("parts restored:", done, total)

        parts = await restore(client, args.file, namespace, replace=args.yes, report=report)
    address = address_of(client)
    found = {"namespace": namespace, "redis": address, "file": str(args.file), "parts": parts}
    return found, f"{namespace}: restored from {args.file} ({parts} parts) into Redis at {address}"


async def _drop(client: Redis, args: argparse.Namespace, settings: Settings) -> Answer:
    address = address_of(client)
    if not args.yes:
        raise UsageError(
            f"every figure of namespace {settings.namespace} in Redis at {address} would be "
            "deleted: add --yes if that is meant"
        )
    dropped = await drop_namespace(client, settings.namespace)
    found = {"namespace": settings.namespace, "redis": address, "keys_dropped": dropped}
    return found, f"{settings.namespace}: {dropped} keys dropped from Redis at {address}"
