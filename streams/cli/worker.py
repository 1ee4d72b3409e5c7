"""``kpi worker``: read the topics and keep the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.worker.run import run_worker

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi worker                            read this namespace's topics
  kpi worker --worker-port 9465         with a health page

Start as many as there are cores, at most one a partition: they share the partitions.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``worker``."""
    subparsers.add_parser(
        "worker",
        help="read the topics and keep the tables",
        description="Read the topics and keep the tables, until SIGTERM.",
        epilog=EPILOG,
    )


def run(args: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001
    """Run until a signal."""
    return run_worker(settings)
