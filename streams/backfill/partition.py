"""One partition's records through the pipeline into a table, without a group or a broker to tell.

What a worker would publish on the way stays here: dead letters were written when the events came
in; what is passed on is handed to the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from processors.bundles import Emission
    from processors.pipeline import PartitionPipeline
    from processors.record import Record
    from streams.tables.base import PartitionTable

CHECKPOINT_RECORDS: Final = 20_000
_DUE_PAGE: Final = 1_000


class BackfillPartition:
    """A claimed partition.

    Args:
        table: claimed.
        pipeline: built from the claim.
        expire_before: rung -> panes that start before this are left out.
    """

    def __init__(
        self, table: PartitionTable, pipeline: PartitionPipeline, expire_before: Mapping[str, int]
    ) -> None:
        self._table, self._pipeline, self._expire_before = table, pipeline, expire_before
        self._next_offset: int | None = None
        self._since_checkpoint = 0
        self.max_recorded_ms = 0
        self.rejected = 0

    async def add(self, records: Sequence[Record]) -> list[Emission]:
        """Work records off; return what they pass on, in order."""
        batch = self._pipeline.decode(records)
        states = await self._table.load_states(batch.missing) if batch.missing else {}
        if batch.sought:
            states = states | await self._table.find_states(batch.sought)
        self._pipeline.apply(batch, states)
        self._next_offset = records[-1][0] + 1
        self.max_recorded_ms = max(self.max_recorded_ms, records[-1][1])
        self.rejected += len(batch.rejections)
        self._since_checkpoint += len(records)
        if self._since_checkpoint >= CHECKPOINT_RECORDS:
            await self.checkpoint()
        return batch.emissions

    async def checkpoint(self) -> None:
        """Make everything so far durable, timers that are due included."""
        if self._next_offset is None:
            return
        self._since_checkpoint = 0
        more = True
        skip = 0
        while more and self._pipeline.watermark_ms is not None:
            due = await self._table.load_due(self._pipeline.watermark_ms, _DUE_PAGE, skip)
            self._pipeline.fire(due)
            skip += len(due)
            more = len(due) == _DUE_PAGE
        checkpoint = self._pipeline.drain(next_offset=self._next_offset)
        if checkpoint is not None:
            await self._table.commit(checkpoint, expire_before=self._expire_before)
