"""``kpi collector``: take events over HTTP, and look after the keys of those who send them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from processors.durations import parse_duration_ms
from processors.errors import UsageError
from streams.catalog_files import read_catalog
from streams.collector.config import CollectorConfig
from streams.collector.keys import Key, KeyRing, read_ring, write_ring
from streams.collector.run import check_listener, run_until_signal
from streams.kafka_clients import security
from streams.logs import configure_logs
from streams.producer.prepare import now_ms

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi collector                                 on 127.0.0.1:9465, open to this machine
  kpi collector keys add shop --origin https://shop.example --collector-keys keys.json
  kpi collector --collector-host 0.0.0.0 --collector-keys keys.json --collector-spool spool
  kpi collector keys rotate shop --grace 7d     a new key; the old ones end in a week
  kpi collector keys revoke shop-1              at once

Off loopback a key file is required. 200 says that events are in Kafka, 202 that they wait in the
spool, 207 which of them were rejected and why.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``collector``."""
    parser = subparsers.add_parser(
        "collector",
        help="take events over HTTP",
        description="Take events over HTTP, check them and put them into Kafka, until SIGTERM.",
        epilog=EPILOG,
    )
    parser.add_argument("action", nargs="?", choices=("keys",), help="look after write keys")
    parser.add_argument("verb", nargs="?", choices=("add", "list", "rotate", "revoke"))
    parser.add_argument("name", nargs="?", help="a source (add, rotate) or a key's id (revoke)")
    keys = parser.add_argument_group("keys")
    keys.add_argument("--origin", action="append", default=[], help="web origin that may use it")
    keys.add_argument("--scope", choices=("write", "metrics"), default="write")
    keys.add_argument("--rate", type=int, default=0, help="events a second; 0: the collector's")
    keys.add_argument("--currency", default="", help="of Segment's amounts that name none")
    keys.add_argument("--grace", default="0", help="how long old keys stay valid: 7d; 0: not")
    keys.add_argument("--take-over", metavar="KEY", default="", help="a key of another system")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal, or change the key file."""
    config = CollectorConfig.of(settings)
    if args.action is not None:
        return _keys(args, config)
    configure_logs(settings.log_level)
    check_listener(config)
    run_until_signal(
        config,
        read_catalog(settings),
        settings.broker,
        settings.namespace,
        security(settings),
    )
    return 0


def _keys(args: argparse.Namespace, config: CollectorConfig) -> int:
    if not config.keys:
        raise UsageError("--collector-keys names the key file")
    path = Path(config.keys)
    ring = read_ring(path)
    if args.verb in (None, "list"):
        _list(ring)
        return 0
    if not args.name:
        raise UsageError(f"kpi collector keys {args.verb} needs a name")
    text = ""
    if args.verb == "add":
        key = Key(
            "",
            args.name,
            "",
            scope=args.scope,
            created_ms=now_ms(),
            origins=tuple(args.origin),
            events_per_s=args.rate,
            currency=args.currency,
        )
        ring, text = ring.add(key, args.take_over)
    elif args.verb == "rotate":
        grace_ms = 0 if args.grace == "0" else parse_duration_ms(args.grace)
        ring, text = ring.rotate(args.name, now_ms(), grace_ms)
    else:
        ring = ring.revoke(args.name, now_ms())
    write_ring(path, ring)
    if text:
        sys.stderr.write(f"{ring.keys[-1].id}: shown once, stored only as a hash\n")
        sys.stdout.write(f"{text}\n")
    return 0


def _list(ring: KeyRing) -> None:
    now = now_ms()
    for key in ring.keys:
        state = "valid" if key.valid(now) else "ended"
        until = f" until {_moment(key.ends_ms)}" if key.ends_ms else ""
        origins = f" {' '.join(key.origins)}" if key.origins else ""
        sys.stdout.write(
            f"{key.id}\t{key.scope}\t{state}{until}\tsince {_moment(key.created_ms)}{origins}\n"
        )


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
