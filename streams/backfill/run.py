"""A backfill: a range of the log, recomputed into tables of its own.

::

    live topics ──> worker ──────────────────────> live tables      (nothing of this changes)
         └────────> backfill, present catalogue ─> tables of another namespace
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from processors.bundles import bundle
from processors.event import tick_record
from processors.ladder import ALL
from processors.names import CUSTOMER
from processors.pipeline import PartitionPipeline, compile_plan
from streams.backfill.partition import BackfillPartition
from streams.producer.partition import Partitioner
from streams.tables.base import PartitionId
from streams.worker.passing import receivers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.bundles import Emission
    from processors.catalog.model import Catalog
    from processors.record import Record
    from streams.backfill.log import LogRange
    from streams.kafka_log import Stretch
    from streams.settings import Settings
    from streams.tables.base import PartitionTable

_BEGINNING: Final = 0


@dataclass(frozen=True)
class Backfilled:
    """What was read and made.

    Attributes:
        records: of the log, ticks included.
        rejected: dead letters among them.
        seconds: how long it took.
    """

    records: int
    rejected: int
    seconds: float


class Backfill:
    """Recomputes a range by one catalogue.

    Args:
        catalog: the definitions to recompute by.
        settings: dedup horizon and cache of a worker.
        make_table: (logical topic, partition) -> a table of the target namespace.
        since_ms: panes that start before this event time are left out: what lies before is only
            read so that sessions, carts and touches that began there are known. None: keep all.
    """

    def __init__(
        self,
        catalog: Catalog,
        settings: Settings,
        make_table: Callable[[str, int], PartitionTable],
        since_ms: int | None = None,
    ) -> None:
        self._catalog, self._settings, self._make_table = catalog, settings, make_table
        self._plan = compile_plan(catalog)
        rungs = [rung.name for rung in catalog.ladder.rungs if rung.name != ALL]
        self._expire_before = {} if since_ms is None else dict.fromkeys(rungs, since_ms)
        self._partitions: dict[PartitionId, BackfillPartition] = {}
        self._passed: dict[int, list[Record]] = {}
        self._partitioner = Partitioner()

    async def run(
        self, log: LogRange, to_ms: int, report: Callable[[int, int], None]
    ) -> Backfilled:
        """Read the range and write the tables.

        Args:
            log: what to read.
            to_ms: the clock that seals the range: every window up to here becomes final.
            report: gets how many records were read, of how many.

        Raises:
            UnreachableError: broker or Redis is away or refused.
        """
        started_s = time.monotonic()
        partitions = Counter(who.topic for who in log.stretches)
        customers = max(partitions.values(), default=0)
        for who, stretch in log.stretches.items():
            await self._claim(who, stretch.start, partitions[who.topic])
        read = 0
        for who, records in log.read(report):
            read += len(records)
            emissions = await self._partitions[who].add(records)
            self._pass_on(who, emissions, customers)
        await self._add_passed(customers)
        await self._seal(log.stretches, to_ms)
        rejected = sum(p.rejected for p in self._partitions.values())
        return Backfilled(read, rejected, time.monotonic() - started_s)

    async def _claim(self, who: PartitionId, start: int, partitions: int) -> None:
        table = self._make_table(who.topic, who.partition)
        claim = await table.claim(
            topic_id="", partitions=partitions, log_start=start, log_end=1 << 60
        )
        pipeline = PartitionPipeline(
            self._plan,
            claim,
            topic=who.topic,
            partition=who.partition,
            dedup_horizon=self._settings.dedup_horizon,
            state_cache_max=self._settings.state_cache_max,
        )
        self._partitions[who] = BackfillPartition(table, pipeline, self._expire_before)

    def _pass_on(self, who: PartitionId, emissions: list[Emission], customers: int) -> None:
        for one in emissions:
            for at in receivers(who.topic, one, customers, self._partitioner):
                lane = self._passed.setdefault(at, [])
                lane.append((len(lane), one.ts, None, bundle(who.topic, who.partition, [one])))

    async def _add_passed(self, customers: int) -> None:
        """Work off what is passed on; what customers hand over is in the log that was read."""
        for number in range(customers):
            who = PartitionId(CUSTOMER, number)
            await self._claim(who, _BEGINNING, customers)
            records = self._passed.get(number, [])
            if records:
                await self._partitions[who].add(records)

    async def _seal(self, stretches: Mapping[PartitionId, Stretch], to_ms: int) -> None:
        """Let time pass up to the range's end in every partition, and write the last checkpoint."""
        for who, partition in self._partitions.items():
            end = (
                stretches[who].end if who in stretches else len(self._passed.get(who.partition, ()))
            )
            recorded_ms = max(to_ms, partition.max_recorded_ms)
            await partition.add([(end, recorded_ms, None, tick_record(to_ms, who.partition))])
            await partition.checkpoint()
