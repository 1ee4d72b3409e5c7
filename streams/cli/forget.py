"""``kpi forget``: remove what is kept of a visitor, a customer or a recipient."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from processors.durations import parse_duration_ms
from processors.errors import UnreachableError, UsageError
from processors.names import CUSTOMER
from processors.pipeline import compile_plan, hands_over, keeps_states_of
from streams.catalog_files import read_catalog
from streams.cli.output import add_format, print_json, print_table
from streams.collector.identity import IdentityHasher
from streams.erasure.request import answer, publish

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi forget --visitor v-8f3e
  kpi forget --visitor v-8f3e --customer c-17 --recipient jo@example.com
  kpi forget --customer c-17 --format json

Where collectors hash identities (collector_identity_key), so does this, with the same key. The
owning workers remove the identity from what they keep of single people, and say how many
states that were. Figures stay; open sessions and carts are never concluded. Where else the identity
is (topics until their retention, dead letters, backups) and how each ends: docs/producers.md.

exit codes: 3 where a worker has not answered in time: it will, once it reads the request
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``forget``."""
    parser = subparsers.add_parser(
        "forget",
        help="remove what is kept of a visitor, customer or recipient",
        description="Remove what is kept of one person, by any of their identities.",
        epilog=EPILOG,
    )
    for kind in ("visitor", "customer", "recipient"):
        parser.add_argument(f"--{kind}", default="", metavar="ID", help=f"{kind}_id of the person")
    parser.add_argument(
        "--plain", action="store_true",
        help="the IDs are as in Kafka already: do not hash them with the collector's identity key",
    )  # fmt: skip
    parser.add_argument("--wait", default="60s", metavar="TIME", help="for the workers (60s)")
    add_format(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Publish the request and print what was removed."""
    if not (args.visitor or args.customer or args.recipient):
        raise UsageError("whom: --visitor, --customer or --recipient")
    try:
        wait_ms = parse_duration_ms(args.wait)
    except ValueError as error:
        raise UsageError(f"--wait: {error}") from error
    plan = compile_plan(read_catalog(settings))
    name = _name(settings, plain=args.plain)
    request = publish(
        settings,
        visitor_id=name(args.visitor),
        customer_id=name(args.customer),
        recipient_id=name(args.recipient),
        customers_kept=keeps_states_of(plan, CUSTOMER),
        links_kept=hands_over(plan),
    )
    found = asyncio.run(answer(settings, request, wait_ms / 1000))
    if args.format == "json":
        print_json(
            {
                "request": request.id,
                "removed": found.totals,
                "partitions": {
                    f"{who.topic}/{who.partition}": counts for who, counts in found.removed.items()
                },
                "missing": [f"{who.topic}/{who.partition}" for who in found.missing],
            }
        )
    else:
        rows = list(found.totals.items()) or [("nothing was kept", 0)]
        print_table(("kept by", "states removed"), rows)
        sys.stderr.write(f"request {request.id}\n")
    if found.missing:
        who = ", ".join(f"{p.topic}/{p.partition}" for p in found.missing)
        raise UnreachableError(
            f"not answered within {args.wait}: {who}: the request stays in the log, and is done "
            "when a worker reads it"
        )
    return 0


def _name(settings: Settings, *, plain: bool) -> Callable[[str], str]:
    """Return what turns an identity into what stands for it in Kafka."""
    if plain or not settings.collector_identity_key:
        return str
    hasher = IdentityHasher(settings.collector_identity_key)
    return lambda identity: hasher.hash(identity) if identity else ""
