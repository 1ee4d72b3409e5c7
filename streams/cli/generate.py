"""``kpi generate``: dashboards, rules and their tests, the runbook, schemas and documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from streams import generated
from streams.catalog_files import read_catalog
from streams.cli.output import add_format, print_json
from streams.monitoring.alertmanager import alertmanager_yaml

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi generate                          write what the catalogue yields below the current folder
  kpi generate --check                  only compare: exit 1 where a file differs
  kpi generate --root /etc/kpi          for a catalogue of your own
  KPI_ALERT_WEBHOOK_URL=https://... kpi generate --alertmanager /etc/alertmanager/alertmanager.yml
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``generate``."""
    parser = subparsers.add_parser(
        "generate",
        help="dashboards, rules, their tests and the runbook from the catalogue; schemas",
        description="Write every file that is generated, or check those that are there.",
        epilog=EPILOG,
    )
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument(
        "--accept-breaking", action="store_true",
        help="write schemas that refuse what published ones allow: producers will stumble",
    )  # fmt: skip
    parser.add_argument(
        "--alertmanager",
        metavar="FILE",
        help="only write Alertmanager's configuration, with the receivers of the settings",
    )
    parser.add_argument("--root", default=".", metavar="DIR", help="where deploy/ is (.)")
    add_format(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Write or compare."""
    if args.alertmanager:
        text = alertmanager_yaml(read_catalog(settings), settings)
        Path(args.alertmanager).write_text(text, "utf-8")
        return 0
    catalog, root = read_catalog(settings), Path(args.root)
    if args.check:
        generated.check(catalog, root)
        written: list[str] = []
    else:
        written = generated.write(catalog, root, accept_breaking=args.accept_breaking)
    if args.format == "json":
        print_json({"checked": len(generated.texts(catalog)), "written": written})
    else:
        for path in written:
            print(path)  # noqa: T201  # what the command is for
        print(f"{len(generated.texts(catalog))} generated files are those of the catalogue")  # noqa: T201
    return 0
