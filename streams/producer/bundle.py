"""Events for one partition that travel together, and what becomes of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

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
    """

    __slots__ = ("departed_s", "envelopes", "landed", "partition", "size_bytes", "topic")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.envelopes: list[Envelope] = []
        self.size_bytes = 0
        self.departed_s = 0.0  # the loop's clock, once it is under way
        self.landed: asyncio.Future[Landing] = asyncio.get_running_loop().create_future()
        self.landed.add_done_callback(_consume)

    def land(self, landing: Landing) -> None:
        """It arrived. The first outcome stays."""
        if not self.landed.done():
            self.landed.set_result(landing)

    def fail(self, error: Exception) -> None:
        """It never will."""
        if not self.landed.done():
            self.landed.set_exception(error)


def record_bytes(envelope: Envelope) -> int:
    """How much room an envelope takes in a batch, at most."""
    return len(envelope.key) + len(envelope.value) + RECORD_OVERHEAD_BYTES


async def all_done(futures: Collection[asyncio.Future[Landing]]) -> None:
    """Wait for futures that others wait for too; leaner than ``asyncio.wait``."""
    pending = [future for future in futures if not future.done()]
    if not pending:
        return
    waiter = asyncio.get_running_loop().create_future()
    left = len(pending)

    def one_less(_: asyncio.Future[Landing]) -> None:
        nonlocal left
        left -= 1
        if left == 0 and not waiter.done():
            waiter.set_result(None)

    for future in pending:
        future.add_done_callback(one_less)
    await waiter


def _consume(landed: asyncio.Future[Landing]) -> None:
    """Whoever still waits gets the error; if nobody does, asyncio must not complain."""
    if not landed.cancelled():
        landed.exception()
