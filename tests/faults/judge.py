"""The verdict: every stored cell of every rung beside the batch recomputation of the log."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from processors.names import EVENT_TOPICS, parse_cell
from streams.catalog_files import read_catalog
from streams.kafka_log import read_log
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader
from tests.simulation.oracle import Expected, recompute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.model import Catalog
    from processors.names import Cell
    from streams.settings import Settings
    from streams.tables.base import PartitionId
    from tests.simulation.traffic import Log

EVER_MS: Final = 1 << 52
COUNTERS: Final = ("events", "duplicates", "late", "rejected", "linked")
Cells = dict[tuple[str, int, "Cell"], int]  # (rung, pane start, cell) -> integer, or set size


@dataclass(frozen=True)
class Verdict:
    """What a case came to.

    Attributes:
        events: that the recomputation counts.
        cells: compared, over all rungs.
        differ: cells that differ.
        lost: events that the log has and the tables have not.
        doubled: events that the tables count more often than the log has them.
        examples: some differing cells: (cell, stored, recomputed).
    """

    events: int
    cells: int
    differ: int
    lost: int
    doubled: int
    counters: dict[str, tuple[int, int]]
    examples: list[tuple[object, int, int]]

    @property
    def is_exact(self) -> bool:
        """Whether everything is equal, and there was something to compare."""
        agree = all(stored == exact for stored, exact in self.counters.values())
        return self.cells > 0 and self.differ == self.lost == self.doubled == 0 and agree


async def judge(settings: Settings, ends: Mapping[PartitionId, int]) -> Verdict:
    """Compare what a namespace's tables hold with its log.

    Args:
        settings: of the namespace.
        ends: partition -> one past the last record to read.
    """
    catalog = read_catalog(settings)
    expected = recompute(catalog, _log(settings, ends), dedup_horizon=settings.dedup_horizon)
    stored, counted = await _stored(settings, catalog)
    exact = _rolled_up(catalog, expected)
    keys = stored.keys() | exact.keys()
    differ = [key for key in keys if stored.get(key, 0) != exact.get(key, 0)]
    counters = {name: (counted[name], expected.counters[name]) for name in COUNTERS}
    gap = counters["events"][1] - counters["events"][0]
    return Verdict(
        events=expected.counters["events"],
        cells=len(keys),
        differ=len(differ),
        lost=max(0, gap),
        doubled=max(0, -gap),
        counters=counters,
        examples=[(key, stored.get(key, 0), exact.get(key, 0)) for key in sorted(differ)[:10]],
    )


def _log(settings: Settings, ends: Mapping[PartitionId, int]) -> Log:
    log: Log = defaultdict(list)
    for topic, partition, offset, timestamp_ms, _key, value in read_log(settings, ends):
        log[topic, partition].append((offset, timestamp_ms, value or b""))
    return log


async def _stored(settings: Settings, catalog: Catalog) -> tuple[Cells, dict[str, int]]:
    client = open_client(settings.redis_url)
    reader = RedisReader(client, settings.namespace)
    cells: Cells = {}
    counted: dict[str, int] = defaultdict(int)
    try:
        for rung in catalog.ladder.rungs:
            for start, found in (await reader.panes(rung.name, -EVER_MS, EVER_MS)).items():
                for name, value in found.items():
                    number = value if isinstance(value, int) else len(value)
                    if number:
                        cells[rung.name, start, parse_cell(name)] = number
        for where, progress in (await reader.progress()).items():
            if where.topic in EVENT_TOPICS:
                for name, count in progress.counters.items():
                    counted["rejected" if name.startswith("rejected:") else name] += count
    finally:
        await client.aclose()
    return cells, counted


def _rolled_up(catalog: Catalog, expected: Expected) -> Cells:
    """Add the base panes up to every rung that a measure is kept in; sets are united."""
    ladder = catalog.ladder
    sums: Cells = defaultdict(int)
    sets: dict[tuple[str, int, Cell], set[str]] = defaultdict(set)
    for (pane, cell), value in expected.cells.items():
        for name in catalog.requirements[cell.measure].rungs:
            sums[name, ladder.pane_start(ladder.rung(name), pane), cell] += value
    for (pane, cell), who in expected.members.items():
        for name in catalog.requirements[cell.measure].rungs:
            sets[name, ladder.pane_start(ladder.rung(name), pane), cell] |= who
    rolled = {key: value for key, value in sums.items() if value}
    return rolled | {key: len(who) for key, who in sets.items()}
