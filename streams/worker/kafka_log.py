"""The broker's side of the partitions, over Faust's consumer and a short-lived admin client."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.exceptions import ProducerSendError

from processors.errors import OversizeError, UnreachableError
from streams.topics import TopicFacts, describe_topics
from streams.transport.thread import StaleAssignmentError
from streams.worker.patience import is_oversize
from streams.worker.ports import Bounds

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.transport.gate import Gate

FACTS_AGE_MAX_S: Final = 2.0  # partitions that are claimed together share one question
ASK_TOGETHER_S: Final = 0.01


class KafkaLog:
    """Implements ``ports.Log``.

    Args:
        app: the Faust app; its consumer exists once the app is starting.
    """

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._facts: dict[str, TopicFacts] = {}
        self._facts_at = -FACTS_AGE_MAX_S
        self._lock = asyncio.Lock()
        self._asked: dict[TopicPartition, asyncio.Future[tuple[int, int]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """Ask the broker for a partition's bounds.

        Raises:
            UnreachableError: the broker is away, or does not know the topic now.
        """
        facts = await self._topic_facts(topic)
        log_start, log_end = await self._offsets(TopicPartition(topic, partition))
        return Bounds(facts.topic_id, facts.partitions, log_start, log_end)

    async def _offsets(self, tp: TopicPartition) -> tuple[int, int]:
        """Return the first and the next offset of a partition.

        Partitions that are claimed together are asked about together: a question waits behind the
        fetch on the same connection, so twenty questions would take seconds.
        """
        answer = self._asked.get(tp)
        if answer is None:
            answer = self._asked[tp] = asyncio.get_running_loop().create_future()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(answer)

    async def _ask(self) -> None:
        while self._asked:
            await asyncio.sleep(ASK_TOGETHER_S)
            asked, self._asked = self._asked, {}
            try:
                bounds = await self._app.consumer.log_bounds(asked)
            except Exception as error:  # noqa: BLE001  # each of those who asked raises it
                for answer in asked.values():
                    answer.set_exception(error)
            else:
                # Somebody may have asked before a rebalance: others must not pay for it.
                for tp, answer in asked.items():
                    if tp in bounds:
                        answer.set_result(bounds[tp])
                    else:
                        answer.set_exception(StaleAssignmentError(f"{tp} is not assigned"))

    async def _topic_facts(self, topic: str) -> TopicFacts:
        async with self._lock:
            if monotonic() - self._facts_at > FACTS_AGE_MAX_S:
                self._facts = await asyncio.to_thread(describe_topics, self._settings)
                self._facts_at = monotonic()
        if topic not in self._facts:
            raise UnreachableError(f"broker: {self._settings.broker}: topic {topic} is not there")
        return self._facts[topic]

    async def committed(self, topic: str, partition: int) -> int | None:
        """Ask the broker for the offset that the group has committed; None if none."""
        offset: int | None = await self._app.consumer.committed(topic, partition)
        return offset

    async def partitions(self, topic: str) -> int:
        """Ask the broker how many partitions a topic has.

        Raises:
            UnreachableError: the broker is away, or does not know the topic now.
        """
        return (await self._topic_facts(topic)).partitions

    async def open(self, topic: str, partition: int, position: int, generation: int) -> Gate:
        """Start the delivery of chunks at ``position``."""
        gate: Gate = await self._app.consumer.open(topic, partition, position, generation)
        return gate

    async def shut(self, topic: str, partition: int) -> None:
        """End the delivery of chunks."""
        await self._app.consumer.shut(topic, partition)

    def log_end(self, topic: str, partition: int) -> int | None:
        """Return the log's end as of the last fetch."""
        end: int | None = self._app.consumer.log_end(topic, partition)
        return end

    def checkpointed(self, topic: str, partition: int, offset: int) -> None:
        """Tell Kafka, with the next commit, that everything before ``offset`` is done."""
        self._app.consumer.checkpointed(topic, partition, offset)


class FaustOutbox:
    """Implements ``ports.Outbox`` over Faust's producer (acks=all)."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> None:
        """Publish one record and wait for its acknowledgement.

        Raises:
            OversizeError: it is longer than the producer or the broker takes.
        """
        # Faust takes seconds and cuts them to whole ms: half a ms keeps floats from falling short.
        timestamp = None if timestamp_ms is None else (timestamp_ms + 0.5) / 1000
        try:
            await self._app.producer.send_and_wait(topic, key, value, partition, timestamp, None)
        except (KafkaError, ProducerSendError) as error:
            if not is_oversize(error):
                raise
            size = len(key or b"") + len(value or b"")
            raise OversizeError(
                f"a record of {size} bytes for {topic} is too large: the broker and its topic "
                "(max.message.bytes) are to take 1 MB, as Kafka does by default"
            ) from error
