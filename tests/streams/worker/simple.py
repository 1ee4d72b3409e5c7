"""A small pipeline and table: they count every offset once or say that they did not.

The laws of the runner (nothing lost, nothing doubled) need no catalogue and no Redis: only
something that notices. Tables are kept per process in a file where a test kills the process.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from processors.checkpoint import Checkpoint, Claim
from processors.decode import Rejection
from processors.errors import AheadOfLogError, FencedError, PartitionStoppedError, UnreachableError
from processors.ladder import Ladder
from streams.worker.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from processors.bundles import Emission
    from processors.record import Record

HORIZON = 100  # records before the claimed offset that are read again


@dataclass
class CountingBatch:
    """What was decoded: values, and records without a number in them."""

    values: list[int]
    rejections: list[Rejection]
    missing: dict[str, list[bytes]] = field(default_factory=dict)
    emissions: list[Emission] = field(default_factory=list)
    sought: dict[str, list[bytes]] = field(default_factory=dict)
    says_time: bool = False


class CountingPipeline:
    """Sums the integers that records hold; checks that offsets come in order, each once."""

    unneeded = ()

    def __init__(self, claim: Claim, horizon: int = HORIZON) -> None:
        self._claim = claim
        self._number, self._stored = claim.number, claim.offset
        self.offset = claim.offset or 0
        self.restore_from = max(0, self.offset - horizon)
        self.restored: list[int] = []
        self.watermark_ms: int | None = claim.max_ts_ms
        self._sum = self._count = self._rejected = 0

    def restore(self, records: Sequence[Record]) -> None:
        """Note offsets that are read again."""
        offsets = [r[0] for r in records]
        assert all(o < self.offset for o in offsets)
        self.restored += offsets

    def decode(self, records: Sequence[Record]) -> CountingBatch:
        """Read the integers."""
        assert records[0][0] >= self.offset, (records[0][0], self.offset)
        self.offset = records[-1][0] + 1
        values, rejections = [], []
        for offset, timestamp_ms, _key, value in records:
            if value == b"boom":
                raise RuntimeError("a fault of the pipeline")
            if value is not None and value.isdigit():
                values.append(int(value))
            elif value is None or b"_tick" not in value:
                rejections.append(Rejection(offset, "invalid_json", "", "not a number"))
            self.watermark_ms = max(self.watermark_ms or 0, timestamp_ms)
        return CountingBatch(values, rejections, says_time=bool(values))

    def apply(self, batch: Any, states: Mapping[tuple[str, bytes], bytes | None]) -> None:
        """Add up."""
        self._sum += sum(batch.values)
        self._count += len(batch.values)
        self._rejected += len(batch.rejections)

    def fire(self, due: Mapping[tuple[str, bytes], bytes | None]) -> None:
        """Have no timers."""

    def let_go(self, found: Sequence[tuple[str, bytes]]) -> None:
        """Keep no states that could go."""

    def drain(self, *, next_offset: int) -> Checkpoint | None:
        """Hand over what was added up since the last time."""
        if next_offset == (self._stored or 0):
            return None
        self._number += 1
        counters = {"sum": self._sum, "count": self._count, "rejected": self._rejected}
        self._sum = self._count = self._rejected = 0
        checkpoint = Checkpoint(
            self._claim.epoch,
            self._number,
            self._stored,
            next_offset,
            self.watermark_ms,
            counters=counters,
        )
        self._stored = next_offset
        return checkpoint


@dataclass
class Stored:
    """One partition's stored progress."""

    epoch: int = 0
    number: int = 0
    offset: int | None = None
    max_ts_ms: int | None = None
    topic_id: str = ""
    counters: dict[str, int] = field(default_factory=dict)
    claims: list[int | None] = field(default_factory=list)


class Store:
    """Every partition's progress; in a directory if processes share it.

    ``down`` makes every call fail as if the server were away.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._memory: dict[tuple[str, int], Stored] = {}
        self.down = False
        self.lose_answers = 0  # commits that are applied, but whose answer is lost

    def read(self, topic: str, partition: int) -> Stored:
        """Return a partition's progress."""
        if self._directory is None:
            return self._memory.setdefault((topic, partition), Stored())
        path = self._directory / f"{topic}-{partition}.json"
        return Stored(**json.loads(path.read_text())) if path.exists() else Stored()

    def write(self, topic: str, partition: int, stored: Stored) -> None:
        """Replace a partition's progress, whole or not at all."""
        if self._directory is not None:
            path = self._directory / f"{topic}-{partition}.json"
            fresh = path.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(stored.__dict__))
            fresh.rename(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude other processes, as a server's single thread does."""
        if self._directory is None:
            yield
            return
        with (self._directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def total(self, topic: str, counter: str, partitions: int) -> int:
        """Sum a counter over a topic's partitions."""
        return sum(self.read(topic, p).counters.get(counter, 0) for p in range(partitions))


class CountingTable:
    """A fenced table over a :class:`Store`."""

    def __init__(self, store: Store, topic: str, partition: int) -> None:
        self._store, self._topic, self._partition = store, topic, partition

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        if self._store.down:
            raise UnreachableError("the store is away")

    async def claim(self, *, topic_id: str, partitions: int, log_start: int, log_end: int) -> Claim:
        """Fence earlier owners."""
        await self._reach()
        with self._store.locked():
            return self._claim(topic_id, log_start, log_end)

    def _claim(self, topic_id: str, log_start: int, log_end: int) -> Claim:
        stored = self._store.read(self._topic, self._partition)
        if stored.offset is not None and stored.offset > log_end:
            raise AheadOfLogError(f"offset {stored.offset} is not in the log", stored.offset)
        if stored.offset is not None and stored.offset < log_start:
            raise PartitionStoppedError(f"offset {stored.offset} is not in the log")
        if stored.topic_id and topic_id and topic_id != stored.topic_id:
            raise PartitionStoppedError("the topic was created again")
        stored.epoch += 1
        stored.topic_id = topic_id or stored.topic_id
        stored.claims.append(stored.offset)
        self._store.write(self._topic, self._partition, stored)
        return Claim(stored.epoch, stored.number, stored.offset, stored.max_ts_ms)

    async def load_states(
        self, wanted: Mapping[str, Sequence[bytes]]
    ) -> dict[tuple[str, bytes], bytes | None]:
        """Have none."""
        await self._reach()
        return {(name, i): None for name, ids in wanted.items() for i in ids}

    async def load_due(
        self, watermark_ms: int, limit: int = 1000, skip: int = 0
    ) -> dict[tuple[str, bytes], bytes | None]:
        """Have none."""
        await self._reach()
        return {}

    async def commit(self, checkpoint: Checkpoint, *, expire_before: Mapping[str, int]) -> None:
        """Apply a checkpoint once."""
        await self._reach()
        with self._store.locked():
            self._commit(checkpoint)

    def _commit(self, checkpoint: Checkpoint) -> None:
        stored = self._store.read(self._topic, self._partition)
        if stored.epoch != checkpoint.epoch:
            raise FencedError(f"epoch {checkpoint.epoch} is not {stored.epoch}")
        if (stored.number, stored.offset) == (checkpoint.number, checkpoint.offset):
            return
        if (stored.number + 1, stored.offset) != (checkpoint.number, checkpoint.expected_offset):
            raise FencedError(f"number {checkpoint.number} does not follow {stored.number}")
        stored.number, stored.offset = checkpoint.number, checkpoint.offset
        stored.max_ts_ms = checkpoint.max_ts_ms
        for name, amount in checkpoint.counters.items():
            stored.counters[name] = stored.counters.get(name, 0) + amount
        self._store.write(self._topic, self._partition, stored)
        if self._store.lose_answers:
            self._store.lose_answers -= 1
            raise UnreachableError("the answer was lost")


def counting_backend(store: Store) -> Backend:
    """Build a worker's backend over a store."""

    async def nothing() -> Any:
        return {}

    return Backend(
        make_table=lambda topic, partition: CountingTable(store, topic, partition),
        make_pipeline=lambda claim, _topic, _partition: CountingPipeline(claim),
        read_progress=nothing,
        ladder=Ladder(),
        lateness_ms=0,
        check=nothing,
        close=nothing,
    )
