"""The JSON API: rows of the contract, filters that say what they take, health and readiness."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import TYPE_CHECKING, Any

from processors.names import VISITOR
from tests.streams.exporter.site import START_MS, until
from tests.streams.exporter.traffic import traffic

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.streams.exporter.site import Exporter, Site

HOUR_MS = 3_600_000
FIELDS = [
    *("kpi", "stat", "window", "window_start_ms", "window_end_ms", "dimensions", "value"),
    *("numerator", "denominator", "samples", "unit", "provisional", "complete"),
]


async def rows(exporter: Exporter, path: str) -> list[dict[str, Any]]:
    """Return the rows of an answer."""
    found: list[dict[str, Any]] = json.loads(await exporter.text(path))
    return found


async def fault(exporter: Exporter, path: str) -> str:
    """Return the error of a request that asks for what does not exist."""
    async with exporter.http.get(path) as response:
        assert response.status == 404
        return str((await response.json())["error"])


async def busy(site: Site) -> None:
    """Fill the tables with some of everything."""
    await site.owner.claim()
    await site.owner.publish(*traffic(Random(7), 200, START_MS - HOUR_MS, START_MS))
    await site.owner.tick(START_MS)


async def test_rows_are_those_of_the_contract(site: Site) -> None:
    """Every row has the contract's fields in its order; money is a decimal string."""
    await busy(site)
    async with site.exporter() as exporter:
        found = await rows(exporter, "/api/v1/kpis")
        revenue = await rows(exporter, "/api/v1/kpis/revenue?window=1h&by=total")
    assert {row["kpi"] for row in found} <= set(site.catalog.metrics)
    assert {"page_views", "revenue", "click_through_rate"} <= {row["kpi"] for row in found}
    assert all(list(row) == FIELDS for row in found)
    assert {row["dimensions"]["currency"] for row in revenue} == {"EUR", "USD"}
    assert all(isinstance(row["value"], str) and "." in row["value"] for row in revenue)


async def test_filters(site: Site) -> None:
    """Kpi, window, by and final narrow the answer; KPIs without the window are passed over."""
    await busy(site)
    async with site.exporter() as exporter:
        some = await rows(exporter, "/api/v1/kpis?kpi=page_views,orders&window=60m&by=source")
        assert {(row["kpi"], row["window"]) for row in some} == {
            ("page_views", "1h"),
            ("orders", "1h"),
        }
        assert all(row["dimensions"].keys() <= {"source", "currency"} for row in some)
        minutes = await rows(exporter, "/api/v1/kpis?window=15m")
        assert "page_views" in {row["kpi"] for row in minutes}
        assert "orders" not in {row["kpi"] for row in minutes}
        final = await rows(exporter, "/api/v1/kpis/page_views?final=true")
        assert not any(row["provisional"] for row in final)
        live = await rows(exporter, "/api/v1/kpis/page_views")
        assert all(row["provisional"] for row in live)


async def test_what_does_not_exist_is_named(site: Site) -> None:
    """Unknown KPIs, windows, dimensions and filters are 404 with what there is instead."""
    await busy(site)
    async with site.exporter() as exporter:
        assert "did you mean page_views?" in await fault(exporter, "/api/v1/kpis/page_vews")
        assert "it has 1m, 5m" in await fault(exporter, "/api/v1/kpis/page_views?window=7h")
        assert "--by takes source or" in await fault(exporter, "/api/v1/kpis/page_views?by=ad")
        assert "unknown filter 'kpis'" in await fault(exporter, "/api/v1/kpis?kpis=page_views")
        assert "not true or false" in await fault(exporter, "/api/v1/kpis?final=maybe")
        assert "did you mean" in await fault(exporter, "/api/v1/stream?kpi=page_vews")


async def test_catalog_names_metrics(site: Site) -> None:
    """Every KPI is described, with the names under which /metrics has it."""
    await site.owner.claim()
    async with site.exporter() as exporter:
        described = {row["kpi"]: row for row in await rows(exporter, "/api/v1/catalog")}
    assert described.keys() == site.catalog.metrics.keys()
    rate = described["click_through_rate"]
    assert rate["metric"] == "kpi_click_through_rate_ratio"
    assert rate["metric_final"] == "kpi_click_through_rate_final_ratio"
    assert rate["by"][0] == "total"
    assert rate["target"] == 0.005


async def test_health_tells_every_partition(site: Site) -> None:
    """Offset, watermark, delays and counters of each partition, and each KPI's age."""
    await site.owner.claim(VISITOR)
    await site.owner.publish({"type": "page_view", "ts": START_MS, "visitor_id": "v"})
    site.now_ms += 2_000
    async with site.exporter() as exporter:
        health = json.loads(await exporter.text("/api/v1/health"))
    assert health["ready"]
    assert not health["stale"]
    assert len(health["partitions"]) == 2
    spoken = next(p for p in health["partitions"] if p["offset"])
    assert spoken["topic"] == VISITOR
    assert spoken["counters"]["events"] == 1
    assert spoken["watermark_ms"] == START_MS - 30_000
    assert spoken["watermark_delay_ms"] == 32_000
    silent = next(p for p in health["partitions"] if not p["offset"])
    assert silent["watermark_ms"] is None


async def event(response: ClientResponse) -> dict[str, Any]:
    """Return the next event of a stream."""
    while True:
        line = (await response.content.readline()).decode()
        if line.startswith("data: "):
            found: dict[str, Any] = json.loads(line.removeprefix("data: "))
            return found


async def test_stream_tells_changes_only(site: Site) -> None:
    """First every row asked for, then the rows whose figures changed, and those that are gone."""
    await site.owner.claim()
    view = {"type": "page_view", "ts": START_MS, "visitor_id": "v"}
    await site.owner.publish(view | {"source": "a"}, view | {"source": "b"})
    path = "/api/v1/stream?kpi=page_views&window=1m&by=source"
    async with site.exporter() as exporter, exporter.http.get(path) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        first = await event(response)
        assert [(r["dimensions"]["source"], r["value"]) for r in first["rows"]] == [
            ("a", 1),
            ("b", 1),
        ]
        await site.owner.publish(view | {"source": "b"})
        second = await event(response)
        assert [(r["dimensions"]["source"], r["value"]) for r in second["rows"]] == [("b", 2)]
        site.now_ms += 60_000
        third = await event(response)
        assert third["rows"] == []
        assert sorted(key[-1] for key in third["gone"]) == ["a", "b"]


async def test_stream_is_at_most_two_events_a_second(site: Site) -> None:
    """However often the tables change, a listener hears of it every half second at most."""
    await site.owner.claim()
    view = {"type": "page_view", "ts": START_MS, "visitor_id": "v"}
    loop = asyncio.get_running_loop()
    path = "/api/v1/stream?kpi=page_views"
    async with site.exporter() as exporter, exporter.http.get(path) as response:
        await event(response)
        begun_s = loop.time()

        async def publish() -> None:
            for _ in range(40):
                await site.owner.publish(view)

        publishing = asyncio.create_task(publish())
        events, value = 0, 0
        while value < 40:
            found = await event(response)
            events += 1
            totals = [r for r in found["rows"] if not r["dimensions"] and r["window"] == "5m"]
            value = totals[0]["value"] if totals else value
        await publishing
        assert events <= 2 * (loop.time() - begun_s) + 2


async def test_streams_end_with_the_exporter(site: Site) -> None:
    """An open stream does not keep the exporter from ending."""
    await site.owner.claim()
    async with site.exporter() as exporter:
        response = await exporter.http.get("/api/v1/stream")
        await event(response)
        ended = asyncio.create_task(response.content.read())
    await until(ended.done)
    ended.exception()
