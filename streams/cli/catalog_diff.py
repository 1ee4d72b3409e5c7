"""``kpi catalog diff``: what other definitions would change, in words or in figures too."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from processors.catalog.difference import differences
from streams.backfill.trial import try_out
from streams.catalog_files import read_catalog
from streams.cli.backfill import WARM_UP, order_of
from streams.cli.output import print_json, print_table
from streams.cli.progress import ProgressLine
from streams.query import NOW

if TYPE_CHECKING:
    import argparse

    from processors.catalog.difference import Difference
    from streams.backfill.trial import Outcome
    from streams.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``diff`` takes."""
    parser.add_argument("directory", help="the KPIs to deploy next, merged over the presets")
    parser.add_argument(
        "--dry-run", action="store_true", help="work both out over a range of the topics"
    )
    parser.add_argument(
        "--from", dest="start", default="", metavar="TIME", help="(the log's start)"
    )
    parser.add_argument("--to", default=NOW, metavar="TIME", help="RFC 3339, ms or now (now)")
    parser.add_argument(
        "--warm-up", default=WARM_UP, metavar="TIME", help=f"read before --from ({WARM_UP})"
    )


def run_diff(args: argparse.Namespace, settings: Settings) -> int:
    """Print the differences between the settings' catalogue and that of a directory."""
    before = read_catalog(settings)
    after = read_catalog(replace(settings, catalog_dir=args.directory))
    found = differences(before, after)
    outcomes: list[Outcome] = []
    if args.dry_run:
        order = order_of(args, "", replace=False)
        with ProgressLine(sys.stderr) as progress:

            def report(done: int, total: int) -> None:
                progress.report("worked out", done, total)

            outcomes = asyncio.run(try_out(settings, before, after, found, order, report))
    if args.format == "json":
        print_json(
            {
                "differences": [_document(one) for one in found],
                "outcomes": [one._asdict() for one in outcomes],
            }
        )
        return 0
    _print(found, outcomes, dry_run=args.dry_run)
    return 0


def _document(one: Difference) -> dict[str, Any]:
    changed = {name: {"before": old, "after": new} for name, (old, new) in one.fields.items()}
    return {"kpi": one.kpi, "effect": one.effect.value, "fields": changed}


def _print(found: list[Difference], outcomes: list[Outcome], *, dry_run: bool) -> None:
    if not found:
        _say("no KPI differs")
        return
    rows = [
        (one.kpi, name, _short(old), _short(new), one.effect.value)
        for one in found
        for name, (old, new) in (one.fields or {"": ("", "")}).items()
    ]
    print_table(("kpi", "field", "before", "after", "what follows"), rows)
    if dry_run:
        print_table(
            ("kpi", "stat", "window", "", "before", "after"),
            [
                (o.kpi, o.stat, o.window, " ".join(o.dimensions.values()), _figure(o.before),
                 _figure(o.after))
                for o in outcomes
            ],
        )  # fmt: skip


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _figure(value: Any) -> object:
    return "-" if value is None else value


def _say(text: str) -> None:
    print(text)  # noqa: T201  # the command's answer
