"""``kpi doctor``: settings with their sources, and what is wrong around them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from streams.cli.output import add_format, print_json, print_table
from streams.doctor.broker import check_broker
from streams.doctor.finding import exit_code
from streams.doctor.local import check_local
from streams.doctor.store import check_store
from streams.settings import setting_names, shown

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi doctor                            tables for people
  kpi doctor --format json              the same for programs

exit codes: 0 nothing is wrong, 1 something is, 3 the broker or Redis is unreachable
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``doctor``."""
    parser = subparsers.add_parser(
        "doctor",
        help="settings with their sources, and what is wrong around them",
        description="Print each setting with its source; check broker, topics, Redis, clocks and"
        " catalogue.",
        epilog=EPILOG,
    )
    add_format(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Look at everything; a dead service does not hide the rest."""
    findings = [*check_local(settings), *check_broker(settings), *check_store(settings)]
    rows = [
        (name, shown(settings, name), settings.sources.get(name, "")) for name in setting_names()
    ]
    if args.format == "json":
        print_json(
            {
                "settings": {n: {"value": value, "source": source} for n, value, source in rows},
                "warnings": list(settings.warnings),
                "findings": [asdict(finding) for finding in findings],
            }
        )
    else:
        print_table(("setting", "value", "source"), rows)
        print_table(
            ("area", "subject", "status", "detail"),
            [(f.area, f.subject, f.status.value, f.detail) for f in findings],
        )
    return exit_code(findings)
