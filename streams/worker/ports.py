"""What a partition's runner needs from outside, as protocols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from processors.bundles import Emission
    from processors.checkpoint import Checkpoint, Claim
    from processors.decode import Rejection
    from processors.record import Record
    from streams.tables.base import PartitionTable
    from streams.transport.gate import Gate


class Batch(Protocol):
    """Decoded records; ``says_time`` holds once they are applied."""

    says_time: bool
    rejections: list[Rejection]
    missing: dict[str, list[bytes]]
    emissions: list[Emission]
    sought: dict[str, list[bytes]]


class Pipeline(Protocol):
    """The part of processors/pipeline.py that a runner calls."""

    restore_from: int

    @property
    def watermark_ms(self) -> int | None: ...  # noqa: D102
    @property
    def unneeded(self) -> Sequence[str]: ...  # noqa: D102
    def let_go(self, found: Sequence[tuple[str, bytes]]) -> None: ...  # noqa: D102
    def restore(self, records: Sequence[Record]) -> None: ...  # noqa: D102
    def decode(self, records: Sequence[Record]) -> Batch: ...  # noqa: D102
    def apply(  # noqa: D102
        self, batch: Any, states: Mapping[tuple[str, bytes], bytes | None]
    ) -> None: ...
    def fire(self, due: Mapping[tuple[str, bytes], bytes | None]) -> None: ...  # noqa: D102
    def drain(self, *, next_offset: int) -> Checkpoint | None: ...  # noqa: D102


@dataclass(frozen=True)
class Bounds:
    """A partition's log, as the broker has it now.

    Attributes:
        log_start: the first offset kept.
        log_end: one past the last readable offset.
    """

    topic_id: str
    partitions: int
    log_start: int
    log_end: int


class Log(Protocol):
    """The broker's side of a partition; topics are physical names."""

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """Ask the broker for a partition's bounds."""
        ...

    async def committed(self, topic: str, partition: int) -> int | None:
        """Ask the broker for the offset that the group has committed; None if none."""
        ...

    async def partitions(self, topic: str) -> int:
        """Ask the broker how many partitions a topic has."""
        ...

    async def open(self, topic: str, partition: int, position: int, generation: int) -> Gate:
        """Start the delivery of chunks at ``position``."""
        ...

    async def shut(self, topic: str, partition: int) -> None:
        """End the delivery of chunks."""
        ...

    def log_end(self, topic: str, partition: int) -> int | None:
        """Return the log's end as of the last fetch."""
        ...

    def checkpointed(self, topic: str, partition: int, offset: int) -> None:
        """Tell Kafka, some time, that everything before ``offset`` is done."""
        ...


class Outbox(Protocol):
    """Publishes records, acknowledged by all in-sync replicas before it returns."""

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> None:
        """Publish one record; topics are physical names."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything that a runner reaches through.

    Attributes:
        make_table: (logical topic, partition) -> its table.
        make_pipeline: (claim, logical topic, partition) -> its pipeline.
        expire_before: rung -> panes that start before this (ms) may go.
        clock_ms: the wall clock, for ticks only.
        fail: ends the process with the error.
    """

    log: Log
    outbox: Outbox
    make_table: Callable[[str, int], PartitionTable]
    make_pipeline: Callable[[Claim, str, int], Pipeline]
    expire_before: Callable[[], Mapping[str, int]]
    clock_ms: Callable[[], int]
    fail: Callable[[Exception], None]
