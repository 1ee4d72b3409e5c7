"""Where a case takes place: servers, traffic and workers, and how one waits for them."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiokafka.admin import AIOKafkaAdminClient

from processors.errors import UnreachableError
from processors.names import logical_topic
from streams.kafka_clients import connection
from streams.tables.base import PartitionId
from streams.tables.connection import connected
from streams.tables.redis_reader import RedisReader
from tests.faults.crew import Crew
from tests.faults.judge import Verdict, judge
from tests.faults.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from streams.settings import Settings
    from streams.tables.base import Progress
    from tests.faults.valkeys import Valkey

DEADLINE_S: Final = 120.0
POLL_S: Final = 0.05
RATE: Final = 300


class Field:
    """One case's namespace, with live traffic.

    Args:
        settings: of the namespace; topics exist.
        valkey: behind ``settings.redis_url``, perhaps through a cable.
        directory: gets the logs.
        seed: of the traffic.

    Attributes:
        recovery_s: from the fault's end until what was published by then is checkpointed; the
            longest if there were several.
    """

    def __init__(
        self, settings: Settings, valkey: Valkey, directory: Path, seed: int, rate: int = RATE
    ) -> None:
        self.settings, self.valkey = settings, valkey
        self.crew = Crew(settings, directory)
        self.traffic = Traffic(settings, seed, rate)
        self.recovery_s = 0.0
        self._ends: Mapping[PartitionId, int] = {}

    def progress(self) -> dict[PartitionId, Progress]:
        """Return how far each partition is; empty while Redis does not tell."""

        async def ask() -> dict[PartitionId, Progress]:
            async with connected(self.valkey.url) as client:
                return await RedisReader(client, self.settings.namespace).progress()

        try:
            return asyncio.run(ask())
        except UnreachableError:
            return {}

    def is_noted(self) -> bool:
        """Tell whether Kafka has been told of every partition that is counted, now and then."""

        async def ask() -> set[PartitionId]:
            admin = AIOKafkaAdminClient(**connection(self.settings))
            try:
                await admin.start()
                told = await admin.list_consumer_group_offsets(self.settings.group_id)
            finally:
                await admin.close()
            space = self.settings.namespace
            return {PartitionId(logical_topic(at.topic, space), at.partition) for at in told}

        counted = {who for who, seen in self.progress().items() if seen.offset is not None}
        return bool(counted) and counted <= asyncio.run(ask())

    def events(self) -> int:
        """Return how many events are counted."""
        return sum(p.counters.get("events", 0) for p in self.progress().values())

    def reached(self, ends: Mapping[PartitionId, int]) -> bool:
        """Tell whether everything before these ends is checkpointed."""
        found = self.progress()
        return all(where in found and (found[where].offset or 0) >= end
                   for where, end in ends.items())  # fmt: skip

    def until(self, holds: Callable[[], object], what: str, timeout_s: float = DEADLINE_S) -> None:
        """Wait until something holds; fail at the deadline with what the workers said."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if self.traffic.errors:
                raise self.traffic.errors[0]
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout_s} s: {what}\n{self.crew.logs()}")
            time.sleep(POLL_S)

    def flow(self, events: int = 300) -> None:
        """Wait until so many more events are counted."""
        goal = self.events() + events
        self.until(lambda: self.events() >= goal, f"{goal} events are counted")

    def recover(self) -> float:
        """Wait until what is published by now is checkpointed; return how long that took (s)."""
        ends, started = self.traffic.ends(), time.monotonic()
        self.until(lambda: self.reached(ends), f"everything before {ends} is checkpointed")
        took_s = time.monotonic() - started
        self.recovery_s = max(self.recovery_s, took_s)
        return took_s

    def finish(self) -> Verdict:
        """End the traffic, let the workers read the log to its end, and judge."""
        self.traffic.stop()
        self.until(lambda: self.reached(self.traffic.ends()), "the log is read to its end")
        self.traffic.seal_customers()
        self.until(lambda: self.reached(self.traffic.ends()), "what is passed on is read, too")
        self.traffic.seal()
        self.until(lambda: self.reached(self.traffic.ends()), "and what is handed over")
        verdict = asyncio.run(judge(self.settings, self.traffic.ends()))
        assert verdict.is_exact, f"{verdict}\n{self.crew.logs()}"
        return verdict


@contextmanager
def at_work(field: Field, workers: int = 1) -> Iterator[Field]:
    """Start traffic and workers; end them with the case."""
    try:
        field.traffic.start()
        for _ in range(workers):
            field.crew.hire()
        if workers:
            field.flow()
        yield field
    finally:
        field.crew.close()
        field.traffic.close()
