"""The consumer's thread: fetches, cuts chunks, seeks.

Overrides faust's aiokafka driver (0.15.3, pinned) where it would build a message a record.
"""

# ruff: noqa: SLF001 - overriding a pinned driver means reading its private parts
from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aiokafka.consumer.fetcher import FetchError, FetchResult
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode import get_logger

from streams.transport.gate import Gate
from streams.transport.slices import take_chunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.transport.chunk import Chunk

FETCH_WAIT_MAX_MS: Final = 100  # the broker's answer to an empty fetch; stock is 1500
LINGER_S: Final = 0.1  # small chunks are collected this long: each costs 0.5 ms whatever its size
LINGER_RECORDS_MAX: Final = 1_000  # more than this in one go is not small
FULL_GATE_POLL_S: Final = 0.01
BOUNDS_POLL_S: Final = 0.01
BOUNDS_TIMEOUT_S: Final = 5.0

logger = get_logger(__name__)


class StaleAssignmentError(Exception):
    """The group has rebalanced since: the partition is no longer this owner's to open."""


def readable_end(state: Any) -> int:
    """Return the end of what can be read of an assigned partition; transactions hold it back."""
    known = state.lso is not None and state.lso >= 0
    return int(state.lso if known else state.highwater)


class ChunkConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # untyped library
    """Hands out one :class:`Chunk` a fetched slice, of open gates only."""

    def __post_init__(self) -> None:
        """Start with every gate closed."""
        super().__post_init__()
        self._gates: dict[Any, Gate] = {}
        self._small_since = 0.0

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Stock passes constants for these; the fetcher is built from them when it starts.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MAX_MS
        consumer._isolation_level = "read_committed"  # an aborted transaction's events never were
        return consumer

    # --- gates ---------------------------------------------------------------------------

    async def open_gate(self, tp: Any, position: int, generation: int) -> Gate:
        """Seek a partition and let its records pass from there.

        Raises:
            StaleAssignmentError: the assignment has changed since ``generation``.
        """
        gate: Gate = await self.call_thread(self._open_gate, tp, position, generation)
        return gate

    async def _open_gate(self, tp: Any, position: int, generation: int) -> Gate:
        # No await in here: chunks cut before this turn carry other positions than those after.
        consumer = self._ensure_consumer()
        if generation != self.generation():
            raise StaleAssignmentError(f"{tp}: generation {generation} is over")
        try:
            consumer.seek(tp, position)
        except IllegalStateError as error:
            raise StaleAssignmentError(str(error)) from error
        gate = self._gates[tp] = Gate(generation, position, position)
        return gate

    async def close_gate(self, tp: Any) -> None:
        """Hand out no more records of a partition."""
        await self.call_thread(self._close_gate, tp)

    async def _close_gate(self, tp: Any) -> None:
        self._gates.pop(tp, None)

    async def log_bounds(self, tps: Iterable[Any]) -> dict[Any, tuple[int, int]]:
        """Return partition -> (first offset, one past the last readable one).

        Shuts the partitions' gates. Partitions that are not assigned are left out.

        Raises:
            StaleAssignmentError: one of the partitions was taken away meanwhile.
            KafkaError: the broker is away.
        """
        bounds: dict[Any, tuple[int, int]] = await self.call_thread(self._log_bounds, list(tps))
        return bounds

    async def _log_bounds(self, tps: list[Any]) -> dict[Any, tuple[int, int]]:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        tps = [tp for tp in tps if tp in assigned]
        starts = await consumer.beginning_offsets(tps)
        ends = await consumer.end_offsets(tps)
        states = {}
        for tp in tps:
            self._gates.pop(tp, None)
            if ends[tp] > starts[tp]:
                # Not every broker lists the end rightly: Tansu tells the start of the last batch.
                # What it states with fetched records is right, so fetch the last ones.
                states[tp] = self._assigned_state(consumer, tp)
                states[tp].highwater = None
                consumer.seek(tp, ends[tp] - 1)
        deadline = monotonic() + BOUNDS_TIMEOUT_S
        while any(state.highwater is None for state in states.values()):
            if monotonic() > deadline:
                raise KafkaTimeoutError("the broker does not answer a fetch")
            await asyncio.sleep(BOUNDS_POLL_S)
            for tp in states:
                self._assigned_state(consumer, tp)
        for tp, state in states.items():
            ends[tp] = max(ends[tp], readable_end(state))
        return {tp: (starts[tp], ends[tp]) for tp in tps}

    async def committed_offset(self, tp: Any) -> int | None:
        """Return the offset that the group has committed; None if none."""
        offset: int | None = await self.call_thread(self._committed_offset, tp)
        return offset

    async def _committed_offset(self, tp: Any) -> int | None:
        offset: int | None = await self._ensure_consumer().committed(tp)
        return offset

    @staticmethod
    def _assigned_state(consumer: Any, tp: Any) -> Any:
        try:
            return consumer._subscription._assigned_state(tp)
        except (IllegalStateError, AssertionError) as error:
            raise StaleAssignmentError(f"{tp} is not assigned any more") from error

    def generation(self) -> int:
        """Return the group generation, -1 outside a group."""
        coordinator = self._ensure_consumer()._coordinator
        return -1 if coordinator is None else int(coordinator.generation)

    async def check_group(self) -> None:
        """Raise what keeps the group from taking this member, if anything does.

        aiokafka keeps such an error for the next poll of its own kind, and waits; the driver has
        no such poll.
        """
        await self.call_thread(self._check_group)

    async def _check_group(self) -> None:
        coordinator = self._ensure_consumer()._coordinator
        if coordinator is not None:
            coordinator.check_errors()

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Close every gate before the owners hear of it."""
        self._gates.clear()
        await super().on_partitions_revoked(revoked)

    async def on_thread_stop(self) -> None:
        """Leave the group, so that others need not wait for this member to time out."""
        coordinator = None if self._consumer is None else self._consumer._coordinator
        if coordinator is not None and coordinator.generation == 0:
            # Some brokers count generations from 0, which aiokafka takes for "in no group".
            coordinator.generation = 1
        try:
            await super().on_thread_stop()
        except (asyncio.CancelledError, KafkaError) as error:
            # aiokafka awaits fetches that it has cancelled; without a broker that raises, and the
            # thread's end would never be told.
            logger.warning("the consumer did not close in order: %s", type(error).__name__)

    # --- fetching ------------------------------------------------------------------------

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[Any] | None,
        timeout: float | None = None,  # noqa: ASYNC109  # the driver's signature
        max_records: int | None = None,  # noqa: ARG002
    ) -> Mapping[Any, list[Chunk]]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            return await self._wait_for_chunks(fetcher, active_partitions, timeout or 0.0)

    async def _wait_for_chunks(
        self, fetcher: Any, active: set[Any] | None, timeout_s: float
    ) -> dict[Any, list[Chunk]]:
        deadline = monotonic() + timeout_s
        while True:
            subscriptions = fetcher._subscriptions
            if subscriptions.reassignment_in_progress:
                await subscriptions.wait_for_assignment()
            linger_s = self._small_since + LINGER_S - monotonic()
            if linger_s > 0:
                await asyncio.sleep(linger_s)
            chunks, waiting = self._drain(fetcher, active)
            remaining_s = deadline - monotonic()
            if chunks or remaining_s <= 0:
                return chunks
            waiter = fetcher._create_fetch_waiter()
            wait_s = min(remaining_s, FULL_GATE_POLL_S) if waiting else remaining_s
            done, _ = await asyncio.wait([waiter], timeout=wait_s)
            if fetcher._closed:
                waiter.cancel()
                return {}
            if done:
                waiter.result()  # authorization errors arrive here
            else:
                waiter.cancel()

    def _drain(self, fetcher: Any, active: Iterable[Any] | None) -> tuple[dict[Any, Any], bool]:
        """Cut a chunk of every open gate's slice; say whether others wait for room.

        A slice that is left stays in the fetcher, which fetches no more of that partition then.
        """
        chunks: dict[Any, list[Chunk]] = {}
        waiting = False
        count = 0
        generation = self.generation()
        for tp in list(fetcher._records):
            gate = self._gates.get(tp)
            if gate is None or gate.generation != generation or (active and tp not in active):
                if not fetcher._subscriptions.is_assigned(tp):
                    del fetcher._records[tp]
                continue
            if not gate.has_room:
                waiting = True
                continue
            entry = fetcher._records.pop(tp)
            fetcher._notify(fetcher._wait_consume_future)
            if type(entry) is FetchResult:
                chunk = take_chunk(entry)
                if chunk is not None:
                    gate.handed = chunk.next_position
                    chunks[tp] = [chunk]
                    count += len(chunk.records)
            elif isinstance(entry, FetchError):
                self._fail(tp, entry)
        if chunks:
            self._small_since = monotonic() if count < LINGER_RECORDS_MAX else 0.0
        return chunks, waiting

    def _fail(self, tp: Any, entry: Any) -> None:
        """Pass a partition's error to its owner if it is the partition's own, else raise it."""
        error = entry._error
        if isinstance(error, NoOffsetForPartitionError):
            return  # nothing was ever committed to Kafka: the owner seeks anyway
        if not isinstance(error, OffsetOutOfRangeError):
            entry.check_raise()
        self._gates.pop(tp, None)
        consumer: Any = self.consumer
        self.parent_loop.call_soon_threadsafe(consumer.on_out_of_range, tp)

    # --- commits -------------------------------------------------------------------------

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        """Commit to Kafka. A failure is a warning: Redis holds the offsets that count."""
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        try:
            await consumer.commit({tp: offset for tp, offset in offsets.items() if tp in assigned})
        except (KafkaError, IllegalStateError) as error:
            logger.warning(
                "Kafka did not take the commit (%s): lag shown by the broker is too large until "
                "the next one",
                type(error).__name__,
            )
            return False
        return True
