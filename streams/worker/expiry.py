"""How far panes may be deleted: behind the slowest partition of the namespace, never by a clock."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from processors.ladder import ALL, DAY_MS
from streams.worker.patience import AWAY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from processors.ladder import Ladder
    from streams.tables.base import PartitionId, Progress

REFRESH_S: Final = 10.0
_HOUR_MS: Final = 3_600_000

logger = logging.getLogger(__name__)


def expire_before(
    ladder: Ladder, lateness_ms: int, progress: Mapping[PartitionId, Progress]
) -> dict[str, int]:
    """Return rung -> panes that start before this (ms) are out of every retention.

    Empty while any partition has no watermark: its oldest event could still be to come.
    """
    times_ms = [p.max_ts_ms for p in progress.values()]
    if not times_ms or None in times_ms:
        return {}
    slowest_ms = min(ts for ts in times_ms if ts is not None) - lateness_ms
    return {
        rung.name: slowest_ms - rung.retention_ms - _longest_ms(rung.size_ms)
        for rung in ladder.rungs
        if rung.name != ALL
    }


def _longest_ms(size_ms: int) -> int:
    """Return the longest that a pane of this size can be: local days can have 25 hours."""
    return size_ms + _HOUR_MS if size_ms == DAY_MS else size_ms


class Expiry:
    """Keeps the bounds of :func:`expire_before` fresh.

    Args:
        read_progress: asks the tables how far every partition is.
    """

    def __init__(
        self,
        ladder: Ladder,
        lateness_ms: int,
        read_progress: Callable[[], Awaitable[Mapping[PartitionId, Progress]]],
    ) -> None:
        self._ladder, self._lateness_ms = ladder, lateness_ms
        self._read_progress = read_progress
        self._bounds: dict[str, int] = {}

    def bounds(self) -> Mapping[str, int]:
        """Return the latest bounds; older ones only keep panes longer."""
        return self._bounds

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            try:
                progress = await self._read_progress()
                self._bounds = expire_before(self._ladder, self._lateness_ms, progress)
            except (*AWAY, RedisError) as error:
                logger.debug("expiry waits: %s", error)
            await asyncio.sleep(REFRESH_S)
