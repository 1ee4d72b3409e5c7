"""Seeded traffic into the embedded broker: two hours that end now, then live, both bounded."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from streams.simulator.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.replay.publish import Delivered, Publisher

SEED: Final = 7
HISTORY_MS: Final = 2 * 3_600_000
# The broker keeps every record in memory: about 0.5 GB at this many.
EVENTS_MAX: Final = 1_500_000
# More history than this takes longer to publish than anybody waits; a higher rate is live only.
HISTORY_EVENTS_MAX: Final = 300_000
STEP_EVENTS_MAX: Final = 20_000
_REPORT_EVERY: Final = 500


@dataclass
class DemoTraffic:
    """One run's traffic.

    Args:
        rate: mean live events a second.
        start_ms: when the history ends and live traffic begins (ms since 1970 UTC).
    """

    rate: float
    start_ms: int
    published: int = 0
    _traffic: Traffic = field(init=False)

    def __post_init__(self) -> None:
        self._traffic = Traffic(SEED, self.start_ms - HISTORY_MS, self.history_rate)

    @property
    def history_rate(self) -> float:
        """Mean events a second of the history: the live rate, or less so that it stays short."""
        return min(self.rate, HISTORY_EVENTS_MAX / (HISTORY_MS / 1000))

    @property
    def exhausted(self) -> bool:
        """Whether the bound is reached: nothing more is published."""
        return self.published >= EVENTS_MAX

    def publish_history(self, publisher: Publisher, progress: Callable[[float], None]) -> Delivered:
        """Publish what lies before the start, at its own time.

        Args:
            publisher: where to.
            progress: gets the share done (0 to 1) now and then; may raise to end it.

        Returns:
            Where each partition's log ends.

        Raises:
            UnreachableError: the broker is away.
        """
        begin_ms = self.start_ms - HISTORY_MS
        for event in self._traffic.until(self.start_ms):
            publisher.publish(event, event["ts"])
            self.published += 1
            if self.published % _REPORT_EVERY == 0:
                progress((event["ts"] - begin_ms) / HISTORY_MS)
        delivered = publisher.flush()
        progress(1.0)
        if self.rate > self.history_rate:
            self._traffic = Traffic(SEED + 1, self.start_ms, self.rate)
        return delivered

    def publish_due(self, publisher: Publisher) -> None:
        """Publish what has become due since the last call.

        Raises:
            UnreachableError: the broker is away.
        """
        due = self._traffic.until(time.time_ns() // 1_000_000)
        for event in islice(due, min(STEP_EVENTS_MAX, EVENTS_MAX - self.published)):
            publisher.publish(event)
            self.published += 1
