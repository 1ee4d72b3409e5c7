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
from processors.names import EVENT_TOPICS
from streams.embedded.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.settings import Settings

_POLL_S: Final = 0.25
_TIMEOUT_S: Final = 2.0
STALL_MAX_S: Final = 90.0


@dataclass(frozen=True)
class Reached:
    """The worker's records so far, whether all is checkpointed, and what keeps it."""

    records: int
    done: bool
    reasons: tuple[str, ...]


def wait_until_caught_up(
    settings: Settings,
    published: int,
    pause: Callable[[float], None],
    tell: Callable[[float], None],
) -> None:
    """Wait until every partition has checkpointed what is in its log.

    Args:
        settings: the worker's, with its health page's port.
        published: records in the log.
        pause: waits some seconds; may raise to end it.
        tell: gets the share done, 0 to 1.

    Raises:
        CheckFailedError: there was no progress for long; names what the worker says.
    """
    best, moved_at = -1, time.monotonic()
    while True:
        reached = _ask(settings)
        if reached is not None and reached.done:
            tell(1.0)
            return
        if reached is not None and reached.records > best:
            best, moved_at = reached.records, time.monotonic()
            tell(min(1.0, best / max(published, 1)))
        if time.monotonic() - moved_at > STALL_MAX_S:
            why = "; ".join(reached.reasons) if reached else "it does not answer"
            raise CheckFailedError(f"the worker makes no progress: {why or 'it gives no reason'}")
        pause(_POLL_S)


def _ask(settings: Settings) -> Reached | None:
    """Read the worker's health page; None where it does not answer."""
    url = f"http://{LOOPBACK}:{settings.worker_port}/health"
    try:
        with urlopen(url, timeout=_TIMEOUT_S) as answer:  # built by us, always http
            page: dict[str, Any] = json.load(answer)
    except HTTPError as error:  # 503: a partition is in trouble, and says so
        page = json.loads(error.read())
    except (OSError, HTTPException, ValueError):
        return None
    partitions = page["partitions"]
    return Reached(
        sum(p["records"] for p in partitions),
        len(partitions) == len(EVENT_TOPICS) * settings.partitions
        and all(p["lag"] == 0 for p in partitions),
        tuple(f"{p['topic']}[{p['partition']}]: {p['reason']}" for p in partitions if p["reason"]),
    )
