"""Traffic of bots and tests: no KPI counts it, time moves on all the same.

::

    10:00 view   10:01 view by a bot   10:05 click and cost by a test
    views 1, excluded: bot 1, test 2, watermark 10:04:30
"""

import json

from processors.catalog.load import load_catalog
from processors.catalog.restrict import restrict
from processors.checkpoint import Checkpoint, Claim
from processors.pipeline import PartitionPipeline, compile_plan
from streams.catalog_files import preset_sources

T0_MS = 1_700_000_000_000


KPIS = ("page_views", "sessions")


def counted(*events: dict[str, object], own: str = "") -> tuple[Checkpoint, int | None]:
    """Return what the visitors' partition makes of events, and its watermark."""
    sources = [*preset_sources(), ("own.yaml", own)] if own else preset_sources()
    pipeline = PartitionPipeline(
        compile_plan(restrict(load_catalog(sources), KPIS)),
        Claim(1, 0, None, None),
        topic="tracking.visitor",
        partition=0,
        dedup_horizon=1_000,
        state_cache_max=1_000,
    )
    records = [
        (i, T0_MS, None, json.dumps({"event_id": f"e{i}", "visitor_id": "v", **e}).encode())
        for i, e in enumerate(events)
    ]
    pipeline.apply(pipeline.decode(records), {})
    checkpoint = pipeline.drain(next_offset=len(records))
    assert checkpoint is not None
    return checkpoint, pipeline.watermark_ms


def view(ts_ms: int, **fields: str) -> dict[str, object]:
    """Return a page view."""
    return {"type": "page_view", "ts": ts_ms, **fields}


def cells(checkpoint: Checkpoint) -> dict[str, int]:
    """Return the totals of page views and sessions started."""
    names = ("page_views\x1f", "sessions_started\x1f")
    return {
        name: amount
        for cells in checkpoint.base.values()
        for name, amount in cells.items()
        if name in names
    }


def test_bots_and_tests_count_nowhere_but_in_their_counter() -> None:
    """Neither views nor sessions nor states know of them; the watermark does."""
    found, watermark_ms = counted(
        view(T0_MS), view(T0_MS + 60_000, traffic="bot"), view(T0_MS + 200_000, traffic="test")
    )
    assert cells(found) == {"page_views\x1f": 1, "sessions_started\x1f": 1}
    assert found.counters["excluded:bot"] == found.counters["excluded:test"] == 1
    assert found.counters["events"] == 3
    assert watermark_ms == T0_MS + 200_000 - 30_000


def test_other_traffic_and_other_rules_count() -> None:
    """What the catalogue does not name is nobody's bot."""
    guest, bot = view(T0_MS, traffic="guest"), view(T0_MS, traffic="bot")
    assert cells(counted(guest)[0])["page_views\x1f"] == 1
    found, _ = counted(guest, bot, own="defaults: {excluded_traffic: [guest]}")
    assert cells(found)["page_views\x1f"] == 1
    assert {n for n in found.counters if n.startswith("excluded")} == {"excluded:guest"}


def test_a_kpi_can_have_a_budget_of_its_own() -> None:
    """One more device than the budget counts as other; sets of other KPIs keep theirs."""
    own = "metrics: {page_views: {dimension_values_max: 2}}"
    views = [view(T0_MS, device=d, country=d) for d in ("a", "b", "c")]
    found, _ = counted(*views, own=own)
    names = {name for cells in found.base.values() for name in cells}
    assert "page_views\x1fdevice\x1f__other__" in names
    assert "page_views\x1fdevice\x1fc" not in names
    assert "sessions_started\x1fdevice\x1fa" in names
