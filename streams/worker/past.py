"""A partition without tables that was counted before: Redis was emptied."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from processors.errors import PartitionStoppedError

if TYPE_CHECKING:
    from streams.worker.ports import Bounds

logger = logging.getLogger(__name__)


def check_past(label: str, bounds: Bounds, committed: int | None, *, count_anew: bool) -> None:
    """Say what became of an earlier count that the tables know nothing of.

    Redis is the authority on offsets, but what it does not hold it cannot miss: the group's commit
    in Kafka, else only for show, tells that there has been a count.

    Args:
        label: the partition.
        bounds: of its log.
        committed: what the group has committed in Kafka; None if nothing.
        count_anew: whether a person accepts figures without what the log has lost.

    Raises:
        PartitionStoppedError: counting anew would leave out what the log does not hold any more.
    """
    if not committed:
        return
    what = f"{label} has no tables, but was counted up to offset {committed}: Redis was emptied"
    if bounds.log_start == 0 or count_anew:
        logger.warning("%s. It is counted anew from offset %d on", what, bounds.log_start)
        return
    raise PartitionStoppedError(
        f"{what}. The log begins at {bounds.log_start}, so counting anew would leave out "
        "everything before, in every figure. Restore the tables' backup, or accept that with "
        "KPI_COUNT_ANEW=1"
    )
