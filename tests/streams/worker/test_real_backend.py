"""The product's own worker process, with Redis and the catalogue, killed in the middle of work."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer

from processors.names import ADS, VISITOR, physical_topic
from streams.replay.publish import Publisher
from streams.settings import Settings
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader
from streams.topics import create_topics
from tests.streams.worker.conftest import until
from tests.streams.worker.process import SESSION_TIMEOUT_MS

if TYPE_CHECKING:
    from streams.embedded.servers import Addresses

# On Apache Kafka the fault suite's short cases do the same in CI.
pytestmark = [pytest.mark.servers, pytest.mark.brokers, pytest.mark.long]

KILLS = 3
ROUNDS = KILLS + 1
EVENTS = 400  # a partition and round; each twice, far apart, and a broken record beside each tenth


def start(settings: Settings) -> subprocess.Popen[bytes]:
    """Start ``kpi worker``."""
    command = [sys.executable, "-m", "streams.cli.main", "worker"]
    return subprocess.Popen(command, env={**os.environ, **settings.environment()})


def publish(producer: KafkaProducer, topic: str, round_number: int, now_ms: int) -> None:
    """Publish a round: new events, those of the last round again, and broken records."""
    for partition in range(4):
        for again in (round_number, round_number - 1):
            for number in range(EVENTS if again >= 0 else 0):
                event = {
                    "event_id": f"{partition}-{again}-{number}",
                    "type": "ad_impression",
                    "ts": now_ms + 100 * number,
                    "campaign": f"c{number % 7}",
                }
                producer.send(topic, json.dumps(event).encode(), partition=partition)
                if number % 10 == 0:
                    producer.send(topic, b"{broken", partition=partition)
    producer.flush()


def test_kills_between_checkpoints_change_no_figure(servers: Addresses) -> None:
    """Counts, duplicates, rejections and panes are exact however often the worker is killed."""

    async def body() -> None:
        settings = Settings(
            broker=servers.broker,
            redis_url=servers.redis_url,
            namespace=f"real{os.getpid()}",
            checkpoint_interval_ms=100,
            tick_interval_ms=0,
            rebalance_timeout_ms=1_500,
            session_timeout_ms=SESSION_TIMEOUT_MS,
        )
        create_topics(settings)
        topic = physical_topic(ADS, settings.namespace)
        producer = KafkaProducer(bootstrap_servers=settings.broker, linger_ms=5)
        client = open_client(settings.redis_url)
        reader = RedisReader(client, settings.namespace)
        now_ms = int(time.time() * 1000) - 60_000

        async def counters() -> Counter[str]:
            total: Counter[str] = Counter()
            for progress in (await reader.progress()).values():
                total.update(progress.counters)
            return total

        async def reaches(name: str, count: int) -> None:
            found: Counter[str] = Counter()

            async def look() -> None:
                nonlocal found
                while found[name] < count:
                    found = await counters()
                    await asyncio.sleep(0.01)

            looking = asyncio.create_task(look())
            await until(looking.done, f"{name} reaches {count}: {found}")

        for round_number in range(KILLS):
            worker = start(settings)
            publish(producer, topic, round_number, now_ms)
            await reaches("events", 4 * EVENTS * round_number + 1)
            worker.kill()
            worker.wait()
        worker = start(settings)
        publish(producer, topic, KILLS, now_ms)
        try:
            await reaches("duplicates", 4 * EVENTS * (ROUNDS - 1))
            await reaches("events", 4 * EVENTS * ROUNDS)
            await reaches("rejected:invalid_json", 4 * EVENTS // 10 * (2 * ROUNDS - 1))
        finally:
            worker.terminate()
            assert worker.wait(20) == 0
        found = await counters()
        assert found["events"] == 4 * EVENTS * ROUNDS
        assert found["duplicates"] == 4 * EVENTS * (ROUNDS - 1)
        assert found["rejected:invalid_json"] == 4 * EVENTS // 10 * (2 * ROUNDS - 1)
        panes = await reader.panes("10s", 0, 1 << 52)
        counted = sum(cells.get("ad_impressions\x1f", 0) for cells in panes.values())
        assert counted == 4 * EVENTS * ROUNDS
        await client.aclose()
        producer.close()

    asyncio.run(body())


def test_a_backend_s_purchases_convert_sessions_however_often_it_is_killed(
    servers: Addresses,
) -> None:
    """Through both hops, each purchase is in the session of the visitor who logged in, once."""

    async def body() -> None:
        settings = Settings(
            broker=servers.broker,
            redis_url=servers.redis_url,
            namespace=f"linked{os.getpid()}",
            checkpoint_interval_ms=100,
            tick_interval_ms=0,
            rebalance_timeout_ms=1_500,
            session_timeout_ms=SESSION_TIMEOUT_MS,
        )
        create_topics(settings)
        client = open_client(settings.redis_url)
        reader = RedisReader(client, settings.namespace)
        now_ms = int(time.time() * 1000) - 60_000

        async def counted(measure: str) -> int:
            panes = await reader.panes("1m", 0, 1 << 52)
            found = [cells.get(f"{measure}\x1f", 0) for cells in panes.values()]
            return sum(amount for amount in found if isinstance(amount, int))

        async def reaches(measure: str, count: int) -> None:
            async def look() -> None:
                found = 0
                while found < count:
                    found = await counted(measure)
                    await asyncio.sleep(0.05)

            looking = asyncio.create_task(look())
            await until(looking.done, f"{measure} reaches {count}")

        with Publisher(settings) as publisher:
            for round_number in range(ROUNDS):
                worker = start(settings)
                for number in range(EVENTS):
                    name = f"{round_number}-{number}"
                    who, account = {"visitor_id": f"v{name}"}, {"customer_id": f"c{name}"}
                    money = {"value": 1, "currency": "EUR", "order_id": name}
                    login = {"type": "identify", **who, **account}
                    bought = {"type": "purchase", **account, **money}
                    made = [login, bought] if number % 2 else [bought, login]
                    for at, event in enumerate([{"type": "page_view", **who}, *made]):
                        publisher.publish({"event_id": f"{name}-{at}", "ts": now_ms + at, **event})
                publisher.flush()
                if round_number < KILLS:
                    await reaches("sessions_converted", EVENTS * round_number + 1)
                    worker.kill()
                    worker.wait()
        try:
            await reaches("sessions_converted", EVENTS * ROUNDS)
        finally:
            worker.terminate()
            assert worker.wait(20) == 0
        assert await counted("sessions_started") == EVENTS * ROUNDS
        assert await counted("sessions_converted") == EVENTS * ROUNDS
        assert await counted("purchases") == EVENTS * ROUNDS
        await client.aclose()

    asyncio.run(body())


def test_kills_do_not_count_a_customer_twice(servers: Addresses) -> None:
    """What is passed on to customers' partitions is counted once however often it was sent."""

    async def body() -> None:
        settings = Settings(
            broker=servers.broker,
            redis_url=servers.redis_url,
            namespace=f"passing{os.getpid()}",
            checkpoint_interval_ms=100,
            tick_interval_ms=0,
            rebalance_timeout_ms=1_500,
            session_timeout_ms=SESSION_TIMEOUT_MS,
        )
        create_topics(settings)
        topic = physical_topic(VISITOR, settings.namespace)
        producer = KafkaProducer(bootstrap_servers=settings.broker, linger_ms=5)
        client = open_client(settings.redis_url)
        reader = RedisReader(client, settings.namespace)
        now_ms = int(time.time() * 1000) - 60_000

        async def counted(measure: str) -> int:
            panes = await reader.panes("1m", 0, 1 << 52)
            found = [cells.get(measure, 0) for cells in panes.values()]
            return sum(amount for amount in found if isinstance(amount, int))

        async def reaches(measure: str, count: int) -> None:
            async def look() -> None:
                found = 0
                while found < count:
                    found = await counted(measure)
                    await asyncio.sleep(0.05)

            looking = asyncio.create_task(look())
            await until(looking.done, f"{measure} reaches {count}")

        joined, spent = "customers_joined\x1f", "customers_spent\x1fcurrency\x1fEUR"
        for round_number in range(ROUNDS):
            worker = start(settings)
            for number in range(EVENTS):  # each customer buys in each round, wherever they are
                event = {
                    "event_id": f"{round_number}-{number}",
                    "type": "purchase",
                    "ts": now_ms + number,
                    "customer_id": f"c{number}",
                    "order_id": f"o{round_number}-{number}",
                    "value": 1,
                    "currency": "EUR",
                }
                partition = (number + round_number) % 4
                producer.send(topic, json.dumps(event).encode(), partition=partition)
            producer.flush()
            if round_number < KILLS:
                await reaches(spent, 1_000_000 * (EVENTS * round_number + 1))
                worker.kill()
                worker.wait()
        try:
            await reaches(spent, 1_000_000 * EVENTS * ROUNDS)
        finally:
            worker.terminate()
            assert worker.wait(20) == 0
        assert await counted(spent) == 1_000_000 * EVENTS * ROUNDS
        assert await counted(joined) == EVENTS
        await client.aclose()
        producer.close()

    asyncio.run(body())
