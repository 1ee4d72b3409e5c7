"""``kpi simulate``: seeded, believable traffic to standard output or into Kafka."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import msgspec

from processors.decode import parse_timestamp_ms
from processors.durations import parse_duration_ms
from processors.errors import UsageError
from streams.simulator.incidents import IncidentKind, parse_incident
from streams.simulator.traffic import Traffic
from streams.supervisor.tree import StopRequested, Supervisor

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from streams.cli.registry import Subparsers
    from streams.settings import Settings
    from streams.simulator.traffic import Event

    Send = Callable[[Event, int | None], None]  # an event, its record's timestamp (None: now)

SEED: Final = 1
RATE: Final = 20.0
_STEP_S: Final = 0.1
_CHECK_EVENTS: Final = 1_000
EPILOG = f"""\
examples:
  kpi simulate                                     live, as JSON lines
  kpi simulate --history 1d --seconds 0 > day.ndjson
  kpi simulate --kafka --rate 200 --history 2h --incident broken_checkout@10m/5m

incidents: KIND@AFTER/DURATION, AFTER counted from the start of live traffic; KIND is one of
{", ".join(IncidentKind)}
The same --seed, --rate, --history and --start give the same events.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``simulate``."""
    parser = subparsers.add_parser(
        "simulate",
        help="publish seeded, believable traffic",
        description="Make seeded, believable traffic of a shop, its advertisements and support.",
        epilog=EPILOG,
    )
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"({SEED})")
    parser.add_argument(
        "--rate", type=float, default=RATE, metavar="N", help=f"mean events a second ({RATE:g})"
    )
    parser.add_argument(
        "--history", metavar="DURATION", help="begin this long before the start, at once"
    )
    parser.add_argument(
        "--start", metavar="TIME", help="RFC 3339 time at which the history ends (now)"
    )
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="live traffic for N seconds (until a signal)"
    )
    parser.add_argument(
        "--incident", action="append", default=[], metavar="KIND@AFTER/DURATION", dest="incidents"
    )
    parser.add_argument("--kafka", action="store_true", help="into the topics, not to stdout")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Send the history at once, then live traffic by the clock, until its time or a signal."""
    if not 0 < args.rate < float("inf"):
        raise UsageError(f"--rate {args.rate:g}: must be more than 0")
    start_ms = _start_ms(args.start)
    if args.start is not None and args.seconds != 0:
        raise UsageError("--start makes traffic of another time: live traffic needs --seconds 0")
    history_ms = _history_ms(args.history)
    incidents = tuple(parse_incident(text, start_ms) for text in args.incidents)
    traffic = Traffic(args.seed, start_ms - history_ms, args.rate, incidents)
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor(report=lambda _: None))
        send, flush = _to_kafka(settings, stack) if args.kafka else _to_stdout()
        try:
            for number, event in enumerate(traffic.until(start_ms)):
                send(event, event["ts"])
                if number % _CHECK_EVENTS == 0:
                    supervisor.pause(0)
            flush()
            _live(traffic, start_ms, args.seconds, send, supervisor)
        except StopRequested:
            pass  # how live traffic usually ends
        flush()
    return 0


def _live(
    traffic: Traffic, start_ms: int, seconds: float | None, send: Send, supervisor: Supervisor
) -> None:
    end_ms = None if seconds is None else start_ms + int(seconds * 1000)
    now_ms = start_ms
    while end_ms is None or now_ms < end_ms:
        supervisor.pause(_STEP_S)
        now_ms = _now_ms()
        for event in traffic.until(now_ms if end_ms is None else min(now_ms, end_ms)):
            send(event, None)


def _to_stdout() -> tuple[Send, Callable[[], object]]:
    output = sys.stdout.buffer

    def send(event: Event, _timestamp_ms: int | None) -> None:
        output.write(msgspec.json.encode(event) + b"\n")
        if _timestamp_ms is None:
            output.flush()  # live traffic is read as it happens

    return send, output.flush


def _to_kafka(settings: Settings, stack: ExitStack) -> tuple[Send, Callable[[], object]]:
    from streams.replay.publish import Publisher  # noqa: PLC0415  # stdout needs no client
    from streams.topics import create_topics  # noqa: PLC0415

    create_topics(settings)
    publisher = stack.enter_context(Publisher(settings))
    return publisher.publish, publisher.flush


def _start_ms(text: str | None) -> int:
    start_ms = _now_ms() if text is None else parse_timestamp_ms(text)
    if start_ms is None:
        raise UsageError(f"--start {text!r} is not a time such as 2026-01-31T12:00:00Z")
    return start_ms


def _history_ms(text: str | None) -> int:
    try:
        return 0 if text is None else parse_duration_ms(text)
    except ValueError as error:
        raise UsageError(f"--history: {error}") from error


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
