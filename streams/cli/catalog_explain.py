"""``kpi catalog explain``: a KPI in plain words and numbers, or what an event would change."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from processors.effects import effects_of
from processors.errors import CheckFailedError, UnreachableError, UsageError
from processors.explain import explain
from streams.cli.output import print_json, print_table
from streams.explain import explain_settings
from streams.query import find_metric

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from processors.catalog.model import Catalog
    from streams.settings import Settings

STDIN: Final = "-"
_UNLINKED: Final = (
    "event {} names no visitor: it counts as well in the session and cart of the one whom an "
    "identify links to its customer_id (add that event to see what)"
)


def run_explain(args: argparse.Namespace, settings: Settings, catalog: Catalog) -> int:
    """Explain a KPI, or events."""
    if args.event is not None:
        if args.kpi is not None:
            raise UsageError("explain takes a KPI or --event FILE, not both")
        return _explain_events(args.event, catalog, args.format)
    if args.kpi is None:
        raise UsageError("explain what? Name a KPI, or --event FILE")
    metric = find_metric(catalog, args.kpi)
    try:
        found = asyncio.run(explain_settings(settings, catalog, metric))
    except UnreachableError as error:
        found = {**explain(catalog, metric), "now": None, "unreachable": str(error)}
    if args.format == "json":
        print_json(found)
    else:
        _print(found)
    return 0


def _print(found: Mapping[str, Any]) -> None:
    """Print an explanation as a page of text."""
    computed, example = found["computed"], found["example"]
    below = f" / ({computed['denominator']})" if computed["denominator"] else ""
    lines = [
        f"{found['label']} ({found['kpi']}), in {found['unit']}",
        found["description"],
        "",
        f"formula   {found['formula']}",
        f"computed  {computed['numerator']}{below}",
        *(f"  {leaf}: {words}" for leaf, words in computed["reads"].items()),
        f"events    {', '.join(found['events'])}",
        f"fields    {', '.join(found['fields'])}",
        f"windows   {', '.join(found['windows'])}",
        f"by        {'; '.join(','.join(names) or 'total' for names in found['by'])}",
        f"example   {_sum(example['parts'])} -> {_gives(example['gives'])}",
    ]
    now = found.get("now")
    if now:
        lines.append(f"now       {now['window']}: {_sum(now['parts'])}")
        for row in now["gives"]:
            names = ", ".join(f"{k}={v}" for k, v in row.items() if k not in ("stat", "value"))
            value = "undefined" if row["value"] is None else row["value"]
            lines.append(f"          {names or 'total'} {row['stat']}: {value}")
    lines += [f"          {text}" for text in found.get("waiting", ())]
    if found.get("unreachable"):
        lines.append(f"now       unknown: {found['unreachable']}")
    lines.append(f"defined   {found['defined']}")
    sys.stdout.write("\n".join(lines) + "\n")


def _sum(parts: Mapping[str, object]) -> str:
    return ", ".join(f"{leaf} = {figure}" for leaf, figure in parts.items())


def _gives(figures: Mapping[str, object]) -> str:
    return ", ".join(f"{stat} {figure}" for stat, figure in figures.items()) or "undefined"


def _explain_events(name: str, catalog: Catalog, output: str) -> int:
    events = _read_events(name)
    found = effects_of(catalog, events, time.time_ns() // 1_000_000)
    notes = [_UNLINKED.format(at + 1) for at in found.unlinked]
    if output == "json":
        print_json(
            {
                "effects": [
                    {"kpi": e.kpi, "when": e.when, "parts": {p.leaf: p.figure for p in e.parts}}
                    for e in found.effects
                ],
                "rejections": [
                    {"event": at + 1, "reason": r.reason, "field": r.field, "detail": r.detail}
                    for at, r in found.rejections
                ],
                "notes": notes,
            }
        )
    else:
        print_table(
            ("kpi", "what it reads grows by", "when"),
            [
                (e.kpi, ", ".join(f"{p.leaf} {_signed(p.figure)}" for p in e.parts), e.when)
                for e in found.effects
            ],
        )
        for note in notes:
            sys.stderr.write(f"kpi: {note}\n")
    for at, rejection in found.rejections:
        sys.stderr.write(
            f"kpi: event {at + 1} would be a dead letter: {rejection.reason}: "
            f"{rejection.field}: {rejection.detail}\n"
        )
    return CheckFailedError.exit_code if found.rejections else 0


def _signed(figure: str | float) -> str:
    text = str(figure)
    return text if text.startswith("-") else f"+{text}"


def _read_events(name: str) -> list[dict[str, Any]]:
    """Read one JSON object, an array of them, or one a line.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    try:
        text = sys.stdin.read() if name == STDIN else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--event: {name}: {error}") from None
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise UsageError(f"--event: {name}: neither JSON nor JSON lines: {error}") from None
    events = found if isinstance(found, list) else [found]
    if not events or not all(isinstance(event, dict) for event in events):
        raise UsageError(f"--event: {name}: no event in it: write one JSON object a line")
    return events
