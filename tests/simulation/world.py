"""Runs a log through pipelines that crash, go back, stall and are cut anywhere."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

from processors.event import tick_record
from processors.names import CUSTOMER, Cell, parse_cell
from processors.passing import Emission, bundle
from processors.pipeline import PartitionPipeline, Plan
from tests.simulation.store import DictTable
from tests.simulation.traffic import Log, LogRecord

HORIZON = 40


@dataclass(frozen=True)
class Weather:
    """How rough a run is: chances per chunk."""

    chunk_max: int = 20
    checkpoint: float = 0.4
    crash: float = 0.0
    roll_back: float = 0.0
    zombie: float = 0.0
    cache_max: int = 6


CALM = Weather(chunk_max=10_000, checkpoint=1.0, cache_max=100_000)
ROUGH = Weather(crash=0.15, roll_back=0.08, zombie=0.1)


def run(plan: Plan, log: Log, weather: Weather, seed: int = 0) -> dict[tuple[str, int], DictTable]:
    """Process a whole log; every partition ends checkpointed at its last record.

    What partitions pass on is a log as well, processed in the same weather.
    """
    rnd = random.Random(seed)
    sources = [
        _Partition(plan, topic, number, records, weather, rnd)
        for (topic, number), records in log.items()
    ]
    tables = {(s.topic, s.number): s.run() for s in sources}
    partitions = 1 + max(number for _, number in log)
    for number in range(partitions):
        passed = _interleaved([_bundles(s, number, partitions) for s in sources], rnd)
        if passed:
            end_ms = max(records[-1][1] for records in log.values())
            passed.insert(rnd.randrange(len(passed) + 1), tick_record(end_ms, number))
            records = [(offset, end_ms, value) for offset, value in enumerate(passed)]
            receiver = _Partition(plan, CUSTOMER, number, records, weather, rnd)
            tables[CUSTOMER, number] = receiver.run()
    return tables


def _bundles(source: _Partition, number: int, partitions: int) -> list[bytes]:
    """Return what a source sent to one receiving partition, as it was sent."""
    found = []
    for flushed in source.sent:
        mine = [one for one in flushed if sum(one.customer_id.encode()) % partitions == number]
        if mine:
            found.append(bundle(source.topic, source.number, mine))
    return found


def _interleaved(lanes: list[list[bytes]], rnd: random.Random) -> list[bytes]:
    """Merge what several sources sent at their own pace: each one's order stays."""
    order = [at for at, lane in enumerate(lanes) for _ in lane]
    rnd.shuffle(order)
    left = [iter(lane) for lane in lanes]
    return [next(left[at]) for at in order]


@dataclass
class _Partition:
    """One partition, its log and its table."""

    plan: Plan
    topic: str
    number: int
    records: list[LogRecord]
    weather: Weather
    rnd: random.Random
    table: DictTable = field(default_factory=DictTable)
    sent: list[list[Emission]] = field(default_factory=list)
    unsent: list[Emission] = field(default_factory=list)

    def claim(self) -> PartitionPipeline:
        """Take over and rebuild dedup, as a worker does."""
        pipeline = PartitionPipeline(
            self.plan,
            self.table.claim(),
            topic=self.topic,
            partition=self.number,
            dedup_horizon=HORIZON,
            state_cache_max=self.weather.cache_max,
        )
        again = [r for r in self.records if pipeline.restore_from <= r[0] < pipeline.offset]
        pipeline.restore([(o, t, None, v) for o, t, v in again])
        return pipeline

    def run(self) -> DictTable:
        """Process every record, however often that takes."""
        pipeline, at = self.claim(), 0
        while not self.done:
            chunk = self.records[at : at + self.rnd.randint(1, self.weather.chunk_max)]
            at += len(chunk)
            batch = pipeline.decode([(o, t, None, v) for o, t, v in chunk])
            states = self.table.load(batch.missing) | self.table.find(batch.sought)
            pipeline.apply(batch, states)
            self.unsent += batch.emissions
            if self.rnd.random() < 0.2:
                self.flush()  # and perhaps crash before the checkpoint
            if at >= len(self.records) or self.rnd.random() < self.weather.checkpoint:
                self.flush()
                _checkpoint(pipeline, self.table, self.records[at - 1][0] + 1)
            if self.strike(pipeline, self.records[at - 1][0] + 1):
                self.unsent.clear()
                pipeline = self.claim()
                at = bisect_left(self.records, pipeline.offset, key=lambda r: r[0])
        return self.table

    def flush(self) -> None:
        """Send what is to be passed on; a checkpoint waits for it."""
        if self.unsent:
            self.sent.append(self.unsent)
            self.unsent = []

    @property
    def done(self) -> bool:
        """Whether the last record is checkpointed."""
        return self.table.stored.offset == self.records[-1][0] + 1

    def strike(self, pipeline: PartitionPipeline, next_offset: int) -> bool:
        """Let the weather strike; whether somebody must take over."""
        dice, weather = self.rnd.random(), self.weather
        if dice < weather.roll_back:
            self.table.roll_back(self.rnd.randint(1, 4))
        elif dice < weather.roll_back + weather.zombie:
            self.claim()
            before = self.table.stored.number
            self.flush()  # an owner that lingers goes on sending
            _checkpoint(pipeline, self.table, next_offset)
            assert self.table.stored.number == before, "a zombie's checkpoint must be fenced"
        return dice < weather.roll_back + weather.zombie + weather.crash


def _checkpoint(pipeline: PartitionPipeline, table: DictTable, next_offset: int) -> None:
    watermark_ms = pipeline.watermark_ms
    if watermark_ms is not None:
        pipeline.fire(table.load_due(watermark_ms))
    checkpoint = pipeline.drain(next_offset=next_offset)
    if checkpoint is not None:
        table.commit(checkpoint)


def base_cells(tables: dict[tuple[str, int], DictTable]) -> dict[tuple[int, Cell], int]:
    """Add the base cells of all partitions up; zeros are as good as absent."""
    cells: dict[tuple[int, Cell], int] = defaultdict(int)
    for table in tables.values():
        for (pane, name), value in table.stored.base.items():
            cells[pane, parse_cell(name)] += value
    return {known: value for known, value in cells.items() if value}


def base_sketches(tables: dict[tuple[str, int], DictTable]) -> dict[tuple[int, Cell], int]:
    """Count the members of all base sketches (far below the size where they estimate)."""
    sketches: dict[tuple[int, Cell], frozenset[int]] = defaultdict(frozenset)
    for table in tables.values():
        for (rung, pane, name), hashes in table.stored.sketches.items():
            if rung == "":
                sketches[pane, parse_cell(name)] |= hashes
    return {known: len(hashes) for known, hashes in sketches.items()}
