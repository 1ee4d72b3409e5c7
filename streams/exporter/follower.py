"""Keeps a board in step with the tables: snapshot, then every checkpoint as it is committed.

::

    load ──> follow ──────────────────────> follow ──> ...
              │ new partition: load it too     │ fell behind, or Redis went back: load anew
              │ Redis away: last figures stay, marked stale; try again

A new board is loaded beside the old one and takes its place when it has caught up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from processors.catalog.versions import NOTHING_CHANGED
from processors.errors import UnreachableError
from streams.exporter.board import Board
from streams.exporter.turns import Turns
from streams.tables.versioned import VersionedReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from processors.catalog.model import Catalog
    from processors.catalog.versions import Kept
    from streams.tables.base import (
        Delta,
        Followed,
        PartitionId,
        PartitionSnapshot,
        Position,
        TableReader,
    )

BLOCK_MS: Final = 1_000
STALE_AFTER_MS: Final = 3 * BLOCK_MS
RETRY_S: Final = 0.5
ADVANCE_INTERVAL_MS: Final = 5_000  # so that panes are dropped though nobody looks
REFRESH_INTERVAL_MS: Final = 30_000
_CANCEL_AGAIN_S: Final = 0.1

logger = logging.getLogger(__name__)


class Follower:
    """One board after another.

    Args:
        reader: of the namespace.
        catalog: what to show.
        clock_ms: the wall clock.
        look: returns what the namespace keeps of the catalogue; asked now and then.
    """

    def __init__(
        self,
        reader: TableReader,
        catalog: Catalog,
        clock_ms: Callable[[], int],
        look: Callable[[], Awaitable[Kept]] | None = None,
    ) -> None:
        self._all, self.catalog, self.clock_ms = reader, catalog, clock_ms
        self._look = look or _unchanged
        self._kept = NOTHING_CHANGED
        self.reader = VersionedReader(reader, NOTHING_CHANGED)
        self._board = Board(catalog)
        self._loaded = False
        self._changed = asyncio.Event()
        self._heard_ms: int | None = None  # monotonic
        self._failure = ""
        self._advanced_ms = self._refreshed_ms = 0

    def board(self) -> Board:
        """Return the figures, with every window moved up to now."""
        self._board.advance(self.clock_ms())
        return self._board

    @property
    def loaded(self) -> bool:
        """Whether there are figures at all."""
        return self._loaded

    @property
    def update_age_ms(self) -> int | None:
        """How long ago the tables answered; None before the first time."""
        return None if self._heard_ms is None else _monotonic_ms() - self._heard_ms

    def trouble(self) -> str:
        """Return why the figures are missing or old; empty where they are current."""
        if not self._loaded:
            return self._failure or "the snapshot is being loaded"
        age_ms = self.update_age_ms
        if self._failure or age_ms is None or age_ms > STALE_AFTER_MS:
            return self._failure or f"the tables have not answered for {age_ms} ms"
        return ""

    async def changed(self, timeout_s: float) -> None:
        """Return after the next change, or after the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def load(self) -> None:
        """Take a snapshot of everything and show it.

        Raises:
            UnreachableError: Redis is away or refused.
        """
        started_ms = _monotonic_ms()
        self._kept = await self._look()
        self.reader = VersionedReader(self._all, self._kept)
        board = await load_board(self.reader, self.catalog, self.clock_ms, self._kept)
        board.revision += self._board.revision  # readers compare revisions across boards
        self._board, self._loaded = board, True
        self._heard()
        self._tell()
        logger.info(
            "loaded %d partitions in %d ms", len(board.partitions), _monotonic_ms() - started_ms
        )

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                if not self._loaded or not self._board.whole:
                    await self.load()
                await self._step()
                if self._failure:
                    logger.info("Redis answers again")
                    self._failure = ""
            except UnreachableError as error:
                if str(error) != self._failure:
                    logger.warning("%s", error)
                self._failure = str(error)
                await asyncio.sleep(RETRY_S)

    async def _step(self) -> None:
        """Take what has been committed since, waiting for it up to BLOCK_MS."""
        found = await self.reader.follow(self._board.positions, block_ms=BLOCK_MS)
        self._heard()
        now_ms, turns = self.clock_ms(), Turns()
        for delta in found.deltas:
            self._board.apply(delta, now_ms)
            await turns.pause()
        known = found.reload.keys() & self._board.partitions.keys()
        if known:
            for who in sorted(known):
                reason = found.reload[who]
                logger.warning("loading anew: %s/%d: %s", who.topic, who.partition, reason)
            await self.load()
        elif found.reload:
            await self._add(found)
        if found.deltas or found.reload:
            self._tell()
        await self._housekeeping(now_ms)

    async def _add(self, found: Followed) -> None:
        """Load partitions that are new."""
        board = self._board
        since_ms = board.needs(board.partitions, self.clock_ms())
        for who, snapshot in (await self.reader.snapshot(since_ms, found.reload)).items():
            board.add_partition(who, snapshot)

    async def _housekeeping(self, now_ms: int) -> None:
        if now_ms - self._advanced_ms >= ADVANCE_INTERVAL_MS:
            self._advanced_ms = now_ms
            self._board.advance(now_ms)
        if now_ms - self._refreshed_ms >= REFRESH_INTERVAL_MS:
            self._refreshed_ms = now_ms
            self._board.refresh_kept(await self.reader.progress())
            if await self._look() != self._kept:
                logger.info("a worker took up other definitions: loading anew")
                await self.load()

    def _heard(self) -> None:
        self._heard_ms = _monotonic_ms()

    def _tell(self) -> None:
        """Wake up who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()


async def end(following: asyncio.Task[None]) -> None:
    """Cancel a follower's task and wait until it has ended.

    Once is not enough: before Python 3.12 ``asyncio.wait_for``, with which the Redis client sends,
    drops a cancellation that arrives just as its work is done.
    See https://github.com/python/cpython/issues/86296.
    """
    while not following.done():
        following.cancel()
        await asyncio.wait((following,), timeout=_CANCEL_AGAIN_S)


async def _unchanged() -> Kept:
    return NOTHING_CHANGED


async def load_board(
    reader: TableReader,
    catalog: Catalog,
    clock_ms: Callable[[], int],
    kept: Kept = NOTHING_CHANGED,
) -> Board:
    """Return a board of everything in the tables, caught up.

    Raises:
        UnreachableError: Redis is away or refused.
    """
    board = Board(catalog, kept)
    since_ms = board.needs(await reader.progress(), clock_ms())
    snapshots = await reader.snapshot(since_ms)
    deltas: dict[PartitionId, list[Delta]] = {}
    while True:
        # A snapshot of much data takes a while: partitions whose log moved past it start over.
        found = await reader.follow(_positions(snapshots, deltas))
        for delta in found.deltas:
            deltas.setdefault(delta.id, []).append(delta)
        if not found.reload:
            break
        for who in found.reload:
            snapshots.pop(who, None)
            deltas.pop(who, None)
        snapshots.update(await reader.snapshot(since_ms, found.reload))
    partitions = {who: snapshot.progress for who, snapshot in snapshots.items()}
    board.begin(partitions, since_ms, clock_ms())
    turns = Turns()  # whoever looks at the old board need not wait for the new one
    for snapshot in snapshots.values():
        for rung, panes in snapshot.rungs.items():
            for start_ms, cells in panes.items():
                board.load(rung, {start_ms: cells})
                await turns.pause()
    for delta in (one for some in deltas.values() for one in some):
        board.apply(delta, clock_ms())
        await turns.pause()
    return board


def _positions(
    snapshots: dict[PartitionId, PartitionSnapshot], deltas: dict[PartitionId, list[Delta]]
) -> dict[PartitionId, Position]:
    positions = {who: snapshot.progress.position for who, snapshot in snapshots.items()}
    positions.update({who: some[-1].position for who, some in deltas.items()})
    return positions


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
