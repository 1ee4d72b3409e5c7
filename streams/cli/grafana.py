"""``kpi grafana push|annotate``: a Grafana that runs already."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from processors.errors import UsageError
from streams.catalog_files import read_catalog
from streams.cli.output import add_format, print_json, print_table
from streams.grafana.annotate import KINDS, Mark, annotate
from streams.grafana.client import Grafana
from streams.grafana.push import Action, Push
from streams.query import NOW, parse_time

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  export KPI_GRAFANA_URL=https://grafana.example.com KPI_GRAFANA_TOKEN_FILE=/run/secrets/grafana
  kpi grafana push --dry-run            what would be created or updated
  kpi grafana push                      folder and dashboards, with the data source that is there
  kpi grafana push --prometheus-url http://prometheus:9090     a data source of its own as well
  kpi grafana annotate "release 1.4"
  kpi grafana annotate "autumn sale" --kind campaign --at 2026-09-01T00:00:00Z \\
      --until 2026-09-08T00:00:00Z --tag autumn

The token is a service account's; it comes from the environment, from .env or from a file, never
from the command line, where every user of the machine could read it. Pushing or annotating again
changes nothing.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``grafana``."""
    parser = subparsers.add_parser(
        "grafana",
        help="dashboards and annotations into a Grafana that runs already",
        description="Push the dashboards into a Grafana, or mark what happened on all of them.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    push = actions.add_parser("push", help="create or update data source, folder and dashboards")
    push.add_argument(
        "--prometheus-url",
        default="",
        metavar="URL",
        help="a data source for this Prometheus, as Grafana reaches it (none is made)",
    )
    push.add_argument("--dry-run", action="store_true", help="only say what would change")
    mark = actions.add_parser("annotate", help="mark a deployment or a campaign on the dashboards")
    mark.add_argument("text", help="what happened")
    mark.add_argument("--kind", choices=KINDS, default=KINDS[0], help=f"({KINDS[0]})")
    mark.add_argument("--at", default=NOW, metavar="TIME", help="RFC 3339, ms or now (now)")
    mark.add_argument("--until", default="", metavar="TIME", help="the end of a span (a moment)")
    mark.add_argument("--tag", action="append", default=[], help="one more tag; may be repeated")
    for action in (push, mark):
        add_format(action)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Push or annotate."""
    if args.action == "annotate":
        return _annotate(args, settings)
    grafana = Grafana.of(settings)
    push = Push(grafana, read_catalog(settings), args.prometheus_url, args.dry_run)
    changes = list(push.run())
    if args.format == "json":
        print_json([asdict(change) for change in changes])
        return 0
    rows = [(change.kind, change.title, change.uid, _said(change.action)) for change in changes]
    print_table(("kind", "title", "uid", "would be" if args.dry_run else "was"), rows)
    return 0


def _said(action: Action) -> str:
    return {"create": "created", "update": "updated", "keep": "as it is"}[action]


def _annotate(args: argparse.Namespace, settings: Settings) -> int:
    start_ms = _time(args.at)
    end_ms = _time(args.until) if args.until else start_ms
    if end_ms < start_ms:
        raise UsageError(f"--until {args.until}: it lies before --at {args.at}: nothing is marked")
    if not args.text.strip():
        raise UsageError("the text is empty: the mark would say nothing")
    mark = Mark(args.kind, args.text, start_ms, end_ms, tuple(args.tag))
    number, made = annotate(Grafana.of(settings), mark)
    if args.format == "json":
        print_json({"id": number, "made": made, **asdict(mark)})
    else:
        print(f"annotation {number} {'is made' if made else 'was there already'}")  # noqa: T201
    return 0


def _time(text: str) -> int:
    found = parse_time(text)
    return time.time_ns() // 1_000_000 if found is None else found
