"""Runs a log through pipelines that crash, go back, stall and are cut anywhere."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

from processors.names import Cell, parse_cell
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
    """Process a whole log; every partition ends checkpointed at its last record."""
    rnd = random.Random(seed)
    return {
        (topic, number): _Partition(plan, topic, number, records, weather, rnd).run()
        for (topic, number), records in log.items()
    }


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
            pipeline.apply(batch, self.table.load(batch.missing))
            if at >= len(self.records) or self.rnd.random() < self.weather.checkpoint:
                _checkpoint(pipeline, self.table, self.records[at - 1][0] + 1)
            if self.strike(pipeline, self.records[at - 1][0] + 1):
                pipeline = self.claim()
                at = bisect_left(self.records, pipeline.offset, key=lambda r: r[0])
        return self.table

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
