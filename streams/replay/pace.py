"""How fast rows go out: as fast as possible, or at a multiple of the time they were made in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from processors.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def parse_speed(text: str) -> float | None:
    """Parse ``max`` (None) or a positive factor.

    Raises:
        UsageError: neither.
    """
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise UsageError(f"speed {text!r} is neither max nor a positive number of times real time")
    return speed


def shift_to_now_ms(first_ts_ms: int, last_ts_ms: int, speed: float | None, now_ms: int) -> int:
    """Return what to add to every ts (ms) so that the last row goes out at its own time.

    At ``max`` the last event is now; at speed 1 the first one is.
    """
    lasts_ms = 0 if speed is None else int((last_ts_ms - first_ts_ms) / speed)
    return now_ms + lasts_ms - last_ts_ms


@dataclass
class Pace:
    """Waits until a row is due. ``sleep`` may raise to end the replay."""

    speed: float | None
    first_ts_ms: int
    sleep: Callable[[float], None] = time.sleep
    _started: float = field(default_factory=time.monotonic)

    def wait(self, ts_ms: int) -> None:
        """Wait until an event of this time is due; returns at once at ``max``."""
        if self.speed is not None:
            due = self._started + (ts_ms - self.first_ts_ms) / self.speed / 1000
            left = due - time.monotonic()
            if left > 0:
                self.sleep(left)
