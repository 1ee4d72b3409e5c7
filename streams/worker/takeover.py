"""Claims a partition as its log is now: whoever owned it may still be counting meanwhile.

::

    its owner      | checkpoint 33                  |
    log's end     32 . . 33 . . . . . . . 34        |
    this process  asked: 32     claim: 33 > 32      asked again: 34     claim: 33
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from processors.errors import AheadOfLogError

if TYPE_CHECKING:
    from processors.checkpoint import Claim
    from streams.tables.base import PartitionTable
    from streams.worker.patience import Patience
    from streams.worker.ports import Bounds, Log


async def take_over(
    log: Log, table: PartitionTable, patience: Patience, topic: str, partition: int
) -> tuple[Bounds, Claim]:
    """Claim a partition; return what the broker has of it, and what is stored.

    A stored offset past the log's end tells of another log only if the end was asked for after the
    offset was stored.

    Raises:
        PartitionStoppedError: what is stored does not belong to the log.
        AbandonedError: the wait for a service that is away was given up.
    """
    bounds = await patience.call(partial(log.bounds, topic, partition))
    while True:
        claim = partial(
            table.claim,
            topic_id=bounds.topic_id,
            partitions=bounds.partitions,
            log_start=bounds.log_start,
            log_end=bounds.log_end,
        )
        try:
            return bounds, await patience.call(claim)
        except AheadOfLogError as error:
            bounds = await patience.call(partial(log.bounds, topic, partition))
            if bounds.log_end < error.offset:
                raise
