"""Two catalogues over the same range of the log, in memory: what a change would change."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from processors.catalog.difference import changes_figures
from streams.backfill.order import open_range, sealed_ms, workers_offsets
from streams.backfill.run import Backfill
from streams.query import Question, answer
from streams.tables.connection import connected
from streams.tables.memory_reader import MemoryReader
from streams.tables.memory_store import MemoryStore
from streams.tables.memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processors.catalog.difference import Difference
    from processors.catalog.model import Catalog
    from processors.evaluate import Row
    from streams.backfill.order import Order
    from streams.settings import Settings

_NAMESPACE = "trial"


class Outcome(NamedTuple):
    """A KPI's total in one window at the range's end, by both definitions; None: undefined."""

    kpi: str
    stat: str
    window: str
    dimensions: dict[str, str]
    before: Any
    after: Any


async def try_out(
    settings: Settings,
    before: Catalog,
    after: Catalog,
    differing: Sequence[Difference],
    order: Order,
    report: Callable[[int, int], None],
) -> list[Outcome]:
    """Recompute a range by both catalogues and return what the KPIs that differ come to.

    Raises:
        UnreachableError: broker or Redis is away or refused.
    """
    async with connected(settings.redis_url) as client:
        ends = await workers_offsets(client, settings.namespace)
    kpis = [one.kpi for one in differing if changes_figures(one)]
    values: list[dict[tuple[str, ...], Row]] = []
    log, at_ms = open_range(settings, ends, order), sealed_ms(order)  # one clock for both
    for catalog in (before, after):
        store = MemoryStore()
        make_table = partial(MemoryTable, store, _NAMESPACE)
        work = Backfill(catalog, settings, make_table, order.from_ms)
        await work.run(log, at_ms, report)
        values.append(await _values(store, catalog, kpis, at_ms))
    old, new = values
    return [
        Outcome(
            row.kpi,
            row.stat,
            row.window,
            row.dimensions,
            old[key].value if key in old else None,
            new[key].value if key in new else None,
        )
        for key, row in (old | new).items()
    ]


async def _values(
    store: MemoryStore, catalog: Catalog, kpis: Sequence[str], at_ms: int
) -> dict[tuple[str, ...], Row]:
    reader = MemoryReader(store, _NAMESPACE)
    found: dict[tuple[str, ...], Row] = {}
    for kpi in kpis:
        metric = catalog.metrics.get(kpi)
        if metric is None:
            continue
        for window in metric.windows:
            question = Question(metric, window, metric.dimension_sets[0], at_ms)
            for row in await answer(reader, catalog, question, at_ms):
                found[kpi, row.stat, window.name, *row.dimensions.values()] = row
    return found
