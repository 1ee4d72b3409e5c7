"""Questions about one KPI, answered from the panes in Redis: no exporter needs to run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from processors.catalog.model import window as parse_window
from processors.catalog.requirements import topics_of
from processors.catalog.scalars import did_you_mean
from processors.catalog.versions import NOTHING_CHANGED, look
from processors.errors import CheckFailedError, UsageError
from processors.evaluate import evaluate
from processors.names import CURRENCY
from processors.slots import Tables, add_up, slot_runs, slots_of
from processors.windows import Span, final_end, live_end, window_start
from streams.exporter.horizon import (
    holding,
    is_complete,
    is_counted,
    kept_from_ms,
    read_from_ms,
    watermark_ms,
)
from streams.tables.connection import connected
from streams.tables.measure_register import read_register
from streams.tables.redis_reader import RedisReader
from streams.tables.versioned import VersionedReader

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from processors.catalog.model import Catalog, Metric, Window
    from processors.catalog.versions import Kept
    from processors.evaluate import Row
    from processors.slots import SlotRuns
    from processors.windows import Run
    from streams.exporter.horizon import Partitions
    from streams.settings import Settings
    from streams.tables.base import TableReader

NOW: Final = "now"


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        dimensions: one of the metric's dimension sets.
        at_ms: the instant that the window ends at or holds; None for now.
        final: whether the window must lie behind the watermark.
    """

    metric: Metric
    window: Window
    dimensions: tuple[str, ...]
    at_ms: int | None = None
    final: bool = False


def ask(
    catalog: Catalog,
    kpi: str,
    *,
    window: str = "",
    by: str = "",
    at: str = NOW,
    final: bool = False,
) -> Question:
    """Check a question as a person writes it.

    Args:
        catalog: the KPIs that there are.
        kpi: the KPI's id.
        window: one of its windows; its first where empty.
        by: dimensions, separated by commas, in any order; the total where empty.
        at: ``now``, RFC 3339 with an offset, or milliseconds since 1970 UTC.
        final: see Question.

    Raises:
        UsageError: there is no such KPI, window, dimension set or time; it says which there are.
    """
    metric = find_metric(catalog, kpi)
    return Question(
        metric, find_window(metric, window), find_dimensions(metric, by), parse_time(at), final
    )


def find_metric(catalog: Catalog, kpi: str) -> Metric:
    """Return a KPI by its id.

    Raises:
        UsageError: there is none.
    """
    metric = catalog.metrics.get(kpi)
    if metric is None:
        raise UsageError(f"there is no KPI {kpi!r}: {did_you_mean(kpi, catalog.metrics)}")
    return metric


def find_window(metric: Metric, name: str) -> Window:
    """Return one of a KPI's windows, its first where no name is given; 60m is 1h.

    Raises:
        UsageError: the KPI has no such window.
    """
    if not name:
        return metric.windows[0]
    try:
        wanted = parse_window(name).name
    except ValueError:
        wanted = name
    for window in metric.windows:
        if window.name == wanted:
            return window
    raise UsageError(
        f"{metric.id} has no window {name!r}: it has {', '.join(w.name for w in metric.windows)}"
    )


def find_dimensions(metric: Metric, by: str) -> tuple[str, ...]:
    """Return one of a KPI's dimension sets, named in any order, the currency with or without.

    Raises:
        UsageError: the KPI is not kept by these dimensions.
    """
    wanted = {name.strip() for name in by.split(",")} - {"", CURRENCY}
    for dimensions in metric.dimension_sets:
        if wanted == set(dimensions) - {CURRENCY}:
            return dimensions
    sets = [",".join(d for d in s if d != CURRENCY) for s in metric.dimension_sets]
    raise UsageError(
        f"{metric.id} is not kept by {by!r}: --by takes {' or '.join(filter(None, sets))}"
        + ("; without --by it is the total" if "" in sets else "")
    )


def parse_time(text: str) -> int | None:
    """Return an instant in milliseconds since 1970 UTC, None for ``now``.

    Raises:
        UsageError: the text is not a time, or has no offset.
    """
    if text == NOW:
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a time: write now, 2026-01-31T12:00:00Z or milliseconds since 1970"
        ) from None
    if instant.tzinfo is None:
        raise UsageError(f"{text!r} has no offset from UTC: add Z or +01:00")
    return round(instant.timestamp() * 1000)


async def answer(
    reader: TableReader,
    catalog: Catalog,
    question: Question,
    now_ms: int,
    kept: Kept = NOTHING_CHANGED,
) -> list[Row]:
    """Return the rows that answer a question.

    Args:
        reader: of the namespace.
        catalog: that the question was checked with.
        question: what is asked.
        now_ms: the wall clock.
        kept: what the namespace keeps of the catalogue.

    Raises:
        CheckFailedError: a final window is asked for that the watermark has not passed.
        UnreachableError: Redis is away or refused.
    """
    tables, span = await read_window(reader, catalog, question, now_ms, kept)
    return evaluate(catalog, question.metric, question.window, question.dimensions, tables, span)


async def read_window(
    reader: TableReader,
    catalog: Catalog,
    question: Question,
    now_ms: int,
    kept: Kept = NOTHING_CHANGED,
) -> tuple[Tables, Span]:
    """Return the cells that answer a question, and the time that they stand for.

    Raises:
        CheckFailedError, UnreachableError: see :func:`answer`.
    """
    metric, window = question.metric, question.window
    topics = topics_of(metric, catalog.measures)
    partitions = await reader.progress()
    watermark = watermark_ms(partitions, topics, catalog.defaults.allowed_lateness_ms)
    if question.final:
        end_ms = _final_end(catalog, question, partitions, watermark, now_ms)
    else:
        end_ms = _live_end(catalog, question, now_ms)
    runs = {slot: slot_runs(slot, window, end_ms, catalog.ladder) for slot in slots_of(metric)}
    panes = await _panes(reader, runs.values())
    tables = Tables({slot: add_up(found, panes) for slot, found in runs.items()})
    read_from = read_from_ms(metric, window, end_ms, catalog.ladder)
    asked = (metric, window, question.dimensions)
    span = Span(
        window_start(window, end_ms, catalog.ladder),
        end_ms,
        provisional=watermark is None or end_ms > watermark,
        watermark_ms=watermark,
        complete=is_complete(read_from, kept_from_ms(partitions, topics))
        and is_counted(catalog, kept, partitions, asked, read_from),
    )
    return tables, span


async def _panes(
    reader: TableReader, slots: Collection[SlotRuns]
) -> dict[Run, list[Mapping[str, int | frozenset[int]]]]:
    """Return the panes of every run.

    What is taken off something must be of the same instant, else what was counted between two
    reads would be taken off without having been added: then one snapshot is read.
    """
    runs = {run for slot in slots for run in slot.all}
    if not any(slot.less for slot in slots):
        return {run: list((await reader.panes(*run)).values()) for run in runs}
    since_ms: dict[str, int] = {}
    for run in runs:
        since_ms[run.rung] = min(run.start_ms, since_ms.get(run.rung, run.start_ms))
    parts = (await reader.snapshot(since_ms)).values()
    return {
        run: [
            cells
            for part in parts
            for start_ms, cells in part.rungs[run.rung].items()
            if run.start_ms <= start_ms < run.end_ms
        ]
        for run in runs
    }


def _live_end(catalog: Catalog, question: Question, now_ms: int) -> int:
    """Return the end asked for where it is one of the window's ends, else the next one."""
    window, ladder = question.window, catalog.ladder
    if question.at_ms is None:
        return live_end(window, now_ms, ladder)
    if final_end(window, question.at_ms, ladder) == question.at_ms:
        return question.at_ms
    return live_end(window, question.at_ms, ladder)


def _final_end(
    catalog: Catalog,
    question: Question,
    partitions: Partitions,
    watermark: int | None,
    now_ms: int,
) -> int:
    topics = topics_of(question.metric, catalog.measures)
    if watermark is None:
        waiting = ", ".join(holding(partitions, topics))
        raise CheckFailedError(f"{question.metric.id}: nothing is final yet: {waiting}")
    if question.at_ms is None:
        return final_end(question.window, min(now_ms, watermark), catalog.ladder)
    end_ms = final_end(question.window, question.at_ms, catalog.ladder)
    if end_ms > watermark:
        raise CheckFailedError(
            f"{question.metric.id}: the window that ends at {end_ms} is not final yet: the "
            f"slowest watermark is {watermark}; leave --final out for a provisional value"
        )
    return end_ms


async def query(
    settings: Settings, catalog: Catalog, question: Question, *, before: int = 0
) -> Sequence[Row]:
    """Answer a question from the settings' Redis and namespace.

    Args:
        settings: where to ask.
        catalog: that the question was checked with.
        question: what is asked.
        before: of measures whose definition changed, read so many versions before the present.

    Raises:
        CheckFailedError, UnreachableError: see :func:`answer`.
    """
    async with connected(settings.redis_url) as client:
        register = await read_register(client, settings.namespace)
        kept = look(register, catalog, back=before)
        reader = VersionedReader(RedisReader(client, settings.namespace), kept)
        return await answer(reader, catalog, question, time.time_ns() // 1_000_000, kept)
