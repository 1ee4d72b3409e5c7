"""``kpi topics create|list``: the topics of this namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cli.output import add_format, print_json, print_table
from streams.topics import create_topics, describe_topics

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi topics create                     where they are missing, with KPI_PARTITIONS partitions
  kpi topics create --replication 3     on a cluster
  kpi topics list --format json

kpi up creates them too. A topic's partitions cannot be changed later without kpi repartition.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``topics``."""
    parser = subparsers.add_parser(
        "topics",
        help="create or list the topics",
        description="Create or list the topics of this namespace.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="create the topics that are missing")
    create.add_argument("--replication", type=int, default=1, metavar="N", help="copies (1)")
    listing = actions.add_parser("list", help="the topics that exist")
    for action in (create, listing):
        add_format(action)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Create what is missing where asked to, then list."""
    created = (
        create_topics(settings, replication=args.replication) if args.action == "create" else []
    )
    found = describe_topics(settings)
    if args.format == "json":
        print_json(
            [
                {"topic": t, "partitions": facts.partitions, "created": t in created}
                for t, facts in found.items()
            ]
        )
    else:
        rows = [
            (topic, facts.partitions, "created" if topic in created else "exists")
            for topic, facts in found.items()
        ]
        print_table(("topic", "partitions", ""), rows)
    return 0
