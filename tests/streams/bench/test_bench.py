"""Laws of a whole benchmark, kept small."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from kafka.admin import KafkaAdminClient

from processors.errors import UsageError
from streams.bench.meters import STAGES
from streams.bench.run import EMBEDDED_EVENTS_MAX, order, run_bench
from streams.settings import Settings
from streams.tables.connection import open_client

if TYPE_CHECKING:
    from streams.embedded.servers import Addresses

EVENTS = 100_000


@pytest.mark.servers
def test_throughput_on_given_servers(servers: Addresses) -> None:
    """Every figure is there, and nothing of the run stays on servers that are not ours."""
    settings = replace(
        Settings(),
        broker=servers.broker,
        redis_url=servers.redis_url,
        rebalance_timeout_ms=1_000,
        sources={"broker": "--broker", "redis_url": "--redis-url"},
    )
    namespaces: set[str] = set()

    def note(what: str, done: int, total: int) -> None:
        namespaces.add(what)
        assert 0 <= done <= total

    found = run_bench(settings, order("shop", EVENTS, latency=False, seconds=1), note)
    assert found["events"] == EVENTS
    assert found["plain_events_s"] > found["events_s"] > 0
    assert found["cpu_us"] > found["plain_cpu_us"] > 0
    assert set(found["stages"]) == set(STAGES)
    assert sum(found["stages"].values()) == pytest.approx(1, abs=0.01)
    assert namespaces == {"produced", "checkpointed"}

    async def keys() -> list[bytes]:
        client = open_client(servers.redis_url)
        try:
            return [key async for key in client.scan_iter("*bench-*")]
        finally:
            await client.aclose()

    assert asyncio.run(keys()) == []
    admin = KafkaAdminClient(bootstrap_servers=servers.broker)
    try:
        assert not [topic for topic in admin.list_topics() if topic.startswith("bench-")]
    finally:
        admin.close()


@pytest.mark.parametrize(
    ("workload", "events", "seconds"),
    [("none", 1, 1), ("ads", 0, 1), ("ads", 1, 0)],  # BAD! each of them
)
def test_usage(workload: str, events: int, seconds: float) -> None:
    """What cannot be measured is a usage error."""
    with pytest.raises(UsageError):
        order(workload, events, latency=False, seconds=seconds)


def test_embedded_log_is_bounded() -> None:
    """More than the embedded broker can keep in memory is refused before anything starts."""
    what = order("ads", EMBEDDED_EVENTS_MAX + 1, latency=False, seconds=1)
    with pytest.raises(UsageError, match="in memory"):
        run_bench(Settings(), what, lambda *_: None)
