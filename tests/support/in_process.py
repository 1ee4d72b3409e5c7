"""The live pipeline over whole logs in this process: what it stores, and what it counts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from processors.bundles import PASSED_ON, bundled
from processors.checkpoint import Claim
from processors.names import CUSTOMER
from processors.pipeline import PartitionPipeline, Plan, compile_plan
from processors.sketch import unpack
from streams.tables.merge import add_cells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from processors.catalog.model import Catalog
    from processors.checkpoint import Checkpoint
    from processors.record import Record
    from streams.tables.base import RungPanes
    from streams.verify.log import LogRow

CUTS = (1, 5, 50, 1_000)


class Stored:
    """Panes by rung, counters of the published topics, and the logs as they are in the end.

    Attributes:
        logs: topic -> its only partition's records, what was passed on among them.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.rungs: dict[str, RungPanes] = {rung.name: {} for rung in catalog.ladder.rungs}
        self.counters: dict[str, int] = {}
        self.logs: dict[str, list[Record]] = {}

    def add(self, checkpoint: Checkpoint, *, count: bool) -> None:
        """Add a checkpoint as the tables do."""
        for name, number in checkpoint.counters.items() if count else ():
            self.counters[name] = self.counters.get(name, 0) + number
        for rung, panes in checkpoint.rungs.items():
            for at, cells in panes.items():
                add_cells(self.rungs[rung].setdefault(at, {}), dict(cells))
        for rung, sketches in checkpoint.sketches.items():
            for at, packed in sketches.items():
                hashes = {name: unpack(content) for name, content in packed.items()}
                add_cells(self.rungs[rung].setdefault(at, {}), dict(hashes))

    def rows(self) -> list[LogRow]:
        """Return the logs as the recomputation reads them."""
        return [(topic, 0, *record) for topic, held in self.logs.items() for record in held]


def run_live(
    catalog: Catalog,
    logs: dict[str, list[Record]],
    seed: int,
    *,
    dedup_horizon: int,
    cuts: tuple[int, ...] = CUTS,
) -> Stored:
    """Run one partition of each topic, cut at random, and what they pass on to each other.

    What a chunk passes on is worked off before the next one; the last tick comes behind it all.
    """
    rng = random.Random(seed)
    plan = compile_plan(catalog)
    stored = Stored(catalog)
    topics = {
        topic: _Topic(plan, topic, stored, dedup_horizon) for topic in (*logs, *PASSED_ON.values())
    }
    for topic, records in logs.items():
        before, last = records[:-1], records[-1:]
        while before:
            number = rng.choice(cuts)
            topics[topic].take(before[:number], topics, rng)
            before = before[number:]
        topics[topic].take(last, topics, rng)
    return stored


class _Topic:
    """A topic's only partition."""

    def __init__(self, plan: Plan, topic: str, stored: Stored, dedup_horizon: int) -> None:
        self._topic, self._stored = topic, stored
        self._log = stored.logs.setdefault(topic, [])
        self._pipeline = PartitionPipeline(
            plan,
            Claim(1, 0, None, None),
            topic=topic,
            partition=0,
            dedup_horizon=dedup_horizon,
            state_cache_max=10**6,
        )

    def take(
        self, records: Sequence[Record], topics: Mapping[str, _Topic], rng: random.Random
    ) -> None:
        """Append records to the log and work them off, and what they pass on."""
        chunk = [(len(self._log) + n, *record[1:]) for n, record in enumerate(records)]
        self._log += chunk
        batch = self._pipeline.decode(chunk)
        self._pipeline.apply(batch, {})
        self._pipeline.fire({})
        checkpoint = self._pipeline.drain(next_offset=len(self._log))
        if checkpoint is not None:
            self._stored.add(checkpoint, count=self._topic != CUSTOMER)
        at = 0
        while at < len(batch.emissions):  # how many go into one bundle is as the flushes fall
            some = batch.emissions[at : at + rng.choice((1, 1, 2, 5))]
            at += len(some)
            passed = bundled(self._topic, 0, some)
            recorded_ms = max(one.ts for one in some)
            records = [(0, recorded_ms, None, value) for value in passed]
            topics[PASSED_ON[self._topic]].take(records, topics, rng)
