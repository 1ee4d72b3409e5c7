"""One owner's work on one partition since it claimed it: records in, checkpoints out."""

from __future__ import annotations

import logging
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from processors.erasure import RECEIPTS, read_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from processors.checkpoint import Checkpoint, Claim
    from processors.record import Record
    from streams.tables.base import PartitionTable
    from streams.worker.dead_letters import DeadLetters
    from streams.worker.passing import Passing
    from streams.worker.patience import Patience
    from streams.worker.ports import Pipeline

logger = logging.getLogger(__name__)
DUE_PAGE: Final = 1_000  # timers a request
UNNEEDED_PAGE: Final = 10_000  # states let go a checkpoint: it takes 70 ms longer, for minutes
DUE_MAX: Final = 100_000  # timers a checkpoint (30 MB of states); more make further checkpoints


@dataclass(frozen=True)
class Tools:
    """What a tenure works with; the partition keeps them from tenure to tenure."""

    table: PartitionTable
    letters: DeadLetters
    passing: Passing
    patience: Patience
    expire_before: Callable[[], Mapping[str, int]]


class Applied(NamedTuple):
    """What became of some records.

    Attributes:
        rejected: how many are dead letters.
        says_time: whether any is an event, and so says what time it is. Rejected and repeated
            records say nothing, nor does what is handed over to visitors.
    """

    rejected: int
    says_time: bool


class Tenure:
    """A claimed partition in memory. Any exception but a stale assignment's ends it.

    Args:
        tools: table, what goes out and patience of the partition.
        pipeline: built from ``claim``.
        claim: what was stored when the partition was taken over.
        log_start: the first offset that the broker has.

    Attributes:
        epoch: the fencing token of every checkpoint from here on.
        reached: the next offset to work on.
        committed: the offset of the last checkpoint; None before the first.
    """

    def __init__(self, tools: Tools, pipeline: Pipeline, claim: Claim, log_start: int) -> None:
        self._tools, self._pipeline = tools, pipeline
        self._number = claim.number
        self.epoch = claim.epoch
        self.committed = claim.offset
        if claim.offset is None:
            self._claimed = self.reached = log_start
        else:
            self._claimed = claim.offset
            self.reached = max(pipeline.restore_from, log_start)

    def outlives(self, claim: Claim) -> bool:
        """Tell whether nobody has written since: what is in memory then still stands."""
        return (claim.number, claim.offset) == (self._number, self.committed)

    @property
    def restoring(self) -> bool:
        """Whether records before the claimed offset are read again."""
        return self.reached < self._claimed

    @property
    def watermark_ms(self) -> int | None:
        """The pipeline's watermark."""
        return self._pipeline.watermark_ms

    def known(self, records: Sequence[Record]) -> int:
        """Return how many of the records lie before the claimed offset."""
        if not self.restoring:
            return 0
        return bisect_left(records, self._claimed, key=lambda record: record[0])

    def restore(self, records: Sequence[Record]) -> None:
        """Rebuild dedup from records before the claimed offset."""
        self._pipeline.restore(records)
        self.reached = records[-1][0] + 1

    async def apply(self, records: Sequence[Record]) -> Applied:
        """Work records off."""
        tools = self._tools
        batch = self._pipeline.decode(records)
        if batch.rejections:
            tools.letters.add(records, batch.rejections)
            if tools.letters.is_full:
                await tools.patience.call(tools.letters.flush)
        states: dict[tuple[str, bytes], bytes | None] = {}
        if batch.missing:
            states = await tools.patience.call(partial(tools.table.load_states, batch.missing))
        if batch.sought:
            states |= await tools.patience.call(partial(tools.table.find_states, batch.sought))
        self._pipeline.apply(batch, states)
        if batch.emissions:
            tools.passing.add(batch.emissions)
            if tools.passing.is_full:
                await tools.patience.call(tools.passing.flush)
        self.reached = records[-1][0] + 1
        return Applied(len(batch.rejections), batch.says_time)

    async def checkpoint(self, noted: Callable[[Checkpoint], None]) -> None:
        """Make everything up to the position reached durable, timers that are due included.

        Args:
            noted: told of every checkpoint once it is committed.
        """
        if self.restoring:
            return
        more = self.reached != self.committed
        while more:
            await self._let_go()
            more = await self._fire_due()
            checkpoint = self._pipeline.drain(next_offset=self.reached)
            if checkpoint is None:
                return
            checkpoint = replace(checkpoint, epoch=self.epoch)
            await self._commit(checkpoint)
            noted(checkpoint)

    async def _let_go(self) -> None:
        """Let some states go that no KPI needs any more, as long as there are any.

        Some at a time, because a large hash that goes at once leaves its timers behind.
        """
        unneeded = self._pipeline.unneeded
        if unneeded:
            find = partial(self._tools.table.some_states, unneeded, UNNEEDED_PAGE)
            self._pipeline.let_go(await self._tools.patience.call(find))

    async def _fire_due(self) -> bool:
        """Fire what the table finds due; say whether there may be more than it returned.

        All in one checkpoint, if they are not too many: whoever reads it takes everything before
        its watermark for final.
        """
        watermark_ms = self.watermark_ms
        if watermark_ms is None:
            return False
        table = self._tools.table
        for skip in range(0, DUE_MAX, DUE_PAGE):
            due = await self._tools.patience.call(
                partial(table.load_due, watermark_ms, DUE_PAGE, skip)
            )
            self._pipeline.fire(due)
            if len(due) < DUE_PAGE:
                return False
        return True

    async def _commit(self, checkpoint: Checkpoint) -> None:
        tools = self._tools
        await tools.patience.call(tools.letters.flush)
        await tools.patience.call(tools.passing.flush)
        await tools.patience.call(
            partial(tools.table.commit, checkpoint, expire_before=tools.expire_before())
        )
        self._number, self.committed = checkpoint.number, checkpoint.offset
        for receipt in checkpoint.states.get(RECEIPTS, {}).values():
            logger.info(
                "an identity is forgotten, states removed: %s", read_receipt(receipt or b"")
            )
