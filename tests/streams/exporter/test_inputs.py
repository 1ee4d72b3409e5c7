"""Outside inputs through Redis: what waits says for what, and since when it was not seen.

::

    10:00   clicks                         cost per click waits: never seen
    10:10   clicks, a cost                 0.50 in the hour
    12:10   clicks                         waits: last seen 2 h ago; the day still has its value
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from processors import names
from streams.explain import explain_now
from streams.query import answer, ask
from tests.streams.exporter.site import START_MS

if TYPE_CHECKING:
    from tests.streams.exporter.site import Site

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


async def publish(site: Site, at_ms: int, *, cost: str = "", reach: int = 0) -> None:
    """Publish two clicks, and what else is reported, at one time."""
    site.now_ms = at_ms
    click = {"type": "ad_click", "ts": at_ms, "visitor_id": "v", "campaign": "spring"}
    events = [click, click]
    if cost:
        paid = {"type": "ad_cost", "value": cost, "currency": "EUR", "campaign": "spring"}
        events.append(paid | {"ts": at_ms})
    if reach:
        events.append({"type": "social_reach", "ts": at_ms, "network": "x", "value": reach})
    await site.owner.publish(*events)


async def told(site: Site) -> tuple[list[str], object]:
    """Return what explain says cost per click waits for, and its value in the last hour."""
    metric = site.catalog.metrics["cost_per_click"]
    found = await explain_now(site.reader, site.catalog, metric, site.now_ms)
    question = ask(site.catalog, metric.id, window="1h")
    rows = await answer(site.reader, site.catalog, question, site.now_ms)
    return found["waiting"], rows[0].value if rows else None


async def test_what_is_missing_is_absent_and_says_so(site: Site) -> None:
    """Never seen, there, and not seen for two hours."""
    await site.owner.claim()
    await publish(site, START_MS)
    assert await told(site) == (["waiting for ad_cost, never seen"], None)
    await publish(site, START_MS + 10 * MINUTE_MS, cost="2")
    assert await told(site) == ([], "0.50")
    await publish(site, START_MS + 130 * MINUTE_MS)
    assert await told(site) == (["waiting for ad_cost, last seen 2 h ago"], None)
    day = ask(site.catalog, "cost_per_click", window="1d")
    (row,) = await answer(site.reader, site.catalog, day, site.now_ms)
    assert (row.value, row.denominator) == ("0.333333", 6)


async def test_the_last_sight_outlives_the_worker(site: Site) -> None:
    """A new owner goes on from what was counted; an older event does not turn it back."""
    await site.owner.claim()
    await publish(site, START_MS, cost="1")
    await site.owner.claim()
    late = {"type": "ad_cost", "value": 1, "currency": "EUR", "ts": START_MS - HOUR_MS}
    await site.owner.publish(late, late | {"ts": START_MS + MINUTE_MS})
    metric = site.catalog.metrics["ad_spend"]
    found = await explain_now(site.reader, site.catalog, metric, site.now_ms)
    assert found["inputs_last_seen_ms"] == {"ad_cost": START_MS + MINUTE_MS}


async def test_a_reading_is_shown_until_the_next(site: Site) -> None:
    """A level holds in windows that nothing fell into, live, and at any past time."""
    await site.owner.claim()
    await publish(site, START_MS, reach=100)
    await publish(site, START_MS + 3 * HOUR_MS, reach=80)
    reached = ask(site.catalog, "social_reach", window="1h", by="network")
    (row,) = await answer(site.reader, site.catalog, reached, site.now_ms)
    assert (row.value, row.samples) == (80, 1)
    for minutes, value in ((1, 100), (170, 100), (190, 80)):
        at = str(START_MS + minutes * MINUTE_MS)
        past = ask(site.catalog, "social_reach", window="1h", by="network", at=at)
        (row,) = await answer(site.reader, site.catalog, past, site.now_ms)
        assert row.value == value, minutes
    async with site.exporter() as exporter:
        metric = site.catalog.metrics["social_reach"]
        board = exporter.follower.board()
        (row,) = board.rows(metric, metric.windows[0], ("network",), final=False)
        assert row.value == 80
        site.now_ms += 5 * HOUR_MS
        (row,) = exporter.follower.board().rows(
            metric, metric.windows[0], ("network",), final=False
        )
        assert row.value == 80


async def test_metrics_say_what_waits(site: Site) -> None:
    """Ages of inputs, and a series for each KPI and window that lacks one."""
    await site.owner.claim()
    await publish(site, START_MS, cost="1")
    site.now_ms += 26 * HOUR_MS
    async with site.exporter() as exporter:
        samples = [s for f in parse_text(await exporter.text("/metrics")) for s in f.samples]
        health = await exporter.text("/api/v1/health")
    ages = {s.labels["input"]: s.value for s in samples if s.name == names.KPI_INPUT_LAST_SEEN}
    assert ages == {"ad_cost": pytest.approx(26 * 3_600)}
    waiting = {
        tuple(s.labels[name] for name in ("kpi", "window", "input"))
        for s in samples
        if s.name == names.KPI_WAITING
    }
    assert {("cost_per_click", "1h", "ad_cost"), ("profit_margin", "1d", "expense")} <= waiting
    assert "waiting for ad_cost, last seen 26 h ago" in health


async def test_a_target_set_by_an_event_is_the_kpis_target(site: Site) -> None:
    """The catalogue's holds until then; one for a part of the values is not the whole's."""
    await site.owner.claim()
    await publish(site, START_MS)
    kpi = {"kpi": "conversion_rate"}
    async with site.exporter() as exporter:
        before = await exporter.text("/metrics")
        target = {"type": "target_set", "ts": START_MS, "kpi": "conversion_rate"}
        await site.owner.publish(
            target | {"value": "0.2", "campaign": "spring"}, target | {"value": "0.05"}
        )
        await site.caught_up(exporter.follower)
        after = await exporter.text("/metrics")
    found = [
        next(
            s.value
            for f in parse_text(page)
            for s in f.samples
            if s.name == names.KPI_TARGET and s.labels == kpi
        )
        for page in (before, after)
    ]
    assert found == [0.03, 0.05]
