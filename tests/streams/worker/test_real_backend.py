"""The product's own worker process, with Redis and the catalogue, killed in the middle of work."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
    from collections.abc import AsyncIterator, Awaitable, Callable

    from streams.embedded.servers import Addresses

# On Apache Kafka the fault suite's short cases do the same in CI.
pytestmark = [pytest.mark.servers, pytest.mark.brokers, pytest.mark.long]

KILLS = 3
ROUNDS = KILLS + 1
EVENTS = 400  # a partition and round; each twice, far apart, and a broken record beside each tenth


@dataclass(frozen=True)
class Scene:
    """A namespace that workers are killed in.

    Attributes:
        settings: of the namespace.
        reader: of its figures.
        now_ms: a minute before it began.
    """

    settings: Settings
    reader: RedisReader
    now_ms: int

    def start(self) -> subprocess.Popen[bytes]:
        """Start ``kpi worker``."""
        command = [sys.executable, "-m", "streams.cli.main", "worker"]
        return subprocess.Popen(command, env={**os.environ, **self.settings.environment()})

    async def counter(self, name: str) -> int:
        """Return what all partitions have counted under a name."""
        total: Counter[str] = Counter()
        for progress in (await self.reader.progress()).values():
            total.update(progress.counters)
        return total[name]

    async def cell(self, name: str) -> int:
        """Return the sum of a cell over all minutes."""
        panes = await self.reader.panes("1m", 0, 1 << 52)
        found = [cells.get(name, 0) for cells in panes.values()]
        return sum(amount for amount in found if isinstance(amount, int))

    async def reaches(self, figure: Callable[[str], Awaitable[int]], name: str, count: int) -> None:
        """Wait until a counter or a cell is as large as that."""

        async def look() -> None:
            found = 0
            while found < count:
                found = await figure(name)
                await asyncio.sleep(0.02)

        looking = asyncio.create_task(look())
        await until(looking.done, f"{name} reaches {count}")
        await looking


@asynccontextmanager
async def scene(servers: Addresses, name: str) -> AsyncIterator[Scene]:
    """Make a namespace of its own."""
    settings = Settings(
        broker=servers.broker,
        redis_url=servers.redis_url,
        namespace=f"{name}{os.getpid()}",
        checkpoint_interval_ms=100,
        tick_interval_ms=0,
        rebalance_timeout_ms=1_500,
        session_timeout_ms=SESSION_TIMEOUT_MS,
    )
    create_topics(settings)
    client = open_client(settings.redis_url)
    try:
        reader = RedisReader(client, settings.namespace)
        yield Scene(settings, reader, int(time.time() * 1000) - 60_000)
    finally:
        await client.aclose()


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker without a word."""
    worker.kill()
    worker.wait()


def end(worker: subprocess.Popen[bytes]) -> None:
    """Have a worker end in order."""
    worker.terminate()
    assert worker.wait(20) == 0


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
        async with scene(servers, "real") as here:
            topic = physical_topic(ADS, here.settings.namespace)
            producer = KafkaProducer(bootstrap_servers=here.settings.broker, linger_ms=5)
            for round_number in range(KILLS):
                worker = here.start()
                publish(producer, topic, round_number, here.now_ms)
                await here.reaches(here.counter, "events", 4 * EVENTS * round_number + 1)
                kill(worker)
            worker = here.start()
            publish(producer, topic, KILLS, here.now_ms)
            exact = {
                "duplicates": 4 * EVENTS * (ROUNDS - 1),
                "events": 4 * EVENTS * ROUNDS,
                "rejected:invalid_json": 4 * EVENTS // 10 * (2 * ROUNDS - 1),
            }
            try:
                for name, count in exact.items():
                    await here.reaches(here.counter, name, count)
            finally:
                end(worker)
            assert {name: await here.counter(name) for name in exact} == exact
            assert await here.cell("ad_impressions\x1f") == 4 * EVENTS * ROUNDS
            producer.close()

    asyncio.run(body())


def test_a_backend_s_purchases_convert_sessions_however_often_it_is_killed(
    servers: Addresses,
) -> None:
    """Through both hops, each purchase is in the session of the visitor who logged in, once."""

    async def body() -> None:
        async with scene(servers, "linked") as here:
            converted = "sessions_converted\x1f"
            with Publisher(here.settings) as publisher:
                for round_number in range(ROUNDS):
                    worker = here.start()
                    for number in range(EVENTS):
                        name = f"{round_number}-{number}"
                        for at, event in enumerate(visit_of_a_customer(name, number % 2)):
                            ts = here.now_ms + at
                            publisher.publish({"event_id": f"{name}-{at}", "ts": ts, **event})
                    publisher.flush()
                    if round_number < KILLS:
                        await here.reaches(here.cell, converted, EVENTS * round_number + 1)
                        kill(worker)
            try:
                await here.reaches(here.cell, converted, EVENTS * ROUNDS)
            finally:
                end(worker)
            for measure in (converted, "sessions_started\x1f", "purchases\x1f"):
                assert await here.cell(measure) == EVENTS * ROUNDS

    asyncio.run(body())


def visit_of_a_customer(name: str, login_first: int) -> list[dict[str, object]]:
    """Return a page view, and in either order a login and what the backend sold."""
    who, account = {"visitor_id": f"v{name}"}, {"customer_id": f"c{name}"}
    money = {"value": 1, "currency": "EUR", "order_id": name}
    login = {"type": "identify", **who, **account}
    bought = {"type": "purchase", **account, **money}
    page = {"type": "page_view", **who}
    return [page, login, bought] if login_first else [page, bought, login]


def test_kills_do_not_count_a_customer_twice(servers: Addresses) -> None:
    """What is passed on to customers' partitions is counted once however often it was sent."""

    async def body() -> None:
        async with scene(servers, "passing") as here:
            topic = physical_topic(VISITOR, here.settings.namespace)
            producer = KafkaProducer(bootstrap_servers=here.settings.broker, linger_ms=5)
            spent = "customers_spent\x1fcurrency\x1fEUR"
            for round_number in range(ROUNDS):
                worker = here.start()
                for number in range(EVENTS):  # each customer buys in each round, wherever they are
                    event = {
                        "event_id": f"{round_number}-{number}",
                        "type": "purchase",
                        "ts": here.now_ms + number,
                        "customer_id": f"c{number}",
                        "order_id": f"o{round_number}-{number}",
                        "value": 1,
                        "currency": "EUR",
                    }
                    partition = (number + round_number) % 4
                    producer.send(topic, json.dumps(event).encode(), partition=partition)
                producer.flush()
                if round_number < KILLS:
                    await here.reaches(here.cell, spent, 1_000_000 * (EVENTS * round_number + 1))
                    kill(worker)
            try:
                await here.reaches(here.cell, spent, 1_000_000 * EVENTS * ROUNDS)
            finally:
                end(worker)
            assert await here.cell(spent) == 1_000_000 * EVENTS * ROUNDS
            assert await here.cell("customers_joined\x1f") == EVENTS
            producer.close()

    asyncio.run(body())
