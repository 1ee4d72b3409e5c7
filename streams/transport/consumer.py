"""The consumer in the main loop: delivers chunks to agents, commits what was checkpointed."""

# ruff: noqa: SLF001 - overriding a pinned driver means reading its private parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faust.transport.drivers.aiokafka import Consumer
from faust.types import ConsumerMessage

from streams.transport.thread import ChunkConsumerThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from streams.transport.chunk import Chunk
    from streams.transport.gate import Gate


class NoReadOffsets(dict[Any, None]):
    """Remembers nothing: faust drops messages that lie behind what it has read once.

    After tables went back to an older copy their log is read again from there; which chunk counts
    is the partition's owner to say.
    """

    def __missing__(self, tp: Any) -> None:
        """Answer that nothing was read."""

    def __setitem__(self, tp: Any, offset: object) -> None:
        """Forget it."""


class ChunkConsumer(Consumer):  # type: ignore[misc]  # untyped library
    """Faust's consumer with chunks for messages.

    A partition is silent until its owner calls :meth:`open`. Positions come from there, never
    from the group's commits: those only report lag.
    """

    _thread: ChunkConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._checkpointed: dict[Any, int] = {}
        self._read_offset = NoReadOffsets()
        #: called in the main loop with (topic, partition) whose position the log does not hold
        self.out_of_range: Callable[[str, int], None] | None = None

    def _new_consumer_thread(self) -> ChunkConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # --- for the partitions' owners ------------------------------------------------------

    async def open(self, topic: str, partition: int, position: int, generation: int) -> Gate:
        """Start handing out a partition's records from ``position`` on.

        Raises:
            StaleAssignmentError: the assignment has changed since ``generation``.
        """
        tp = self._new_topicpartition(topic, partition)
        return await self._thread.open_gate(tp, position, generation)

    async def shut(self, topic: str, partition: int) -> None:
        """Stop handing out a partition's records."""
        await self._thread.close_gate(self._new_topicpartition(topic, partition))

    def checkpointed(self, topic: str, partition: int, offset: int) -> None:
        """Let the next commit state that everything before ``offset`` is done."""
        self._checkpointed[self._new_topicpartition(topic, partition)] = offset

    @property
    def is_connected(self) -> bool:
        """Whether the thread has started: before that nothing can be asked."""
        return self._thread._consumer is not None

    def generation(self) -> int:
        """Return the group generation."""
        return self._thread.generation()

    async def check_group(self) -> None:
        """Raise what keeps the group from taking this member, if anything does.

        Raises:
            KafkaError: the broker's refusal.
        """
        await self._thread.check_group()

    def log_end(self, topic: str, partition: int) -> int | None:
        """Return the log's end as of the last fetch; None before the first or unassigned."""
        state = self._state(topic, partition)
        return None if state is None else state.highwater

    async def committed(self, topic: str, partition: int) -> int | None:
        """Return the offset that the group has committed; None if none.

        Raises:
            KafkaError: the broker is away.
        """
        return await self._thread.committed_offset(self._new_topicpartition(topic, partition))

    async def log_bounds(self, tps: Iterable[Any]) -> dict[Any, tuple[int, int]]:
        """Return partition -> (first offset, one past the last readable one); shuts their gates.

        Partitions that are not assigned are left out.

        Raises:
            StaleAssignmentError: one of the partitions was taken away meanwhile.
            KafkaError: the broker is away.
        """
        return await self._thread.log_bounds(tps)

    def _state(self, topic: str, partition: int) -> Any:
        subscription = self._thread._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return None
        return subscription.assignment.state_value(self._new_topicpartition(topic, partition))

    def on_out_of_range(self, tp: Any) -> None:
        """Tell the owner that the log no longer, or not yet, holds its position."""
        if self.out_of_range is not None:
            self.out_of_range(tp.topic, tp.partition)

    # --- overrides -----------------------------------------------------------------------

    def _to_message(self, tp: Any, record: Chunk) -> ConsumerMessage:
        return ConsumerMessage(
            record.topic,
            record.partition,
            record.next_position - 1,
            (record.records[-1][1] if record.records else 0) / 1000.0,
            0,
            None,
            None,
            record,  # ChunkSchema passes it through
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def perform_seek(self) -> None:
        """Do nothing: every owner seeks its partition once it has claimed it."""

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek nowhere, as above."""
        return {}

    def on_buffer_full(self, tp: Any) -> None:
        """Do nothing: gates bound what is in flight, and stock stops fetching for a second."""

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Do nothing: the worker's watchdog looks at offsets instead of messages."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[Any]:
        return (
            tp
            for tp in list(self._checkpointed)
            if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: Any) -> int | None:
        return self._checkpointed.pop(tp, None)
