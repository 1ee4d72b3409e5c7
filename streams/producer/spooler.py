"""The spool for asyncio: bundles are written in a thread, together, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from streams.producer.bundle import Bundle, Landing
from streams.producer.errors import BufferFullError

if TYPE_CHECKING:
    from streams.producer.envelope import Envelope
    from streams.producer.spool import Spool

_SPOOLED = Landing(-1, spooled=True)


class Spooler:
    """Puts bundles on disk and hands their events back.

    Args:
        spool: the spool; nobody else uses it.
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._waiting: deque[Bundle] = deque()
        self._writing: list[Bundle] = []
        self._disk = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is on disk, nor on its way there."""
        return not self._waiting and self._writer is None and not len(self.spool)

    def waiting(self) -> list[Bundle]:
        """Return the bundles that are not on disk yet."""
        return [*self._writing, *self._waiting]

    def open_bundle(self) -> Bundle:
        """Return a bundle for new events, written soon and together."""
        if not self._waiting or self._waiting[-1].topic:
            self.put(Bundle("", -1))
        return self._waiting[-1]

    def put(self, bundle: Bundle) -> None:
        """Write a bundle behind the others."""
        self._waiting.append(bundle)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def peek(self, count: int) -> list[Envelope]:
        """Return the oldest events on disk, waiting for those being written."""
        if self._writer is not None and not len(self.spool):
            await asyncio.shield(self._writer)
        async with self._disk:
            return await asyncio.to_thread(self.spool.peek, count)

    async def drop(self, count: int) -> None:
        """Forget the oldest events: Kafka has them."""
        async with self._disk:
            await asyncio.to_thread(self.spool.drop, count)

    async def close(self) -> None:
        """Write what waits, then let the spool go."""
        if self._writer is not None:
            await self._writer
        self.spool.close()

    async def _write(self) -> None:
        try:
            while self._waiting:
                bundles = self._writing = list(self._waiting)
                self._waiting.clear()
                async with self._disk:
                    outcomes = await asyncio.to_thread(self._append, bundles)
                for bundle, error in zip(bundles, outcomes, strict=True):
                    if error is None:
                        bundle.land(_SPOOLED)
                    else:
                        bundle.fail(error)
        finally:
            self._writing = []
            self._writer = None

    def _append(self, bundles: list[Bundle]) -> list[Exception | None]:
        try:
            self.spool.append([envelope for bundle in bundles for envelope in bundle.envelopes])
        except (BufferFullError, OSError) as error:
            if len(bundles) == 1:
                return [error]
            return [outcome for bundle in bundles for outcome in self._append([bundle])]
        return [None] * len(bundles)
