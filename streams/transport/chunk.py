"""What travels through Faust instead of single records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.record import Record


@dataclass(frozen=True, slots=True)
class Chunk:
    """The records of one fetched slice of a partition.

    A chunk counts only if ``position`` is the position that the partition's owner has reached.
    Any other is stale: the log is immutable, so equal positions mean equal records.

    Attributes:
        topic: the broker's (physical) name.
        position: the consumer's position before this chunk.
        next_position: the position after it. It can be past the last record, and there can be no
            record at all: control batches and compacted records take offsets too.
        high_water: the log's end as the broker stated it with this slice.
    """

    topic: str
    partition: int
    position: int
    next_position: int
    records: list[Record]
    high_water: int
