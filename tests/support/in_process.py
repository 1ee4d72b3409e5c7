"""The live pipeline over whole logs in this process: what it stores, and what it counts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from processors.checkpoint import Claim
from processors.names import CUSTOMER
from processors.passing import bundle
from processors.pipeline import PartitionPipeline, Plan, compile_plan
from processors.sketch import unpack
from streams.tables.merge import add_cells

if TYPE_CHECKING:
    from processors.catalog.model import Catalog
    from processors.checkpoint import Checkpoint
    from processors.passing import Emission
    from processors.record import Record
    from streams.tables.base import RungPanes

CUTS = (1, 5, 50, 1_000)


class Stored:
    """Panes by rung, and counters of the published topics."""

    def __init__(self, catalog: Catalog) -> None:
        self.rungs: dict[str, RungPanes] = {rung.name: {} for rung in catalog.ladder.rungs}
        self.counters: dict[str, int] = {}

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


def run_live(
    catalog: Catalog,
    logs: dict[str, list[Record]],
    seed: int,
    *,
    dedup_horizon: int,
    cuts: tuple[int, ...] = CUTS,
) -> Stored:
    """Run one partition of each topic, cut at random, and what they pass on."""
    rng = random.Random(seed)
    plan = compile_plan(catalog)
    stored = Stored(catalog)
    passed: list[Record] = []
    for topic, records in logs.items():
        emissions = _run(plan, topic, records, rng, stored, dedup_horizon, cuts)
        for emission in emissions:
            value = bundle(topic, 0, [emission])
            passed.append((len(passed), emission.ts, None, value))
    _run(plan, CUSTOMER, passed, rng, stored, dedup_horizon, cuts)
    return stored


def _run(
    plan: Plan,
    topic: str,
    records: list[Record],
    rng: random.Random,
    stored: Stored,
    dedup_horizon: int,
    cuts: tuple[int, ...],
) -> list[Emission]:
    pipeline = PartitionPipeline(
        plan,
        Claim(1, 0, None, None),
        topic=topic,
        partition=0,
        dedup_horizon=dedup_horizon,
        state_cache_max=10**6,
    )
    emissions: list[Emission] = []
    start = 0
    while start < len(records):
        chunk = records[start : start + rng.choice(cuts)]
        start += len(chunk)
        batch = pipeline.decode(chunk)
        emissions += batch.emissions
        pipeline.apply(batch, {})
        pipeline.fire({})
        checkpoint = pipeline.drain(next_offset=start)
        if checkpoint is not None:
            stored.add(checkpoint, count=topic != CUSTOMER)
    return emissions
