"""States of processors that no KPI needs any more: forgotten with the rest, and gone by and by."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.restrict import restrict
from processors.control import Forgotten, encode_control
from processors.erasure import RECEIPTS, read_receipt, receipt_id
from processors.event import tick_record
from processors.keyed.registry import needed_processors, unneeded_processors
from processors.names import CUSTOMER, VISITOR
from processors.pipeline import PartitionPipeline, compile_plan
from processors.unneeded import Unneeded
from streams.catalog_files import preset_sources
from tests.processors.test_control import (
    HOUR_MS,
    LINKING,
    PLAN,
    WHO,
    anything_of,
    records_of,
    traffic,
)
from tests.simulation.world import CALM, HORIZON, run

if TYPE_CHECKING:
    from processors.pipeline import Plan
    from tests.simulation.store import DictTable

FEW = compile_plan(restrict(load_catalog(preset_sources()), ["page_views"]))


def before(seed: int) -> tuple[dict[tuple[str, int], DictTable], int]:
    """Return what the full catalogue leaves, with open timers, and when that was."""
    events = traffic(seed, 120, LINKING)
    last_ms = max(event["ts"] for event in events)
    return run(PLAN, {(VISITOR, 0): records_of(events, last_ms)}, CALM, seed), last_ms


def taken_over(table: DictTable, plan: Plan = FEW) -> PartitionPipeline:
    """Claim the visitors' partition."""
    return PartitionPipeline(
        plan, table.claim(), topic=VISITOR, partition=0, dedup_horizon=HORIZON, state_cache_max=100
    )


def step(pipeline: PartitionPipeline, table: DictTable, now_ms: int, *values: bytes) -> None:
    """Work records off and checkpoint them."""
    at = table.stored.offset or 0
    batch = pipeline.decode([(at + n, now_ms, None, value) for n, value in enumerate(values)])
    pipeline.apply(batch, table.load(batch.missing) | table.find(batch.sought))
    assert pipeline.watermark_ms is not None
    pipeline.fire(table.load_due(pipeline.watermark_ms))
    checkpoint = pipeline.drain(next_offset=at + len(values))
    assert checkpoint is not None
    assert table.commit(checkpoint)


@pytest.mark.parametrize("seed", range(4))
def test_who_is_forgotten_is_gone_from_what_nobody_needs(seed: int) -> None:
    """The full catalogue kept sessions and touches, the one in force keeps none of them."""
    tables, last_ms = before(seed)
    table = tables[VISITOR, 0]
    mine = {(VISITOR, 0): table}
    kept = [what for what in anything_of(mine, *WHO.values()) if what[1] in ("session", "email")]
    assert kept, "there is something to forget"
    step(taken_over(table), table, last_ms, encode_control(Forgotten("r", **WHO)))
    assert anything_of(mine, *WHO.values()) == []
    removed = read_receipt(table.stored.states[RECEIPTS, receipt_id("r")])
    assert removed["session"] == 1
    assert {processor for _, processor, *_ in kept} - {"timer"} <= removed.keys()


def test_what_is_due_of_who_is_not_there_goes() -> None:
    """Timers that nobody fires are not found due for ever: they and their states are deleted."""
    tables, last_ms = before(1)
    table = tables[VISITOR, 0]
    later_ms = last_ms + 2 * HOUR_MS
    due = table.load_due(later_ms - HOUR_MS)
    assert due
    cells = dict(table.stored.base)
    step(taken_over(table), table, later_ms, tick_record(later_ms, 0))
    assert not due.keys() & table.stored.timers.keys()
    assert not due.keys() & table.stored.states.keys()
    assert table.stored.base == cells, "nothing was concluded"


def test_all_go_some_at_a_time_and_the_needed_stay() -> None:
    """What is let go is in the next checkpoint, its timer too; then nothing is asked for."""
    tables, last_ms = before(2)
    table = tables[VISITOR, 0]
    pipeline = taken_over(table)
    stays = {key for key in table.stored.states if key[0] not in pipeline.unneeded}
    pages = 0
    while pipeline.unneeded:
        found = [key for key in table.stored.states if key[0] in pipeline.unneeded]
        pipeline.let_go(random.Random(3).sample(found, min(len(found), 4)))
        step(pipeline, table, last_ms, tick_record(last_ms, 0))
        pages += 1
    assert pages > 2
    assert set(table.stored.states) == stays
    assert table.stored.timers == {}


def test_with_all_kpis_nothing_is_unneeded() -> None:
    """A processor is needed or it is not; of a full catalogue's none has anything to go."""
    for plan in (PLAN, FEW):
        defaults = plan.catalog.defaults
        names = [p.name for make in (needed_processors, unneeded_processors)
                 for p in make(defaults, plan.reads)]  # fmt: skip
        assert sorted(names) == sorted(set(names))
    assert taken_over(before(0)[0][VISITOR, 0], PLAN).unneeded == ()


def test_links_of_customers_are_looked_through_as_well() -> None:
    """Of customers' processors that are not needed, links to a visitor go: their key is another."""
    tables, _ = before(3)
    table = tables[CUSTOMER, 0]
    defaults = PLAN.catalog.defaults
    unneeded = Unneeded([p for p in unneeded_processors(defaults, {}) if p.name == "identity"])
    whom = Forgotten("r", visitor_id=WHO["visitor_id"])
    sought = {name: [text] for name, text in unneeded.sought([whom])}
    removed = unneeded.forget(whom, table.find(sought))
    assert removed == {"identity": len(unneeded.drain())} != {"identity": 0}
