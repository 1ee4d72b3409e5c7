"""Partitions that are asked about together."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiokafka.structs import TopicPartition

from streams.settings import Settings
from streams.topics import TopicFacts
from streams.transport.thread import StaleAssignmentError
from streams.worker import kafka_log
from streams.worker.kafka_log import KafkaLog

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


def test_a_question_about_a_lost_partition_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks with it, of a partition that is still assigned, gets the answer."""
    monkeypatch.setattr(kafka_log, "describe_topics", lambda _: {"t": TopicFacts("id", 2)})
    kept = TopicPartition("t", 0)

    class Consumer:
        async def log_bounds(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Any]:
            return {tp: (0, 7) for tp in tps if tp == kept}

    async def body() -> list[Any]:
        log = KafkaLog(SimpleNamespace(consumer=Consumer()), Settings())
        both = (log.bounds("t", 0), log.bounds("t", 1))
        return await asyncio.gather(*both, return_exceptions=True)

    found, lost = asyncio.run(body())
    assert (found.log_start, found.log_end) == (0, 7)
    assert isinstance(lost, StaleAssignmentError)
