"""A worker of one process: events through the real pipeline into real tables, without a broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from processors.catalog.requirements import topics_of
from processors.event import TOPIC_BY_TYPE, record_key, tick_record
from processors.names import EVENT_TOPICS
from processors.pipeline import PartitionPipeline, Plan, compile_plan
from streams.tables.measure_register import MeasureRegister
from streams.tables.redis_table import RedisTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from processors.catalog.model import Catalog

_LOG_END = 1 << 50


class Owner:
    """Owns every partition of a namespace's topics and counts what is published.

    Args:
        client: of the tables.
        namespace: to own.
        catalog: what to count.
        clock_ms: when records are appended to the log.
        partitions: of every topic.

    Attributes:
        expire_before: rung -> panes that the next checkpoints delete.
    """

    def __init__(
        self,
        client: Redis,
        namespace: str,
        catalog: Catalog,
        clock_ms: Callable[[], int],
        *,
        partitions: int = 2,
    ) -> None:
        self._client, self._namespace, self._partitions = client, namespace, partitions
        self._catalog, self._clock_ms = catalog, clock_ms
        self.expire_before: dict[str, int] = {}
        self._plan: Plan = compile_plan(catalog)
        self._owned: dict[tuple[str, int], tuple[PartitionPipeline, RedisTable]] = {}
        self._published = 0

    async def claim(self, *topics: str) -> None:
        """Claim the partitions of these topics, or of all, with the catalogue as it is kept."""
        kept = await MeasureRegister(self._client, self._namespace, self._catalog).adopt()
        self._plan = compile_plan(self._catalog, kept)
        for topic in topics or self._topics():
            for partition in range(self._partitions):
                table = RedisTable(self._client, self._namespace, topic, partition)
                claim = await table.claim(
                    topic_id=f"id-{topic}",
                    partitions=self._partitions,
                    log_start=0,
                    log_end=_LOG_END,
                )
                self._owned[topic, partition] = (
                    PartitionPipeline(
                        self._plan,
                        claim,
                        topic=topic,
                        partition=partition,
                        dedup_horizon=10_000,
                        state_cache_max=10_000,
                    ),
                    table,
                )

    def _topics(self) -> list[str]:
        """Return every topic that is published to or that some KPI reads."""
        catalog = self._catalog
        read = (topics_of(metric, catalog.measures) for metric in catalog.metrics.values())
        return sorted(set(EVENT_TOPICS).union(*read))

    async def publish(self, *events: dict[str, Any]) -> None:
        """Count events and commit one checkpoint of every partition that they touch."""
        batches: dict[tuple[str, int], list[bytes]] = {}
        for event in events:
            self._published += 1
            whole = {"event_id": f"e{self._published}", **event}
            key = record_key(whole) or ""
            partition = sum(key.encode()) % self._partitions
            batches.setdefault((TOPIC_BY_TYPE[whole["type"]], partition), []).append(
                json.dumps(whole).encode()
            )
        for owned, values in batches.items():
            await self._commit(*owned, values)

    async def tick(self, ts_ms: int, *topics: str) -> None:
        """Carry the clock into every partition of these topics, or of all."""
        for topic, partition in self._owned:
            if not topics or topic in topics:
                await self._commit(topic, partition, [tick_record(ts_ms, partition)])

    async def _commit(self, topic: str, partition: int, values: list[bytes]) -> None:
        pipeline, table = self._owned[topic, partition]
        first = pipeline.offset
        now_ms = self._clock_ms()
        batch = pipeline.decode(
            [(first + i, now_ms, None, value) for i, value in enumerate(values)]
        )
        pipeline.apply(batch, await table.load_states(batch.missing))
        if pipeline.watermark_ms is not None:
            pipeline.fire(await table.load_due(pipeline.watermark_ms))
        checkpoint = pipeline.drain(next_offset=first + len(values))
        if checkpoint is not None:
            await table.commit(checkpoint, expire_before=self.expire_before)
