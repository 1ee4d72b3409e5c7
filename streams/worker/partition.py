"""One partition's way through its life: claim, restore, work, checkpoint, hand over.

::

    waiting -> claiming -> restoring -> running -> waiting (revoked)
                  ^            |           |
                  +--- fenced, failed -----+----> stopped (a person must decide)

Everything of a partition happens in one task, so nothing is shared and no lock is needed; other
partitions go on while this one waits for Redis.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from bisect import bisect_left
from collections import deque
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from processors.errors import FencedError, KpiError, PartitionStoppedError
from processors.names import logical_topic
from streams.transport.thread import StaleAssignmentError
from streams.worker.dead_letters import DeadLetters
from streams.worker.patience import AbandonedError, Patience
from streams.worker.ticks import Ticks
from streams.worker.vitals import State, Vitals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.checkpoint import Checkpoint
    from processors.record import Record
    from streams.settings import Settings
    from streams.transport.chunk import Chunk
    from streams.transport.gate import Gate
    from streams.worker.ports import Pipeline, Ports

SLICE_RECORDS: Final = 4_000  # about 30 ms of work between two turns of the event loop
DUE_LIMIT: Final = 1_000
FAILURES_MAX: Final = 3  # re-claims without progress before the process gives up
FENCED_WAIT_S: Final = 3.0  # a heartbeat: by then a worker that lost the partition knows it

logger = logging.getLogger(__name__)


class LostPositionError(Exception):
    """The broker does not have the position: a new claim finds out why."""


class PartitionRunner:
    """Owns one partition while it is assigned to this process.

    Args:
        topic: physical name.
    """

    def __init__(self, ports: Ports, settings: Settings, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self._logical = logical_topic(topic, settings.namespace)
        self._label = f"{topic}[{partition}]"
        self._ports = ports
        self._interval_s = settings.checkpoint_interval_ms / 1000
        self._table = ports.make_table(self._logical, partition)
        self._letters = DeadLetters(ports.outbox, settings.namespace, self._logical, partition)
        self._ticks = Ticks(ports.outbox, topic, partition, settings.tick_interval_ms)
        self._patience = Patience(self._label)
        self.vitals = Vitals(topic, partition)
        self._inbox: deque[Chunk] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._reopen_wanted = False
        self._lost = False
        self._task: asyncio.Task[None] | None = None
        self._gate: Gate | None = None
        self._pipeline: Pipeline | None = None
        self._pending: Checkpoint | None = None
        self._generation = -1
        self._epoch = 0
        self._number = 0
        self._claimed = 0  # before this offset only dedup is rebuilt
        self._reached = 0  # the next offset to work on
        self._committed: int | None = None  # the offset of the last checkpoint in Redis
        self._due_at = 0.0
        self._failures = 0

    # --- called by the owner of all partitions -------------------------------------------

    def start(self, generation: int) -> None:
        """Claim the partition and work on it until :meth:`pause`."""
        self._generation = generation
        self._stopping = False
        self._patience.renew()
        self._task = asyncio.create_task(self._run(), name=self._label)

    async def pause(self, timeout_s: float) -> None:
        """Write a last checkpoint and rest. What cannot be written in time is read again later."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        self._patience.give_up()
        self._wake.set()
        done, _ = await asyncio.wait({task}, timeout=timeout_s)
        if not done:
            task.cancel()
            await asyncio.wait({task})
            self._forget()
        if self.vitals.state is not State.STOPPED:
            self.vitals.state = State.WAITING

    def deliver(self, chunk: Chunk) -> None:
        """Take a chunk into the inbox; gates bound how many there can be."""
        self._inbox.append(chunk)
        self._wake.set()

    def reopen(self) -> None:
        """Have the records from the position reached on delivered again."""
        self._reopen_wanted = True
        self._wake.set()

    def out_of_range(self) -> None:
        """Note that the broker does not have the position: a new claim finds out why."""
        self._lost = True
        self._wake.set()

    @property
    def should_move(self) -> bool:
        """Whether only a stall could keep it from progress: no service away, no person awaited."""
        moving = (State.RUNNING, State.RESTORING, State.CLAIMING)
        return self._patience.held_since is None and self.vitals.state in moving

    @property
    def held_s(self) -> float:
        """The time (s) for which a service that is away has held the partition back."""
        since = self._patience.held_since
        return 0.0 if since is None else monotonic() - since

    @property
    def held_reason(self) -> str:
        """What is away."""
        return self._patience.reason

    @property
    def reached(self) -> int:
        """The next offset to work on."""
        return self._reached

    # --- life ----------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._claim()
                await self._work()
            except StaleAssignmentError:
                return  # the next assignment starts anew, from what is in memory if it still stands
            except AbandonedError:
                self._forget()  # it was given up half way through a step
                return
            except FencedError as error:
                await self._on_fenced(error)
            except PartitionStoppedError as error:
                await self._on_stopped(error)
                return
            except Exception as error:  # noqa: BLE001  # whatever it is, the log has the records
                if not await self._on_failure(error):
                    return

    def _check_position(self) -> None:
        if self._lost:
            self._lost = False
            raise LostPositionError(f"the log does not hold offset {self._reached}")

    async def _on_fenced(self, error: FencedError) -> None:
        logger.warning("%s: another worker has claimed it: %s", self._label, error)
        self._forget()
        self.vitals.state = State.FENCED
        await self._nap(FENCED_WAIT_S)

    async def _on_stopped(self, error: PartitionStoppedError) -> None:
        logger.error("%s is stopped, other partitions go on: %s", self._label, error)
        self._forget()
        self.vitals.state, self.vitals.reason = State.STOPPED, str(error)
        await self._ports.log.shut(self.topic, self.partition)

    async def _on_failure(self, error: Exception) -> bool:
        """Log a fault without any event's content; say whether to try again."""
        self._failures += 1
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.error(
            "%s: %s at offset %d, attempt %d of %d\n%s",
            self._label,
            type(error).__name__,
            self._reached,
            self._failures,
            FAILURES_MAX + 1,
            where,
        )
        self._forget()
        self.vitals.state = State.FAILED
        self.vitals.reason = type(error).__name__
        if self._failures > FAILURES_MAX:
            self._ports.fail(
                KpiError(
                    f"{self._label}: {type(error).__name__} at every attempt: this process ends"
                )
            )
            return False
        await self._nap(2.0 ** (self._failures - 1))
        return True

    async def _nap(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        while not self._stopping and (left_s := deadline - monotonic()) > 0:
            await self._wait(left_s)

    def _forget(self) -> None:
        """Drop what is in memory: the next claim starts from what is stored."""
        self._pipeline = self._pending = self._gate = None
        self._inbox.clear()
        self._letters.clear()

    # --- claim ---------------------------------------------------------------------------

    async def _claim(self) -> None:
        """Take the partition over and have its records delivered."""
        self.vitals.state = State.CLAIMING
        call = self._patience.call
        bounds = await call(partial(self._ports.log.bounds, self.topic, self.partition))
        claim = await call(
            partial(
                self._table.claim,
                topic_id=bounds.topic_id,
                partitions=bounds.partitions,
                log_start=bounds.log_start,
                log_end=bounds.log_end,
            )
        )
        self._epoch = claim.epoch
        kept = (
            self._pipeline is not None
            and self._pending is None
            and (claim.number, claim.offset) == (self._number, self._committed)
        )
        if not kept:  # else nobody has written since: what is in memory still stands
            self._forget()
            self._pipeline = self._ports.make_pipeline(claim, self._logical, self.partition)
            self._number, self._committed = claim.number, claim.offset
            if claim.offset is None:
                self._claimed = self._reached = bounds.log_start
            else:
                self._claimed = claim.offset
                self._reached = max(self._pipeline.restore_from, bounds.log_start)
        self.vitals.claimed(claim)
        await self._open()

    async def _open(self) -> None:
        self._reopen_wanted = False
        self._inbox.clear()
        self._gate = await self._ports.log.open(
            self.topic, self.partition, self._reached, self._generation
        )
        self._note_position()

    # --- work ----------------------------------------------------------------------------

    async def _work(self) -> None:
        """Take chunks until paused; then write the last checkpoint."""
        assert self._pipeline is not None
        self._due_at = monotonic() + self._interval_s
        self._ticks.note_record()
        while not self._stopping:
            self._check_position()
            if self._reopen_wanted:
                await self._open()
            if self._inbox:
                await self._take(self._inbox.popleft())
            else:
                await self._rest()
            if monotonic() >= self._due_at:
                await self._checkpoint()
        await self._checkpoint()

    async def _rest(self) -> None:
        """Wait for a chunk, a checkpoint or a tick."""
        wait_s = max(0.0, self._due_at - monotonic())
        tick_s = self._ticks.wait_s()
        await self._wait(wait_s if tick_s is None else min(wait_s, max(tick_s, 0.05)))
        log = self._ports.log
        if not self._inbox and not self._stopping:
            log_end = log.log_end(self.topic, self.partition)
            if self._ticks.is_due(self._reached, log_end):
                await self._ticks.produce(self._ports.clock_ms())

    async def _wait(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _take(self, chunk: Chunk) -> None:
        """Work a chunk off, in slices so that heartbeats and other partitions get their turn."""
        if chunk.position != self._reached:
            if chunk.position > self._reached:
                await self._open()  # records between are missing: have them delivered again
            return  # stale
        self._ticks.note_record()
        records = chunk.records
        old = (
            bisect_left(records, self._claimed, key=lambda r: r[0])
            if (self._reached < self._claimed)
            else 0
        )
        for start in range(0, old, SLICE_RECORDS):
            self._restore(records[start : min(start + SLICE_RECORDS, old)])
            await asyncio.sleep(0)
        for start in range(old, len(records), SLICE_RECORDS):
            part = (
                records[start : start + SLICE_RECORDS]
                if start or len(records) > SLICE_RECORDS
                else records
            )
            await self._apply(part)
            self._advance(part[-1][0] + 1)
            if monotonic() >= self._due_at:
                await self._checkpoint()
            await asyncio.sleep(0)
        self._advance(chunk.next_position)
        self.vitals.log_end = chunk.high_water

    def _restore(self, records: Sequence[Record]) -> None:
        assert self._pipeline is not None
        self._pipeline.restore(records)
        self._advance(records[-1][0] + 1)

    async def _apply(self, records: Sequence[Record]) -> None:
        pipeline = self._pipeline
        assert pipeline is not None
        batch = pipeline.decode(records)
        if batch.rejections:
            self._letters.add(records, batch.rejections)
            if self._letters.is_full:
                await self._patience.call(self._letters.flush)
        missing = batch.missing
        states = (
            await self._patience.call(partial(self._table.load_states, missing)) if missing else {}
        )
        pipeline.apply(batch, states)
        self.vitals.count(len(records), len(batch.rejections))

    def _advance(self, position: int) -> None:
        self._reached = position
        self._note_position()

    def _note_position(self) -> None:
        if self._gate is not None:
            self._gate.reached = self._reached
        restoring = self._reached < self._claimed
        self.vitals.state = State.RESTORING if restoring else State.RUNNING
        self.vitals.reached = self._reached
        if self._pipeline is not None:
            self.vitals.watermark_ms = self._pipeline.watermark_ms

    # --- checkpoint ----------------------------------------------------------------------

    async def _checkpoint(self) -> None:
        """Make everything up to the position reached durable, timers that are due included."""
        self._due_at = monotonic() + self._interval_s
        moved = self._reached != self._committed
        while await self._commit_once(moved):
            moved = True
            await asyncio.sleep(0)

    async def _commit_once(self, moved: bool) -> bool:
        """Commit one checkpoint; say whether more timers are due than it could hold."""
        pipeline, call = self._pipeline, self._patience.call
        assert pipeline is not None
        more = False
        if self._pending is None:
            if self._reached < self._claimed:
                return False
            watermark_ms = pipeline.watermark_ms
            if moved and watermark_ms is not None:
                due = await call(partial(self._table.load_due, watermark_ms, DUE_LIMIT))
                pipeline.fire(due)
                more = len(due) >= DUE_LIMIT
            checkpoint = pipeline.drain(next_offset=self._reached)
            if checkpoint is None:
                return False
            self._pending = replace(checkpoint, epoch=self._epoch)
        pending, started = self._pending, monotonic()
        await call(self._letters.flush)
        await call(partial(self._table.commit, pending, expire_before=self._ports.expire_before()))
        self._pending = None
        self._number, self._committed = pending.number, pending.offset
        self._failures = 0
        self.vitals.checkpointed(pending, monotonic() - started)
        self._ports.log.checkpointed(self.topic, self.partition, pending.offset)
        return more
