"""Progress of idle partitions: a tick carries the clock into the log.

The watermark moves only on records, so a silent partition would hold its windows for ever. What
its owner writes into it makes time pass as a function of the log, the same in every replay. A
lagging partition gets none: it holds its windows and shows as stale. A partition that gets nothing
but dead letters and repetitions is silent: none of those say what time it is.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from processors.event import tick_record
from streams.worker.patience import AWAY

if TYPE_CHECKING:
    from streams.worker.ports import Outbox

logger = logging.getLogger(__name__)


class Ticks:
    """Ticks of one partition.

    Args:
        topic: physical name.
        interval_ms: silence after which a tick is due; 0 turns ticks off.
    """

    def __init__(self, outbox: Outbox, topic: str, partition: int, interval_ms: int) -> None:
        self._outbox, self._topic, self._partition = outbox, topic, partition
        self._interval_s = interval_ms / 1000
        self._last = monotonic()
        self._failing = False

    def note_event(self) -> None:
        """Note that the partition is not silent: an event said what time it is."""
        self._last = monotonic()

    def wait_s(self) -> float | None:
        """Return the time (s) until a tick is due if nothing comes; None if ticks are off."""
        if not self._interval_s:
            return None
        return max(0.0, self._last + self._interval_s - monotonic())

    def is_due(self, reached: int, log_end: int | None) -> bool:
        """Tell whether the partition is silent and read to its end."""
        return self.wait_s() == 0.0 and log_end == reached

    async def produce(self, clock_ms: int) -> None:
        """Write a tick; a failure is only logged, the next one is an interval away."""
        self._last = monotonic()
        try:
            await self._outbox.send(
                self._topic,
                None,
                tick_record(clock_ms, self._partition),
                partition=self._partition,
                timestamp_ms=clock_ms,
            )
        except AWAY as error:
            if not self._failing:
                logger.warning(
                    "%s[%d]: no tick could be written (%s): its windows wait",
                    self._topic,
                    self._partition,
                    type(error).__name__,
                )
            self._failing = True
        else:
            self._failing = False
