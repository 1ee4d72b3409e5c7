"""A namespace of its own for every test, with a worker in this process."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaProducer

from processors.names import ADS, physical_topic
from streams.topics import create_topics
from streams.worker.app import create_app
from tests.streams.worker.process import settings_for
from tests.streams.worker.simple import Store, counting_backend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from streams.embedded.servers import Addresses
    from streams.settings import Settings
    from streams.worker.app import WorkerApp

DEADLINE_S = 60.0
_counter = itertools.count()


class Site:
    """One test's topics, store and producer.

    Attributes:
        topic: physical name of the one event topic that is used.
    """

    def __init__(self, broker: str) -> None:
        self.settings: Settings = settings_for(broker, f"w{os.getpid()}-{next(_counter)}")
        self.topic = physical_topic(ADS, self.settings.namespace)
        self.store = Store()
        self.backend = counting_backend(self.store)
        self.sent = 0
        create_topics(self.settings)
        self._producer = KafkaProducer(bootstrap_servers=broker, linger_ms=5)

    def change(self, **settings: Any) -> None:
        """Change settings."""
        self.settings = replace(self.settings, **settings)

    def send(self, count: int) -> None:
        """Publish the next integers, spread over the partitions."""
        for number in range(self.sent, self.sent + count):
            self._producer.send(self.topic, b"%d" % number, partition=number % 4)
        self.sent += count
        self._producer.flush()

    def send_raw(self, value: bytes | None, partition: int = 0, key: bytes | None = None) -> None:
        """Publish one record as it is."""
        self._producer.send(self.topic, value, key=key, partition=partition)
        self._producer.flush()

    def close(self) -> None:
        """End the producer."""
        self._producer.close()

    @property
    def exact(self) -> bool:
        """Whether every integer was counted exactly once."""
        return (
            self.store.total(ADS, "count", 4) == self.sent
            and self.store.total(ADS, "sum", 4) == self.sent * (self.sent - 1) // 2
        )

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[WorkerApp]:
        """Run a worker in this process; its failure stops nothing, for tests to look at."""
        app = create_app(self.settings, backend=self.backend, topics=(ADS,))
        app.shut_down = lambda: None
        await app.start()
        try:
            yield app
        finally:
            await app.stop()


@pytest.fixture
def site(servers: Addresses) -> Iterator[Site]:
    """Return a namespace of this test alone."""
    site = Site(servers.broker)
    yield site
    site.close()


async def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds; fail at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {DEADLINE_S} s: {what}")
        await asyncio.sleep(0.02)
