"""``kpi dead-letters list|show|retry``: what the worker rejected, and retrying it."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from processors.durations import parse_duration_ms
from processors.errors import UsageError
from streams.catalog_files import read_catalog
from streams.cli.output import add_format, print_json, print_table
from streams.dead_letters import intents
from streams.dead_letters.fix import parse_fix
from streams.dead_letters.group import Choice, newest, tally
from streams.dead_letters.read import read_letters
from streams.dead_letters.retry import DONE, PENDING, retry, summary
from streams.producer.gate import validity_of
from streams.tables.connection import connected

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from streams.cli.registry import Subparsers
    from streams.dead_letters.group import Tally
    from streams.dead_letters.letter import Letter
    from streams.dead_letters.retry import Attempt
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi dead-letters list                              by reason, topic and field, with a sample
  kpi dead-letters show --reason wrong_type --limit 3
  kpi dead-letters show tracking.visitor/2/17
  kpi dead-letters retry --reason unknown_type       after the worker knows the type
  kpi dead-letters retry --reason missing_field --field currency --set currency=EUR
  kpi dead-letters retry --field visitor_id --rename visitorId=visitor_id --dry-run

A retry counts each record once, however often it is retried, by however many, whatever crashes.
exit codes: 1 where a retried record does not count
"""
_FIELD_HELP = "field that the fault is in"


def add_parser(subparsers: Subparsers) -> None:
    """Add ``dead-letters``."""
    parser = subparsers.add_parser(
        "dead-letters",
        help="list, show and retry what the worker rejected",
        description="What the worker rejected: why, the records themselves, and retrying them.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="counts by reason, topic and field, with a sample")
    show = actions.add_parser("show", help="whole letters, the newest last")
    show.add_argument("--limit", type=int, default=10, metavar="N", help="the newest N (10)")
    again = actions.add_parser("retry", help="put records into the log once more")
    again.add_argument("--all", action="store_true", help="everything that was not counted since")
    again.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="values",
        help="set a field of each record",
    )  # fmt: skip
    again.add_argument(
        "--rename", action="append", default=[], metavar="OLD=NEW", help="rename a field"
    )
    again.add_argument(
        "--drop", action="append", default=[], metavar="NAME", help="take a field away"
    )
    again.add_argument("--dry-run", action="store_true", help="publish nothing, tell what would be")
    again.add_argument("--wait", default="30s", metavar="TIME", help="for the worker (30s); 0: not")
    for action in (show, again):
        action.add_argument("sources", nargs="*", metavar="TOPIC/PARTITION/OFFSET")
    for action in (listing, show, again):
        action.add_argument("--reason", default="", help="reason, such as wrong_type")
        action.add_argument("--topic", default="", help="topic that the record was in")
        action.add_argument("--field", default="", help=_FIELD_HELP)
        action.add_argument("--since", default="", metavar="TIME", help="rejected so long ago: 24h")
        add_format(action)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run one of the actions."""
    choice = _choice(args)
    if args.action == "list":
        _list(args, settings, choice)
        return 0
    if args.action == "show":
        _show(args, settings, choice)
        return 0
    return _retry(args, settings, choice)


def _choice(args: argparse.Namespace) -> Choice:
    since_ms = 0
    if args.since:
        since_ms = time.time_ns() // 1_000_000 - _duration_ms("--since", args.since)
    sources = frozenset(getattr(args, "sources", ()))
    for source in sources:
        topic, _, rest = source.partition("/")
        if not topic or not all(part.isdecimal() for part in rest.split("/")) or "/" not in rest:
            raise UsageError(f"{source!r}: TOPIC/PARTITION/OFFSET is meant, as list shows them")
    return Choice(sources, args.reason, args.topic, args.field, since_ms)


def _duration_ms(flag: str, text: str) -> int:
    try:
        return 0 if text == "0" else parse_duration_ms(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from error


def _chosen(settings: Settings, choice: Choice) -> tuple[list[Letter], dict[str, str]]:
    """Return the chosen letters, one a record, and what the ledgers say of them."""
    # What is not meant is kept without its record: a newer letter decides what a record's fault is.
    light = (
        letter if choice.takes(letter) else replace(letter, record=None, shown="")
        for letter in read_letters(settings)
    )
    letters = [letter for letter in newest(light) if choice.takes(letter)]

    async def ask() -> dict[str, str]:
        async with connected(settings.redis_url) as client:
            sources = [letter.source for letter in letters]
            return await intents.counted(client, settings.namespace, sources)

    return letters, asyncio.run(ask()) if letters else {}


def _list(args: argparse.Namespace, settings: Settings, choice: Choice) -> None:
    tallies = tally(*_chosen(settings, choice))
    if args.format == "json":
        print_json([_tally_json(one) for one in tallies])
        return
    rows = [
        (
            one.group.reason, one.group.topic, one.group.field or "-", one.letters, one.counted,
            _instant(one.first_ms), _instant(one.last_ms), one.sample.source,
            _short(one.sample.detail),
        )
        for one in tallies
    ]  # fmt: skip
    headers = (
        "reason",
        "topic",
        "field",
        "records",
        "counted since",
        "first",
        "last",
        "sample",
        "",
    )
    print_table(headers, rows)


def _tally_json(one: Tally) -> dict[str, Any]:
    return {
        "reason": one.group.reason,
        "topic": one.group.topic,
        "field": one.group.field,
        "records": one.letters,
        "counted_since": one.counted,
        "first_ms": one.first_ms,
        "last_ms": one.last_ms,
        "sample": {"source": one.sample.source, "detail": one.sample.detail},
    }


def _show(args: argparse.Namespace, settings: Settings, choice: Choice) -> None:
    letters, ledger = _chosen(settings, choice)
    shown = letters[-args.limit :] if args.limit > 0 and not choice.sources else letters
    if args.format == "json":
        print_json([_letter_json(letter, ledger) for letter in shown])
        return
    for letter in shown:
        state = ledger.get(letter.source) or letter.obstacle or "not counted"
        print(f"{letter.source}  {_instant(letter.rejected_ms)}  {state}")  # noqa: T201  # the answer
        print(f"  {letter.reason} {letter.field}: {letter.detail}")  # noqa: T201  # as above
        print(f"  {letter.shown}")  # noqa: T201  # as above


def _letter_json(letter: Letter, ledger: dict[str, str]) -> dict[str, Any]:
    return {
        "source": letter.source,
        "reason": letter.reason,
        "field": letter.field,
        "detail": letter.detail,
        "timestamp_ms": letter.timestamp_ms,
        "rejected_ms": letter.rejected_ms,
        "retried": ledger.get(letter.source),
        "obstacle": letter.obstacle,
        "record": letter.shown,
    }


def _retry(args: argparse.Namespace, settings: Settings, choice: Choice) -> int:
    if choice == Choice() and not args.all:
        raise UsageError("say which: records, --reason, --topic, --field, --since, or --all")
    fix = parse_fix(args.values, args.rename, args.drop)
    wait_ms = _duration_ms("--wait", args.wait)
    validity = validity_of(read_catalog(settings))
    letters, ledger = _chosen(settings, choice)
    if not choice.sources:  # what a person names they want to hear of
        letters = [letter for letter in letters if letter.source not in ledger]
    attempts = asyncio.run(
        retry(settings, letters, fix, validity, dry_run=args.dry_run, wait_ms=wait_ms)
    )
    _report(args, attempts)
    good = DONE if wait_ms else DONE | {PENDING}
    return 0 if all(one.outcome in good for one in attempts) else 1


def _report(args: argparse.Namespace, attempts: Sequence[Attempt]) -> None:
    if args.format == "json":
        print_json(
            {
                "dry_run": args.dry_run,
                "outcomes": dict(summary(attempts)),
                "records": [
                    {"source": a.letter.source, "outcome": a.outcome, "detail": a.detail}
                    for a in attempts
                ],
            }
        )
        return
    failed = [a for a in attempts if a.outcome not in DONE]
    print_table(
        ("outcome", "records"), sorted(summary(attempts).items()) or [("nothing to retry", 0)]
    )
    for attempt in failed[:20]:
        sys.stderr.write(f"{attempt.letter.source}: {attempt.outcome}: {attempt.detail}\n")
    if len(failed) > 20:
        sys.stderr.write(f"... and {len(failed) - 20} more: --format json shows all\n")


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _instant(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
