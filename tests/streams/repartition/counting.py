"""A topic counted by the product's own pipeline and tables, placed by murmur2; no broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from processors.bundles import bundle
from processors.event import record_key, tick_record
from processors.names import CUSTOMER
from processors.pipeline import PartitionPipeline, Plan
from streams.backfill.partition import BackfillPartition
from streams.producer.partition import Partitioner
from streams.tables.redis_table import RedisTable
from tests.simulation.traffic import make_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from processors.record import Record

HORIZON = 100_000
_NOT_THESE = ("nonsense", "_tick", "identify")  # what is handed over has tests of its own
EVENTS = 1_500
Event = dict[str, Any]


def events_of(topic: str, seed: int) -> list[Event]:
    """Return valid events, each once, in the order of their time: no two at the same."""
    found: dict[str, Event] = {}
    for _, recorded_ms, value in make_log(seed, events=EVENTS, partitions=1)[topic, 0]:
        try:
            event = json.loads(value)
        except ValueError:
            continue
        known = isinstance(event["event_id"], str) and event["type"] not in _NOT_THESE
        if known and abs(event["ts"] - recorded_ms) < 10**8:
            if "recipient_id" in event:  # always under one key: others would be another person
                event["visitor_id"] = event["recipient_id"].replace("r", "v")
            found[event["event_id"]] = event
    ordered = sorted(found.values(), key=lambda event: event["ts"])
    last_ms = 0
    for event in ordered:
        last_ms = event["ts"] = max(event["ts"], last_ms + 1)
    return ordered


class Topic:
    """One topic's log, and its tables in a namespace."""

    def __init__(self, client: Redis, namespace: str, plan: Plan, topic: str) -> None:
        self._client, self._namespace = client, namespace
        self._plan, self.topic = plan, topic
        self.log: dict[int, list[Record]] = {}
        self._counted: dict[int, int] = {}
        self.customers = 1  # partitions of the topic that visitors are passed on to
        self.passed: dict[int, list[Record]] = {}

    def publish(self, events: Sequence[Event], partitions: int) -> None:
        """Publish as a producer does that knows of so many partitions."""
        placing = Partitioner()
        for event in events:
            key = (record_key(event) or "").encode()
            lane = self.log.setdefault(placing.partition(key, partitions), [])
            lane.append((len(lane), event["ts"], key, json.dumps(event).encode()))

    def tick(self, at_ms: int, partitions: int) -> None:
        """Let time pass in every partition."""
        for number in range(partitions):
            lane = self.log.setdefault(number, [])
            lane.append((len(lane), at_ms, None, tick_record(at_ms, number)))

    async def count(self, partitions: int) -> None:
        """Work off what is new, as the workers of so many partitions."""
        for number in range(partitions):
            lane = self.log.get(number, [])
            done = self._counted.get(number, 0)
            worker, claimed = await self.claim(self.topic, number, partitions)
            assert claimed == (done or None)
            placing = Partitioner()
            for one in await worker.add(lane[done:]) if lane[done:] else ():
                at = placing.partition(one.customer_id.encode(), self.customers)
                passed = self.passed.setdefault(at, [])
                value = bundle(self.topic, number, [one])
                passed.append((len(passed), one.ts, None, value))
            await worker.checkpoint()
            self._counted[number] = len(lane)

    async def count_customers(self, end_ms: int = 0, visitors: int = 1) -> None:
        """Work off what was passed on; at the end a tick.

        Args:
            end_ms: the tick's time; 0: none.
            visitors: partitions of the topic that is handed over to.
        """
        for number in range(self.customers):
            worker, done = await self.claim(CUSTOMER, number, self.customers)
            lane = self.passed.setdefault(number, [])
            if end_ms:
                lane.append((len(lane), end_ms, None, tick_record(end_ms, number)))
            if lane[done or 0 :]:
                for one in await worker.add(lane[done or 0 :]):
                    at = Partitioner().partition(one.visitor_id.encode(), visitors)
                    handed = self.log.setdefault(at, [])
                    value = bundle(CUSTOMER, number, [one])
                    handed.append((len(handed), one.ts, None, value))
                await worker.checkpoint()

    async def claim(
        self, topic: str, number: int, partitions: int
    ) -> tuple[BackfillPartition, int | None]:
        """Take a partition over; return its worker and how far it is."""
        table = RedisTable(self._client, self._namespace, topic, number)
        claim = await table.claim(
            topic_id="id", partitions=partitions, log_start=0, log_end=1 << 60
        )
        pipeline = PartitionPipeline(
            self._plan,
            claim,
            topic=topic,
            partition=number,
            dedup_horizon=HORIZON,
            state_cache_max=50,
        )
        return BackfillPartition(table, pipeline, {}), claim.offset
