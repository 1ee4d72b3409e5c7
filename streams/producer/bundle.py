"""Events for one partition that travel together, and what becomes of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from streams.producer.envelope import Envelope

RECORD_OVERHEAD_BYTES = 40  # at most: lengths, timestamp and offset of a record in a batch


class Landing(NamedTuple):
    """Where a bundle is: the offset of its first event, or the spool."""

    base_offset: int
    spooled: bool


class Bundle:
    """Events for one partition.

    Args:
        topic: the broker's name of the topic; empty for events on their way to the spool.
        partition: the partition.

    Attributes:
        landed: what became of it, for tasks that await it.
        watchers: called at once when it has landed, or never will.
        departed_s: the loop's clock when it left.
    """

    __slots__ = (
        "departed_s",
        "envelopes",
        "landed",
        "partition",
        "size_bytes",
        "topic",
        "watchers",
    )

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.envelopes: list[Envelope] = []
        self.size_bytes = 0
        self.departed_s = 0.0
        self.landed: asyncio.Future[Landing] = asyncio.get_running_loop().create_future()
        self.watchers: list[Callable[[Bundle], None]] = []

    def land(self, landing: Landing) -> None:
        """It arrived. The first outcome stays."""
        if not self.landed.done():
            self.landed.set_result(landing)
            self._tell()

    def fail(self, error: Exception) -> None:
        """It never will."""
        if not self.landed.done():
            self.landed.set_exception(error)
            self.landed.exception()  # whoever waits gets it; if nobody does, that is no defect
            self._tell()

    def _tell(self) -> None:
        watchers, self.watchers = self.watchers, []
        for watcher in watchers:
            watcher(self)


def record_bytes(envelope: Envelope) -> int:
    """How much room an envelope takes in a batch, at most."""
    return len(envelope.key) + len(envelope.value) + RECORD_OVERHEAD_BYTES


async def all_landed(bundles: Collection[Bundle]) -> None:
    """Wait for bundles that others wait for too; leaner than ``asyncio.wait``."""
    left = [bundle for bundle in bundles if not bundle.landed.done()]
    if not left:
        return
    waiter = asyncio.get_running_loop().create_future()
    count = len(left)

    def one_less(_: Bundle) -> None:
        nonlocal count
        count -= 1
        if count == 0 and not waiter.done():
            waiter.set_result(None)

    for bundle in left:
        bundle.watchers.append(one_less)
    await waiter
