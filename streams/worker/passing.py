"""What a partition passes on, published before the checkpoint that passes it.

To each receiving partition a record goes out only once the one before it is acknowledged. So
whatever is in a receiver's log of this partition, everything before it is there too, even where an
owner lingers or a record that was given up arrives after all; repetitions are the receiver's to
drop (processors/passing.py).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from processors.bundles import PASSED_ON, next_bundle, receiver
from processors.names import physical_topic
from streams.producer.partition import Partitioner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.bundles import Emission
    from streams.worker.ports import Log, Outbox

FLUSH_EMISSIONS: Final = 5_000  # so many are kept in memory before the checkpoint


def receivers(
    topic: str, one: Emission, partitions: int, partitioner: Partitioner
) -> Sequence[int]:
    """Return the receiving topic's partitions that an emission goes to: one, or all."""
    key = receiver(topic, one)
    return (partitioner.partition(key.encode(), partitions),) if key else range(partitions)


class Passing:
    """One partition's emissions on their way out.

    Args:
        topic: logical name of the partition's topic.

    Attributes:
        topic_id: of the topic as it was claimed; empty where the broker does not tell.
    """

    def __init__(
        self, log: Log, outbox: Outbox, namespace: str, topic: str, partition: int
    ) -> None:
        self._log, self._outbox = log, outbox
        self._topic, self._partition = topic, partition
        self.topic_id = ""
        target = PASSED_ON.get(topic)
        self._target = "" if target is None else physical_topic(target, namespace)
        self._partitioner = Partitioner()
        self._unplaced: list[Emission] = []
        self._lanes: dict[int, list[Emission]] = {}

    def add(self, emissions: Sequence[Emission]) -> None:
        """Take over what some records pass on, in the order of their offsets."""
        self._unplaced += emissions

    @property
    def is_full(self) -> bool:
        """Whether a flush is due before the next checkpoint."""
        return len(self._unplaced) >= FLUSH_EMISSIONS

    def clear(self) -> None:
        """Forget what is unsent: the records will be read again."""
        self._unplaced.clear()
        self._lanes.clear()

    async def flush(self) -> None:
        """Publish everything and wait for the acknowledgements.

        Raises:
            Exception: the outbox's; what was not acknowledged stays for the next flush.
        """
        if self._unplaced:
            partitions = await self._log.partitions(self._target)
            unplaced, self._unplaced = self._unplaced, []
            for one in unplaced:
                for at in receivers(self._topic, one, partitions, self._partitioner):
                    self._lanes.setdefault(at, []).append(one)
        if not self._lanes:
            return
        results = await asyncio.gather(
            *(self._send(at, lane) for at, lane in self._lanes.items()), return_exceptions=True
        )
        self._lanes = {at: lane for at, lane in self._lanes.items() if lane}
        failures = [r for r in results if isinstance(r, BaseException)]
        if failures:
            raise failures[0]

    async def _send(self, at: int, lane: list[Emission]) -> None:
        """Send one receiving partition's emissions, record after record."""
        while lane:
            sent, value = next_bundle(self._topic, self._partition, lane, self.topic_id)
            await self._outbox.send(self._target, None, value, partition=at)
            del lane[:sent]
