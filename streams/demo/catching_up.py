"""How far the worker is with what was published before it started."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import urlopen

from processors.errors import CheckFailedError
from processors.names import logical_topic
from streams.embedded.ports import LOOPBACK
from streams.tables.base import PartitionId

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.replay.publish import Delivered
    from streams.settings import Settings

_POLL_S: Final = 0.25
_TIMEOUT_S: Final = 2.0
STALL_MAX_S: Final = 90.0


@dataclass(frozen=True)
class Reached:
    """How many of the delivered records are checkpointed, and what keeps the worker."""

    records: int
    reasons: tuple[str, ...]


def wait_until_caught_up(
    settings: Settings,
    delivered: Delivered,
    pause: Callable[[float], None],
    tell: Callable[[float], None],
) -> None:
    """Wait until everything delivered is checkpointed.

    Args:
        settings: the worker's, with its health page's port.
        delivered: where each partition's log ends; the logs were empty before.
        pause: waits some seconds; may raise to end it.
        tell: gets the share done, 0 to 1.

    Raises:
        CheckFailedError: there was no progress for long; names what the worker says.
    """
    total = sum(delivered.next_offsets.values())
    best, moved_at = -1, time.monotonic()
    while best < total:
        reached = _ask(settings, delivered)
        if reached is not None and reached.records > best:
            best, moved_at = reached.records, time.monotonic()
            tell(best / max(total, 1))
        if time.monotonic() - moved_at > STALL_MAX_S:
            why = "; ".join(reached.reasons) if reached else "it does not answer"
            raise CheckFailedError(f"the worker makes no progress: {why or 'it gives no reason'}")
        pause(_POLL_S)


def _ask(settings: Settings, delivered: Delivered) -> Reached | None:
    """Read the worker's health page; None where it does not answer."""
    url = f"http://{LOOPBACK}:{settings.worker_port}/health"
    try:
        with urlopen(url, timeout=_TIMEOUT_S) as answer:  # built by us, always http
            page: dict[str, Any] = json.load(answer)
    except HTTPError as error:  # 503: a partition is in trouble, and says so
        page = json.loads(error.read())
    except (OSError, HTTPException, ValueError):
        return None
    reached = {
        PartitionId(logical_topic(p["topic"], settings.namespace), p["partition"]): p[
            "checkpointed_offset"
        ]
        or 0
        for p in page["partitions"]
    }
    records = sum(min(reached.get(p, 0), end) for p, end in delivered.next_offsets.items())
    return Reached(
        records,
        tuple(
            f"{p['topic']}[{p['partition']}]: {p['reason']}"
            for p in page["partitions"]
            if p["reason"]
        ),
    )
