"""What every table and reader promises, whatever keeps the data.

The laws are tests/streams/tables/test_laws.py; they hold for Redis and for memory alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from processors.checkpoint import Checkpoint, Claim

Cells = dict[str, "int | frozenset[int]"]  # cell name -> integer, or a sketch's 64-bit hashes
RungPanes = dict[int, Cells]  # pane start (ms) -> cells
StateKey = tuple[str, bytes]  # processor, state id


class PartitionId(NamedTuple):
    """A partition of a logical topic."""

    topic: str
    partition: int


class Position(NamedTuple):
    """Exactly which checkpoint a reader has seen last.

    ``writer`` is the id of the claim that wrote it: after Redis went back to an older copy, numbers
    are used again, by another claim.
    """

    number: int
    writer: str


@dataclass(frozen=True)
class Progress:
    """How far a partition is. A partition never claimed has epoch 0.

    Attributes:
        epoch: of its present owner.
        number: of its last checkpoint; 0 before the first.
        offset: the next offset to process; None before the first checkpoint.
        max_ts_ms: the largest event time seen.
        written_ms: the server's wall time of the last checkpoint; None before the first.
        writer: id of the claim that wrote the last checkpoint; empty before the first.
        counters: pipeline counters since the partition began.
        kept_from_ms: rung -> panes that start before this have been deleted.
    """

    epoch: int = 0
    number: int = 0
    offset: int | None = None
    max_ts_ms: int | None = None
    written_ms: int | None = None
    writer: str = ""
    counters: dict[str, int] = field(default_factory=dict)
    kept_from_ms: dict[str, int] = field(default_factory=dict)

    @property
    def position(self) -> Position:
        """The last checkpoint, for following on from here."""
        return Position(self.number, self.writer)


@dataclass(frozen=True)
class Delta:
    """What one committed checkpoint added to the base rung.

    Attributes:
        counters: what this checkpoint added to the pipeline counters.
    """

    id: PartitionId
    epoch: int
    position: Position
    offset: int
    max_ts_ms: int | None
    base: RungPanes
    counters: dict[str, int]


@dataclass(frozen=True)
class Followed:
    """What one look at the logs of deltas found.

    Attributes:
        deltas: in order within each partition; apply all of them.
        positions: to follow on from; partitions in ``reload`` are not in it.
        reload: partition -> why its deltas do not lead on from what the reader has: take a new
            snapshot of it (and forget it where the snapshot does not have it any more).
    """

    deltas: list[Delta]
    positions: dict[PartitionId, Position]
    reload: dict[PartitionId, str]


@dataclass(frozen=True)
class PartitionSnapshot:
    """One partition's panes, as they were at exactly ``progress.position``."""

    progress: Progress
    rungs: dict[str, RungPanes]


class PartitionTable(Protocol):
    """One partition's state, as its owner sees it."""

    async def claim(self, *, topic_id: str, partitions: int, log_start: int, log_end: int) -> Claim:
        """Take the partition over: every earlier owner is fenced from here on.

        Args:
            topic_id: Kafka's id of the topic; empty where the broker does not tell.
            partitions: how many partitions the topic has.
            log_start: the first offset that the broker still has.
            log_end: one past the last offset that the broker has.

        Raises:
            PartitionStoppedError: what is stored does not belong to this log, with the way back.
            UnreachableError: the server is away or refused.
        """
        ...

    async def load_states(
        self, wanted: Mapping[str, Sequence[bytes]]
    ) -> dict[StateKey, bytes | None]:
        """Return the states of processor -> state ids; None for those never stored."""
        ...

    async def find_states(
        self, sought: Mapping[str, Sequence[bytes]]
    ) -> dict[StateKey, bytes | None]:
        """Return the states that hold any of processor -> texts; every state is looked at."""
        ...

    async def some_states(self, processors: Sequence[str], limit: int) -> list[StateKey]:
        """Return which states there are of processors: any of them, fewer only if they are all."""
        ...

    async def load_due(
        self, watermark_ms: int, limit: int = 1000, skip: int = 0
    ) -> dict[StateKey, bytes | None]:
        """Return timers due at or before the watermark, in order of (due, key).

        Args:
            watermark_ms: how far time is.
            limit: how many at most.
            skip: how many of the first to leave out: what an earlier page had.
        """
        ...

    async def commit(self, checkpoint: Checkpoint, *, expire_before: Mapping[str, int]) -> None:
        """Apply a checkpoint, whole or not at all. Applying one again changes nothing.

        Args:
            checkpoint: the step; its number must follow the stored one.
            expire_before: rung -> panes that start before this (ms) are deleted, and stay so.

        Raises:
            FencedError: epoch, number or offset are not the stored ones: another owner went on.
            PartitionStoppedError: an integer is out of range, or what is stored is damaged.
            UnreachableError: the server is away or refused; committing again is safe.
        """
        ...


class TableReader(Protocol):
    """Every partition of a namespace, as exporter, query and verification see it."""

    async def progress(self) -> dict[PartitionId, Progress]:
        """Return how far each partition is; never claimed ones included."""
        ...

    async def panes(self, rung: str, start_ms: int, end_ms: int) -> RungPanes:
        """Return the panes that start in [start, end), merged over all partitions."""
        ...

    async def snapshot(
        self, rungs_since: Mapping[str, int], only: Collection[PartitionId] | None = None
    ) -> dict[PartitionId, PartitionSnapshot]:
        """Return each partition's panes at one exact position, to follow on from.

        Args:
            rungs_since: rung -> the first pane start (ms) wanted.
            only: these partitions, where they exist; None for all.
        """
        ...

    async def follow(self, since: Mapping[PartitionId, Position], *, block_ms: int = 0) -> Followed:
        """Return what was committed after ``since``.

        Args:
            since: the positions of a snapshot, or of what was followed last.
            block_ms: wait up to this long for the first news; 0 returns at once.
        """
        ...
