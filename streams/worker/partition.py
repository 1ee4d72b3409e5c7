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
from collections import deque
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from processors.errors import FencedError, KpiError, PartitionStoppedError
from processors.names import logical_topic
from streams.topics import TopicFacts
from streams.transport.thread import StaleAssignmentError
from streams.worker.dead_letters import DeadLetters
from streams.worker.passing import Passing
from streams.worker.past import check_past
from streams.worker.patience import AbandonedError, Patience
from streams.worker.takeover import take_over
from streams.worker.tenure import Tenure, Tools
from streams.worker.ticks import Ticks
from streams.worker.vitals import State, Vitals

if TYPE_CHECKING:
    from processors.checkpoint import Checkpoint
    from streams.settings import Settings
    from streams.transport.chunk import Chunk
    from streams.transport.gate import Gate
    from streams.worker.ports import Ports

SLICE_RECORDS: Final = 4_000  # about 30 ms of work between two turns of the event loop
FAILURES_MAX: Final = 3  # re-claims without progress before the process gives up
FENCED_WAIT_S: Final = 3.0  # a heartbeat: by then a worker that lost the partition knows it
CANCEL_AGAIN_S: Final = 0.2
_GOLDEN: Final = 0.618  # multiples of it are spread evenly, however many there are
TICK_POLL_S: Final = 0.1  # while a tick is due but the log's end is not known yet

logger = logging.getLogger(__name__)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task until it ends: on Python 3.11 timeouts in redis-py can swallow a cancellation.

    See https://github.com/python/cpython/issues/86296
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)


class LostPositionError(Exception):
    """The broker does not have the position: a new claim finds out why."""


class PartitionRunner:
    """Owns one partition while it is assigned to this process.

    Args:
        ports: everything outside.
        settings: intervals and namespace.
        topic: physical name.
        partition: of that topic.
    """

    def __init__(self, ports: Ports, settings: Settings, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.vitals = Vitals(topic, partition)
        self.patience = Patience(f"{topic}[{partition}]")
        self._label = f"{topic}[{partition}]"
        self._logical = logical_topic(topic, settings.namespace)
        self._ports = ports
        self._interval_s = settings.checkpoint_interval_ms / 1000
        # Checkpoints of a topic's partitions take turns: while one waits for Redis, others work.
        self._phase = (1 + partition * _GOLDEN) % 1 or 1.0
        self._count_anew = bool(settings.count_anew)
        self._tools = Tools(
            ports.make_table(self._logical, partition),
            DeadLetters(ports.outbox, settings.namespace, self._logical, partition),
            Passing(ports.log, ports.outbox, settings.namespace, self._logical, partition),
            self.patience,
            ports.expire_before,
        )
        self._ticks = Ticks(ports.outbox, topic, partition, settings.tick_interval_ms)
        self._inbox: deque[Chunk] = deque()
        self._wake = asyncio.Event()
        self._stopping = self._reopen_wanted = self._lost = False
        self._task: asyncio.Task[None] | None = None
        self._gate: Gate | None = None
        self._tenure: Tenure | None = None
        self._generation = -1
        self._due_at = 0.0
        self._failures = 0
        self.counted: TopicFacts | None = None  # of the topic as it was claimed

    # --- called by the owner of all partitions, and by the watchdog -----------------------

    def start(self, generation: int) -> None:
        """Claim the partition and work on it until :meth:`pause`."""
        self._generation = generation
        self._stopping = False
        self.patience.renew()
        self._task = asyncio.create_task(self._run(), name=self._label)

    async def pause(self, timeout_s: float) -> None:
        """Write a last checkpoint and rest. What cannot be written in time is read again later."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        self.patience.give_up()
        self._wake.set()
        done, _ = await asyncio.wait({task}, timeout=timeout_s)
        if not done:
            await cancelled(task)
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
        """Note that the broker does not have the position."""
        self._lost = True
        self._wake.set()

    @property
    def should_move(self) -> bool:
        """Whether only a stall could keep it from progress: no service away, no person awaited."""
        moving = (State.RUNNING, State.RESTORING, State.CLAIMING)
        return self.patience.held_since is None and self.vitals.state in moving

    # --- life ----------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._work(await self._claim())
            except StaleAssignmentError:
                return  # the next assignment goes on from what is in memory if that still stands
            except AbandonedError:
                self._forget()  # given up half way through a step
                return
            except FencedError as error:
                await self._on_fenced(error)
            except PartitionStoppedError as error:
                await self._on_stopped(error)
                return
            except Exception as error:  # noqa: BLE001  # whatever it is, the log has the records
                if not await self._on_failure(error):
                    return

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
        logger.error(
            "%s: %s at offset %d, attempt %d of %d\n%s",
            self._label,
            type(error).__name__,
            self.vitals.reached,
            self._failures,
            FAILURES_MAX + 1,
            "".join(traceback.format_tb(error.__traceback__)),
        )
        self._forget()
        self.vitals.state, self.vitals.reason = State.FAILED, type(error).__name__
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

    async def _wait(self, seconds: float) -> None:
        """Wait until woken, at most this long."""
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _forget(self) -> None:
        """Drop what is in memory: the next claim starts from what is stored."""
        self._tenure = self._gate = None
        self._inbox.clear()
        self._tools.letters.clear()
        self._tools.passing.clear()

    # --- claim ---------------------------------------------------------------------------

    async def _claim(self) -> Tenure:
        """Take the partition over and have its records delivered."""
        self.vitals.state = State.CLAIMING
        self._lost = False
        bounds, claim = await take_over(
            self._ports.log, self._tools.table, self.patience, self.topic, self.partition
        )
        self.vitals.log_start = bounds.log_start
        if claim.offset is None:
            committed = await self.patience.call(
                partial(self._ports.log.committed, self.topic, self.partition)
            )
            check_past(self._label, bounds, committed, count_anew=self._count_anew)
        self._tools.passing.topic_id = bounds.topic_id
        self.counted = TopicFacts(bounds.topic_id, bounds.partitions)
        tenure = self._tenure
        if tenure is not None and tenure.outlives(claim):
            tenure.epoch = claim.epoch
        else:
            self._forget()
            pipeline = self._ports.make_pipeline(claim, self._logical, self.partition)
            tenure = self._tenure = Tenure(self._tools, pipeline, claim, bounds.log_start)
        self.vitals.claimed(claim)
        await self._open(tenure)
        return tenure

    async def _open(self, tenure: Tenure) -> None:
        self._reopen_wanted = False
        self._inbox.clear()
        self._gate = await self._ports.log.open(
            self.topic, self.partition, tenure.reached, self._generation
        )
        self._note(tenure)

    # --- work ----------------------------------------------------------------------------

    async def _work(self, tenure: Tenure) -> None:
        """Take chunks until paused; then write the last checkpoint."""
        self._due_at = monotonic() + self._phase * self._interval_s
        self._ticks.note_event()
        while not self._stopping:
            if self._lost:
                raise LostPositionError
            if self._reopen_wanted:
                await self._open(tenure)
            if self._inbox:
                await self._take(tenure, self._inbox.popleft())
            else:
                await self._rest(tenure)
            await self._checkpoint_if_due(tenure)
        await self._checkpoint(tenure)

    async def _rest(self, tenure: Tenure) -> None:
        """Wait for a chunk, a checkpoint or a tick."""
        wait_s = max(0.0, self._due_at - monotonic())
        tick_s = self._ticks.wait_s()
        await self._wait(wait_s if tick_s is None else min(wait_s, max(tick_s, TICK_POLL_S)))
        if not self._inbox and not self._stopping:
            log_end = self._ports.log.log_end(self.topic, self.partition)
            if self._ticks.is_due(tenure.reached, log_end):
                await self._ticks.produce(self._ports.clock_ms())

    async def _take(self, tenure: Tenure, chunk: Chunk) -> None:
        """Work a chunk off, in slices so that heartbeats and other partitions get their turn."""
        if chunk.position != tenure.reached:
            if chunk.position > tenure.reached:
                await self._open(tenure)  # records between are missing: have them delivered again
            return  # stale
        records = chunk.records
        known = tenure.known(records)
        for start in range(0, known, SLICE_RECORDS):
            tenure.restore(records[start : min(start + SLICE_RECORDS, known)])
            await asyncio.sleep(0)
        for start in range(known, len(records), SLICE_RECORDS):
            part = records[start : start + SLICE_RECORDS]
            applied = await tenure.apply(part)
            if applied.says_time:
                self._ticks.note_event()
            self.vitals.count(len(part), applied.rejected)
            self._note(tenure)
            await self._checkpoint_if_due(tenure)
            await asyncio.sleep(0)
        tenure.reached = chunk.next_position
        self.vitals.log_end = chunk.high_water
        self._note(tenure)

    def _note(self, tenure: Tenure) -> None:
        if self._gate is not None:
            self._gate.reached = tenure.reached
        self.vitals.state = State.RESTORING if tenure.restoring else State.RUNNING
        self.vitals.reached = tenure.reached
        self.vitals.watermark_ms = tenure.watermark_ms

    async def _checkpoint_if_due(self, tenure: Tenure) -> None:
        if monotonic() >= self._due_at:
            await self._checkpoint(tenure)

    async def _checkpoint(self, tenure: Tenure) -> None:
        started = monotonic()
        self._due_at = started + self._interval_s

        def noted(checkpoint: Checkpoint) -> None:
            self._failures = 0
            self.vitals.checkpointed(checkpoint, monotonic() - started)
            self._ports.log.checkpointed(self.topic, self.partition, checkpoint.offset)

        await tenure.checkpoint(noted)
