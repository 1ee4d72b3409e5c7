"""Rate limits: a bucket of tokens for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class TokenBucket:
    """Allows ``rate`` events a second, and a burst of one second's worth.

    A batch passes whole while anything is left, and is paid back: a rate below the size of a
    batch slows the batches down instead of shutting them out for ever.

    Args:
        rate: events a second.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = rate
        self._filled_s = clock()

    def wait_s(self, events: int) -> float:
        """Take tokens for ``events`` and return 0, or return how long to wait and take none."""
        now_s = self._clock()
        refill = (now_s - self._filled_s) * self._rate
        self._tokens = min(self._rate, self._tokens + refill)
        self._filled_s = now_s
        if self._tokens <= 0:
            return (1 - self._tokens) / self._rate
        self._tokens -= events
        return 0.0
