"""``kpi exporter``: serve the live page, metrics and the JSON API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.exporter.run import run_exporter

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi exporter                          on http://127.0.0.1:9464: open it in a browser
  KPI_EXPORTER_TOKEN_FILE=token kpi exporter --exporter-host 0.0.0.0

Off loopback a token is required.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``exporter``."""
    subparsers.add_parser(
        "exporter",
        help="serve the live page, metrics and the JSON API",
        description="Serve KPIs from the tables, until SIGTERM.",
        epilog=EPILOG,
    )


def run(args: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001
    """Run until a signal."""
    return run_exporter(settings)
