"""The courses of KPIs: every point is what kpi query answers for its time."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from processors.catalog.versions import look
from processors.windows import previous_span
from streams.exporter.courses import grid_of
from streams.exporter.follower import Follower
from streams.exporter.history import History
from streams.exporter.selection import select
from streams.query import Question
from streams.tables.measure_register import read_register
from tests.streams.exporter.site import START_MS
from tests.streams.exporter.test_versions import changed, views
from tests.streams.exporter.traffic import traffic

if TYPE_CHECKING:
    from processors.catalog.model import Metric, Window
    from processors.catalog.versions import Kept
    from tests.streams.exporter.site import Exporter, Site

HOUR_MS = 3_600_000
KPIS = {  # KPI -> by; a count, a ratio, money, a duration, a distinct count, a level, a target
    "page_views": "total",
    "conversion_rate": "source",
    "revenue": "total",
    "first_response_time": "total",
    "unique_visitors": "device",
    "open_tickets": "total",
    "sales_growth": "channel",
    "visitor_goal_pacing": "total",
}


async def courses(exporter: Exporter, path: str) -> list[dict[str, Any]]:
    """Return the courses of an answer."""
    found: list[dict[str, Any]] = json.loads(await exporter.text(f"/api/v1/history?{path}"))[
        "courses"
    ]
    return found


def shaped(value: object) -> object:
    """Return a figure as JSON has it."""
    return json.loads(json.dumps(value))


async def value_at(
    site: Site, asked: tuple[Metric, Window, tuple[str, ...]], end_ms: int
) -> dict[tuple[Any, ...], object]:
    """Return (stat, dimensions) -> value of the window that ends then, by kpi query."""
    metric, window, dimensions = asked
    rows = await site.asked(Question(metric, window, dimensions, at_ms=end_ms))
    assert all(row.window_end_ms == end_ms for row in rows)
    return {(r.stat, *r.dimensions.items()): shaped(r.value) for r in rows}


async def busy(site: Site, days: int) -> None:
    """Fill the tables with some of everything over so many days."""
    await site.owner.claim()
    since_ms = START_MS - days * 24 * HOUR_MS
    await site.owner.publish(*traffic(Random(8), 900, since_ms, START_MS))
    await site.owner.publish(*traffic(Random(9), 300, START_MS - 3 * HOUR_MS, START_MS))
    await site.owner.tick(START_MS)


@pytest.mark.parametrize("name", ["1m", "5m", "15m", "1h", "1d", "day_to_date", "month_to_date"])
async def test_points_are_what_query_answers(site: Site, name: str) -> None:
    """Value and the one before, at points taken at random, of every kind of KPI."""
    await busy(site, days=12)
    random, compared = Random(1), 0
    async with site.exporter() as exporter:
        for kpi, by in KPIS.items():
            metric = site.catalog.metrics[kpi]
            window = next((w for w in metric.windows if w.name == name), None)
            if window is None:
                continue
            found = await courses(exporter, f"kpi={kpi}&window={name}&by={by}")
            sets = {tuple(course["dimensions"]) for course in found}
            assert found, kpi
            assert len(sets) == 1
            for number in random.sample(range(len(found[0]["points"])), 3):
                points = {(c["stat"], *c["dimensions"].items()): c["points"][number] for c in found}
                end_ms = found[0]["points"][number][0]
                before_ms = previous_span(window, end_ms, site.catalog.ladder)[1]
                asked = (metric, window, next(iter(sets)))
                now, then = [await value_at(site, asked, at) for at in (end_ms, before_ms)]
                for key, (_, value, before) in points.items():
                    assert value is None or value == now[key]
                    assert before is None or before == then[key]
                    compared += (value is not None) + (before is not None)
    assert compared > 3


async def test_ends_are_a_grid_up_to_now(site: Site) -> None:
    """Points lie a step apart; the last is the last whole step before now."""
    await busy(site, days=1)
    async with site.exporter() as exporter:
        (course,) = await courses(exporter, "kpi=page_views&window=5m&by=total")
    window = next(w for w in site.catalog.metrics["page_views"].windows if w.name == "5m")
    grid = grid_of(window)
    ends = [end_ms for end_ms, _, _ in course["points"]]
    assert ends == list(range(ends[0], START_MS + 1, grid.step_ms))
    assert ends[-1] > START_MS - grid.step_ms
    assert ends[-1] - ends[0] == grid.range_ms
    assert course["step_ms"] == grid.step_ms


async def test_what_was_before_the_first_event_is_unknown(site: Site) -> None:
    """A window that began before anything was stored has no value, rather than 0."""
    await site.owner.claim()
    first_ms = START_MS - 20 * 60_000
    await site.owner.publish(
        *({"type": "page_view", "ts": at, "visitor_id": "v"} for at in (first_ms, START_MS))
    )
    async with site.exporter() as exporter:
        (course,) = await courses(exporter, "kpi=page_views&window=5m&by=total")
    for end_ms, value, before in course["points"]:
        assert (value is None) == (end_ms - 5 * 60_000 < first_ms)
        assert (before is None) == (end_ms - 10 * 60_000 < first_ms)


async def test_a_course_begins_with_its_definition(site: Site) -> None:
    """A changed definition's windows from before the change are unknown, not 0; see below.

    ::

        10:00        10:10                10:20
        2 views      only phones count    3 views, 1 of them on a phone
    """
    then = views(", where: {device: [phone]}")
    await changed(site, views(), then)

    async def kept() -> Kept:
        return look(await read_register(site.client, site.namespace), then)

    site.now_ms += 60_000
    follower = Follower(site.reader, then, site.clock_ms, kept)
    await follower.load()
    body = await History(follower).answer(select(then, {"window": "5m"}))
    (course,) = json.loads(body)["courses"]
    values = {(at - START_MS) // 60_000: value for at, value, _ in course["points"]}
    known = {minute: value for minute, value in values.items() if value is not None}
    assert known == {16: 0, 17: 0, 18: 0, 19: 0, 20: 0, 21: 1}  # windows that began behind 10:10


async def test_a_course_is_read_once_a_step(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks again before a window's next point causes no reading, later only of that window."""
    await busy(site, days=4)
    reads = 0
    snapshot = type(site.reader).snapshot

    async def counted(reader: Any, *asked: Any) -> Any:
        nonlocal reads
        reads += 1
        return await snapshot(reader, *asked)

    path = "kpi=page_views,new_customers&window=5m&by=total&nearest=true"
    async with site.exporter() as exporter:
        monkeypatch.setattr(type(site.reader), "snapshot", counted)
        first = await courses(exporter, path)
        both = reads
        assert {course["window"] for course in first} == {"5m", "1d"}
        site.now_ms += 20_000
        assert await courses(exporter, path) == first
        assert reads == both
        site.now_ms += 60_000
        later = {course["kpi"]: course["points"] for course in await courses(exporter, path)}
        assert reads == both + both // 2
    before = {course["kpi"]: course["points"] for course in first}
    assert later["new_customers"] == before["new_customers"]
    assert later["page_views"][-1][0] > before["page_views"][-1][0]


async def test_every_preset_has_a_course(site: Site) -> None:
    """One request for the page's first look: no KPI fails, whatever it reads."""
    await busy(site, days=2)
    async with site.exporter() as exporter:
        found = await courses(exporter, "window=1h&by=total&nearest=true&top=8")
        known = {course["kpi"] for course in found}
        assert {"page_views", "conversion_rate", "revenue", "first_response_time"} <= known
        assert await exporter.status("/api/v1/history?final=true") == 404
        assert await exporter.status("/api/v1/history?kpi=page_vews") == 404
