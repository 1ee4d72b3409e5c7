"""All partitions that are assigned to this process."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from streams.worker.partition import PartitionRunner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.settings import Settings
    from streams.transport.chunk import Chunk
    from streams.worker.ports import Ports

logger = logging.getLogger(__name__)


class Owner:
    """Starts, pauses and feeds the partitions' runners as the group assigns them."""

    def __init__(self, ports: Ports, settings: Settings) -> None:
        self._ports, self._settings = ports, settings
        self._runners: dict[tuple[str, int], PartitionRunner] = {}
        # The group waits this long for its members; a part is left for joining again.
        self._handover_s = 0.6 * settings.rebalance_timeout_ms / 1000

    def __iter__(self) -> Iterator[PartitionRunner]:
        return iter(list(self._runners.values()))

    def runner(self, topic: str, partition: int) -> PartitionRunner | None:
        """Return a partition's runner if the partition is assigned."""
        return self._runners.get((topic, partition))

    def deliver(self, chunk: Chunk) -> None:
        """Pass a chunk to its partition; without one it is stale."""
        runner = self._runners.get((chunk.topic, chunk.partition))
        if runner is not None:
            runner.deliver(chunk)

    def out_of_range(self, topic: str, partition: int) -> None:
        """Pass on that the broker does not have a partition's position."""
        runner = self._runners.get((topic, partition))
        if runner is not None:
            runner.out_of_range()

    async def assign(self, assigned: Iterable[Any], generation: int) -> None:
        """Run exactly these partitions; those that stay keep what they have in memory."""
        await self.pause()
        wanted = {(tp.topic, tp.partition) for tp in assigned}
        for key in self._runners.keys() - wanted:
            del self._runners[key]
        for topic, partition in sorted(wanted - self._runners.keys()):
            self._runners[topic, partition] = PartitionRunner(
                self._ports, self._settings, topic, partition
            )
        logger.info("%d partitions assigned", len(wanted))
        for runner in self:
            runner.start(generation)

    async def pause(self) -> None:
        """Write the last checkpoints of all partitions and let them rest."""
        await asyncio.gather(*(runner.pause(self._handover_s) for runner in self))
