"""``kpi state drop``: give up a namespace's tables, so that its log is counted anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from processors.errors import UsageError
from streams.cli.output import add_format, print_json
from streams.tables.admin import drop_namespace
from streams.tables.connection import address_of, open_client

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi state drop --yes                          the tables of this namespace, all of its figures
  kpi state drop --namespace staging --yes

Workers that start afterwards count what the topics still hold, from the beginning. Where a topic's
beginning is gone they stop, because every figure would lack it, unless KPI_COUNT_ANEW=1 says that
this is accepted. Topics are left alone. End the workers first.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``state``."""
    parser = subparsers.add_parser(
        "state",
        help="give up the tables, to count anew",
        description="The tables of this namespace in Redis.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    drop = actions.add_parser("drop", help="delete every table of the namespace")
    drop.add_argument("--yes", action="store_true", help="do it: the figures cannot be had back")
    add_format(drop)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Drop the tables.

    Raises:
        UsageError: ``--yes`` is missing.
        UnreachableError: Redis is away or refused.
    """
    dropped, address = asyncio.run(_drop(settings, really=args.yes))
    if args.format == "json":
        print_json({"namespace": settings.namespace, "redis": address, "keys_dropped": dropped})
    else:
        text = f"{settings.namespace}: {dropped} keys dropped from Redis at {address}"
        print(text)  # noqa: T201  # the command's answer
    return 0


async def _drop(settings: Settings, *, really: bool) -> tuple[int, str]:
    client = open_client(settings.redis_url)
    try:
        address = address_of(client)
        if not really:
            raise UsageError(
                f"every figure of namespace {settings.namespace} in Redis at {address} would be "
                "deleted: add --yes if that is meant"
            )
        return await drop_namespace(client, settings.namespace), address
    finally:
        await client.aclose()
