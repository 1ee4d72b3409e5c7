"""Runs a log through pipelines that crash, go back, stall and are cut anywhere."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

from processors.bundles import PASSED_ON, Emission, bundled, receiver
from processors.control import is_control
from processors.event import tick_record
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
    return play(plan, log, weather, seed).tables


def play(plan: Plan, log: Log, weather: Weather, seed: int = 0) -> World:
    """Do the same, and return the logs too as they are in the end: what was passed on is in them.

    Events come one after the other, in the order of their clocks, while partitions work; where
    weather has them read all in one go, they are all there before anybody begins. The last ticks
    and control records come once nothing is under way any more.
    """
    world = World(plan, weather, random.Random(seed), 1 + max(number for _, number in log))
    feed = sorted(
        (clock_ms, index, who, record)
        for who, records in log.items()
        for index, (record, clock_ms) in enumerate(
            zip(records, accumulate((record[1] for record in records), max), strict=True)
        )
    )
    last = {who: list(_last(records)) for who, records in log.items()}
    for _, index, who, (offset, recorded_ms, value) in feed:
        if any(offset == record[0] for record in last[who]):
            continue
        gap = offset - log[who][index - 1][0] if index else offset + 1
        world.publish(who, value, recorded_ms, gap)
        if weather.chunk_max < 1_000 and world.rnd.random() < 0.3:
            world.work()
    world.finish()
    for who in sorted({*world.partitions, *last}):
        tick = 0, feed[-1][0], tick_record(feed[-1][0], who[1])
        for _, recorded_ms, value in last.get(who, [tick]):
            world.publish(who, value, recorded_ms)
    world.finish()
    return world


def _last(records: list[LogRecord]) -> list[LogRecord]:
    """Return the ticks and control records at the end of a log."""
    events = [n for n, (_, _, v) in enumerate(records) if b'"_tick"' not in v and not is_control(v)]
    return records[max(events, default=-1) + 1 :]


class World:
    """Partitions and what they pass on to each other, as long as it takes.

    Attributes:
        partitions: those that have a record.
        clock_ms: of the newest record.
    """

    def __init__(self, plan: Plan, weather: Weather, rnd: random.Random, number: int) -> None:
        self._plan, self._weather, self.rnd, self._number = plan, weather, rnd, number
        self.partitions: dict[tuple[str, int], _Partition] = {}
        self.clock_ms = 0

    @property
    def tables(self) -> dict[tuple[str, int], DictTable]:
        """What every partition has on record."""
        return {who: partition.table for who, partition in self.partitions.items()}

    @property
    def log(self) -> Log:
        """Every partition's log."""
        return {who: partition.records for who, partition in self.partitions.items()}

    def publish(self, who: tuple[str, int], value: bytes, clock_ms: int, gap: int = 1) -> None:
        """Append a record to a partition's log."""
        self.clock_ms = max(self.clock_ms, clock_ms)
        partition = self.partitions.get(who)
        if partition is None:
            partition = _Partition(self._plan, *who, self._weather, self.rnd, self.pass_on)
            self.partitions[who] = partition
        records = partition.records
        records.append((records[-1][0] + gap if records else gap - 1, clock_ms, value))

    def place(self, key: str) -> int:
        """Return the partition of a key."""
        return sum(key.encode()) % self._number

    def pass_on(self, source: _Partition, passed: list[Emission], *, partly: bool) -> None:
        """Append emissions to the logs of those who receive them; partly: not all, but in order."""
        lanes: dict[int, list[Emission]] = defaultdict(list)
        for one in passed:
            key = receiver(source.topic, one)
            for at in (self.place(key),) if key else range(self._number):
                lanes[at].append(one)
        for at, lane in lanes.items():
            sent = lane[: self.rnd.randrange(len(lane) + 1)] if partly else lane
            # As in a rolling upgrade: some workers tell the id of their topic, some do not.
            topic_id = "id" if self.clock_ms % 2 else ""
            for value in bundled(source.topic, source.number, sent, topic_id):
                self.publish((PASSED_ON[source.topic], at), value, self.clock_ms)

    def work(self) -> None:
        """Let every partition work or not; one may be idle for so long that it gets a tick."""
        for partition in list(self.partitions.values()):
            if partition.at < len(partition.records) and self.rnd.random() < 0.7:
                partition.step()
        if self.rnd.random() < 0.02:
            who = self.rnd.choice(sorted(self.partitions))
            self.publish(who, tick_record(self.clock_ms, who[1]), self.clock_ms)

    def finish(self) -> None:
        """Work until every record is checkpointed, and what comes of it too."""
        while any(not partition.done for partition in self.partitions.values()):
            for partition in list(self.partitions.values()):
                if not partition.done:
                    partition.step(to_the_end=True)


@dataclass
class _Partition:
    """One partition, its log and its table."""

    plan: Plan
    topic: str
    number: int
    weather: Weather
    rnd: random.Random
    pass_on: Callable[..., None]
    records: list[LogRecord] = field(default_factory=list)
    table: DictTable = field(default_factory=DictTable)
    unsent: list[Emission] = field(default_factory=list)
    pipeline: PartitionPipeline | None = None
    at: int = 0

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

    def step(self, *, to_the_end: bool = False) -> None:
        """Process some records, and perhaps fail at it."""
        pipeline = self.pipeline
        if pipeline is None:
            pipeline = self.pipeline = self.claim()
            self.at = bisect_left(self.records, pipeline.offset, key=lambda r: r[0])
        chunk = self.records[self.at : self.at + self.rnd.randint(1, self.weather.chunk_max)]
        if chunk:
            self.at += len(chunk)
            batch = pipeline.decode([(o, t, None, v) for o, t, v in chunk])
            states = self.table.load(batch.missing) | self.table.find(batch.sought)
            pipeline.apply(batch, states)
            self.unsent += batch.emissions
        if not self.at:
            return
        next_offset = self.records[self.at - 1][0] + 1
        if self.rnd.random() < 0.2:
            self.flush()  # and perhaps crash before the checkpoint
        ends = to_the_end and self.at >= len(self.records)
        if ends or self.rnd.random() < self.weather.checkpoint:
            self.flush()
            _checkpoint(pipeline, self.table, next_offset)
        if self.strike(pipeline, next_offset):
            if self.rnd.random() < 0.3:
                self.flush(partly=True)
            self.unsent.clear()
            self.pipeline = None

    def flush(self, *, partly: bool = False) -> None:
        """Send what is to be passed on; a checkpoint waits for it."""
        if self.unsent:
            unsent, self.unsent = self.unsent, []
            self.pass_on(self, unsent, partly=partly)

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
