"""A KPI explained with what Redis holds: a window taken apart, and the inputs it waits for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from processors.catalog.versions import look
from processors.evaluate import evaluate
from processors.explain import explain, take_apart
from processors.inputs import inputs_of, last_seen_ms, missing_inputs, waiting_for
from streams.query import Question, read_window
from streams.tables.connection import connected
from streams.tables.measure_register import read_register
from streams.tables.redis_reader import RedisReader
from streams.tables.versioned import VersionedReader

if TYPE_CHECKING:
    from processors.catalog.model import Catalog, Metric
    from streams.settings import Settings
    from streams.tables.base import TableReader


async def explain_now(
    reader: TableReader, catalog: Catalog, metric: Metric, now_ms: int
) -> dict[str, Any]:
    """Return the KPI's definition, its first live window taken apart, and what it waits for.

    Raises:
        UnreachableError: Redis is away or refused.
    """
    window, dimensions = metric.windows[0], metric.dimension_sets[0]
    question = Question(metric, window, dimensions)
    tables, span = await read_window(reader, catalog, question, now_ms)
    rows = evaluate(catalog, metric, window, dimensions, tables, span)
    progress = await reader.progress()
    seen_ms = last_seen_ms(seen.counters for seen in progress.values())
    return {
        **explain(catalog, metric),
        "now": {
            "window": window.name,
            "window_start_ms": span.start_ms,
            "window_end_ms": span.end_ms,
            "parts": {part.leaf: part.figure for part in take_apart(catalog, metric, tables)},
            "gives": [
                {"stat": row.stat, "value": row.value, **row.dimensions}
                for row in rows[: len(metric.stats) * 10]
            ],
        },
        "waiting": [
            waiting_for(lacking, seen_ms, now_ms)
            for lacking in missing_inputs(catalog, metric, tables)
        ],
        "inputs_last_seen_ms": {
            kind: seen_ms[kind] for kind in inputs_of(catalog, metric) if kind in seen_ms
        },
    }


async def explain_settings(settings: Settings, catalog: Catalog, metric: Metric) -> dict[str, Any]:
    """Explain from the settings' Redis and namespace.

    Raises:
        UnreachableError: Redis is away or refused.
    """
    async with connected(settings.redis_url) as client:
        kept = look(await read_register(client, settings.namespace), catalog)
        reader = VersionedReader(RedisReader(client, settings.namespace), kept)
        return await explain_now(reader, catalog, metric, time.time_ns() // 1_000_000)
