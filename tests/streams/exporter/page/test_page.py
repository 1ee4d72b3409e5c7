"""The live page in a real browser: it shows what the API says, and what is pushed to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from processors.names import VISITOR
from tests.processors.catalog.presets import loaded
from tests.streams.exporter.page.conftest import fill
from tests.streams.exporter.page.visit import (
    DESKTOP_DARK,
    DESKTOP_LIGHT,
    PHONE_DARK,
    PHONE_LIGHT,
    PIPELINE_READY,
    READY,
    WALL_DARK,
    Screen,
    Visit,
)
from tests.streams.exporter.site import START_MS, Site
from tests.support.browser import Browser

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from tests.streams.exporter.site import Exporter

FAMILY = "#/site?window=1h&by=source"
PIPELINE = "#/pipeline"
TILES = """Object.fromEntries([...document.querySelectorAll('[data-kpi]')].map(tile => [
    tile.dataset.kpi, {
        state: tile.dataset.state,
        value: tile.querySelector('.figure .value').getAttribute('value'),
        text: tile.querySelector('.figure .value').textContent,
        change: tile.querySelector('.change:not([hidden]) data')?.getAttribute('value') ?? null,
        target: tile.querySelector('.target:not([hidden])')?.textContent ?? '',
        note: tile.querySelector('.note:not([hidden])')?.textContent ?? '',
        marks: tile.querySelector('.marks').textContent,
        parts: [...tile.querySelectorAll('.parts:not([hidden]) li')].map(
            item => [item.children[0].textContent, item.children[1].getAttribute('value')]),
    }]))"""


async def rows(exporter: Exporter, path: str) -> Any:
    """Return an answer of the API."""
    return json.loads(await exporter.text(path))


def main_row(found: list[dict[str, Any]], kpi: str, stat: str) -> dict[str, Any] | None:
    """Return the row that stands for a KPI: the total, of the currency with the most samples."""
    totals = [
        row
        for row in found
        if row["kpi"] == kpi and row["stat"] == stat and row["dimensions"].keys() <= {"currency"}
    ]
    known = [row for row in totals if row["value"] is not None] or totals
    return max(known, key=lambda row: row["samples"], default=None)


async def test_values_are_the_apis(site: Site, tmp_path: Path) -> None:
    """Every tile's value, target and change is what the API says of its KPI, in its unit."""
    await fill(site)
    compared = changes = 0
    async with site.exporter() as exporter, Browser(tmp_path) as browser:
        visit = await Visit.begin(browser, exporter.url)
        await visit.open()
        tiles = await visit.run(TILES)
        chosen = "window=1h&nearest=true&by=total"
        found = await rows(exporter, f"/api/v1/kpis?{chosen}")
        waiting = (await rows(exporter, "/api/v1/health"))["waiting"]
        courses = (await rows(exporter, f"/api/v1/history?{chosen}&top=8"))["courses"]
        assert tiles.keys() == site.catalog.metrics.keys()
        for kpi, tile in tiles.items():
            row = main_row(found, kpi, site.catalog.metrics[kpi].stats[0])
            if row is None or row["value"] is None:
                assert tile["value"] == "", kpi
                continue
            assert row["window"] not in waiting.get(kpi, {})
            assert float(tile["value"]) == float(row["value"]), kpi
            compared += 1
            alike = [
                c
                for c in courses
                if (c["kpi"], c["stat"], c["dimensions"]) == (kpi, row["stat"], row["dimensions"])
            ]
            before = alike[0]["points"][-1][2] if alike else None
            if before is None or float(before) == 0:
                assert tile["change"] is None, kpi
            else:
                gained = (float(row["value"]) - float(before)) / abs(float(before))
                assert float(tile["change"]) == pytest.approx(gained), kpi
                changes += 1
        texts = {kpi: (tile["text"], tile["target"]) for kpi, tile in tiles.items()}
        views = main_row(found, "page_views", "value")
        rate = main_row(found, "conversion_rate", "value")
        money = main_row(found, "revenue", "value")
        assert views is not None
        assert rate is not None
        assert money is not None
        assert texts["page_views"][0] == f"{views['value']:,}"
        assert texts["conversion_rate"][0] == f"{rate['value']:.2%}"
        assert texts["conversion_rate"][1] in {"On target \u2265 3.00%", "Below target 3.00%"}
        assert (texts["conversion_rate"][1][0] == "O") == (rate["value"] >= 0.03)
        assert texts["revenue"][0] == f"\u20ac{float(money['value']):,.2f}"
        assert visit.faults() == []
    assert compared > 35
    assert changes > 20


async def test_a_breakdown_is_the_apis(site: Site, tmp_path: Path) -> None:
    """A family by source shows the largest values, with the API's figures."""
    await fill(site)
    async with site.exporter() as exporter, Browser(tmp_path) as browser:
        visit = await Visit.begin(browser, exporter.url)
        await visit.open(FAMILY)
        shown = (await visit.run(TILES))["page_views"]["parts"]
        found = await rows(exporter, "/api/v1/kpis/page_views?window=1h&by=source&top=8")
        names = {"__none__": "(none)"}
        expected = sorted(
            ((names.get(r["dimensions"]["source"], r["dimensions"]["source"]), r) for r in found),
            key=lambda item: -item[1]["samples"],
        )
        assert sorted(shown) == sorted([name, str(row["value"])] for name, row in expected)
        sizes = [float(value) for _, value in shown]
        assert sizes == sorted(sizes, reverse=True)
        assert len(shown) > 3


async def test_changes_are_pushed(site: Site, tmp_path: Path) -> None:
    """An event that is counted shows within moments, over the one stream that is open."""
    await site.owner.claim()
    view = {"type": "page_view", "ts": START_MS, "visitor_id": "v", "source": "a"}
    await site.owner.publish(view)
    shown = "document.querySelector('[data-kpi=page_views] .value').value"
    async with site.exporter() as exporter, Browser(tmp_path) as browser:
        visit = await Visit.begin(browser, exporter.url)
        await visit.open()
        assert await visit.run(shown) == "1"
        for count in (2, 3):
            await site.owner.publish(view)
            await visit.until(shown, str(count))
        await visit.until("document.querySelector('#status').innerText", "Live")
        asked = visit.requests()
        assert sum("/api/v1/stream" in url for url in asked) == 1
        assert not any("/api/v1/kpis" in url for url in asked)


async def test_what_waits_is_not_zero(site: Site, tmp_path: Path) -> None:
    """A KPI that lacks an input says for which, since when, and shows no figure."""
    await fill(site)
    async with site.exporter() as exporter, Browser(tmp_path) as browser:
        visit = await Visit.begin(browser, exporter.url)
        await visit.open()
        tiles = await visit.run(TILES)
        waiting = (await rows(exporter, "/api/v1/health"))["waiting"]
        assert {"share_of_voice", "operating_expenses"} <= waiting.keys()
        for kpi in ("share_of_voice", "operating_expenses"):
            tile = tiles[kpi]
            assert tile["state"] == "waiting"
            assert tile["value"] == ""
            assert "0" not in tile["text"]
            assert tile["note"].lower() in waiting[kpi].values()
        assert tiles["page_views"]["state"] != "waiting"


async def test_open_windows_are_marked(site: Site, tmp_path: Path) -> None:
    """Live values are marked provisional, final ones are not; deleted panes make incomplete."""
    await fill(site)
    site.owner.expire_before = {"1m": START_MS - 30 * 60_000}
    await site.owner.tick(START_MS)
    async with site.exporter() as exporter, Browser(tmp_path) as browser:
        visit = await Visit.begin(browser, exporter.url)
        await visit.open("#/site?window=1h")
        assert "provisional" in (await visit.run(TILES))["page_views"]["marks"]
        await visit.until(f"({TILES}).page_views.marks.includes('incomplete')")
        await visit.tab.click(".switch .knob")
        await visit.until(f"({TILES}).page_views.marks.includes('provisional')", value=False)
        await visit.until("location.hash.includes('final=true')")
        final = await rows(exporter, "/api/v1/kpis/page_views?window=1h&by=total&final=true")
        await visit.until(f"({TILES}).page_views.value", str(final[0]["value"]))


OWN = """
family: shop
measures:
  views: {events: [page_view], agg: count}
metrics:
  shop_views:
    type: simple
    label: Views
    description: Pages shown.
    formula: count of page views
    unit: count
    direction: up
    numerator: views
    windows: [5m]
    stats: [value, change]
    target: 3
"""


async def test_a_kpis_own_change_is_shown(
    valkey: str, runner: asyncio.Runner, tmp_path: Path
) -> None:
    """Where the catalogue keeps a KPI's change it is shown, live; a catalogue may be small."""
    site = Site(valkey, "own-change", loaded(OWN))
    try:
        await site.owner.claim()
        view = {"type": "page_view", "visitor_id": "v"}
        earlier = [view | {"ts": START_MS - 6 * 60_000}] * 2
        await site.owner.publish(*earlier, *[view | {"ts": START_MS}] * 3)
        async with site.exporter() as exporter, Browser(tmp_path) as browser:
            visit = await Visit.begin(browser, exporter.url)
            await visit.open()
            tile = (await visit.run(TILES))["shop_views"]
            assert (tile["value"], tile["change"], tile["state"]) == ("3", "0.5", "ok")
            await site.owner.publish(view | {"ts": START_MS})
            await visit.until(f"({TILES}).shop_views.change", "1")
            assert "+100%" in await visit.text_of(".change")
            assert visit.faults() == []
    finally:
        await site.close()


async def test_dead_letters_and_health_are_the_apis(site: Site, tmp_path: Path) -> None:
    """The pipeline's panel counts what the health page counts, by reason and by partition."""
    await fill(site)
    async with site.exporter() as exporter, Browser(tmp_path) as browser:
        visit = await Visit.begin(browser, exporter.url)
        await visit.open(PIPELINE, PIPELINE_READY)
        health = await rows(exporter, "/api/v1/health")
        counters = [p["counters"] for p in health["partitions"]]
        rejected = {
            name.removeprefix("rejected:"): sum(c.get(name, 0) for c in counters)
            for one in counters
            for name in one
            if name.startswith("rejected:")
        }
        assert sum(rejected.values()) == 3
        shown = await visit.run(
            "Object.fromEntries([...document.querySelectorAll('tbody tr')].filter(r => "
            "r.querySelector('data')).map(r => [r.children[0].textContent, "
            "r.querySelector('data').value]))"
        )
        wanted = {name.replace("_", " ").capitalize(): str(n) for name, n in rejected.items()}
        assert shown == wanted
        events = sum(c.get("events", 0) for c in counters)
        assert f"{events:,} counted in all" in await visit.text_of("[data-stat=events]")
        lines = await visit.run("document.querySelectorAll('main > .panel tbody tr').length")
        assert lines == len(health["partitions"])
        assert visit.faults() == []


async def test_a_cut_stream_says_so_and_comes_back(site: Site, tmp_path: Path) -> None:
    """Without the exporter the page says since when; once it is back, figures move again."""
    await site.owner.claim()
    view = {"type": "page_view", "ts": START_MS, "visitor_id": "v", "source": "a"}
    await site.owner.publish(view)
    async with Browser(tmp_path) as browser:
        async with site.exporter() as exporter:
            visit = await Visit.begin(browser, exporter.url)
            await visit.open()
            assert await visit.text_of("#status") == "Live"
        await visit.until("document.querySelector('#status').innerText", "Reconnecting")
        said = await visit.text_of("#banner")
        assert "The stream is cut" in said
        assert "The figures are those of" in said
        assert await visit.violations() == []
        assert await visit.run("document.querySelector('#banner').getAttribute('role')") == "alert"
        await site.owner.publish(view)
        async with site.exporter(port=exporter.port):
            await visit.until("document.querySelector('#status').innerText", "Live")
            await visit.until("document.querySelector('[data-kpi=page_views] .value').value", "2")
            assert await visit.run("document.querySelector('#banner').hidden")


async def test_an_exporter_with_other_kpis_is_noticed(
    site: Site, valkey: str, tmp_path: Path
) -> None:
    """Whoever comes back after a cut may know other KPIs: the page shows those."""
    await site.owner.claim(VISITOR)
    own = Site(valkey, "other-kpis", loaded(OWN))
    try:
        await own.owner.claim()
        async with Browser(tmp_path) as browser:
            async with own.exporter() as exporter:
                visit = await Visit.begin(browser, exporter.url)
                await visit.open()
                assert (await visit.run(TILES)).keys() == {"shop_views"}
            async with site.exporter(port=exporter.port):
                shown = "document.querySelectorAll('[data-kpi]').length"
                await visit.until(shown, len(site.catalog.metrics))
    finally:
        await own.close()


async def test_a_token_is_asked_for_once(site: Site, tmp_path: Path) -> None:
    """With a token set the page asks for it, says where it is wrong, and keeps it for the tab."""
    await site.owner.claim(VISITOR)
    await site.owner.publish({"type": "page_view", "ts": START_MS, "visitor_id": "v"})
    asked = "document.querySelector('#login').open"
    async with (
        site.exporter(token="s3cret") as exporter,  # noqa: S106
        Browser(tmp_path) as browser,
    ):
        visit = await Visit.begin(browser, exporter.url)
        await visit.open("", asked)
        assert await visit.violations() == []
        for token, fault in (("guess", "This token was not accepted."), ("s3cret", "")):
            await visit.run(
                f"document.querySelector('#token').value = '{token}';"
                "document.querySelector('#login-form').requestSubmit()"
            )
            if fault:
                await visit.until("document.querySelector('#login-fault').innerText", fault)
        await visit.until(READY)
        await visit.until("document.querySelector('[data-kpi=page_views] .value').value", "1")
        assert not await visit.run(asked)
        await visit.open("?again")
        await visit.until("document.querySelector('[data-kpi=page_views] .value').value", "1")
        assert not any("s3cret" in url for url in visit.requests())
        assert await visit.run("localStorage.length + document.cookie.length") == 0


@pytest.mark.parametrize(
    "screen",
    [DESKTOP_LIGHT, DESKTOP_DARK, PHONE_LIGHT, PHONE_DARK, WALL_DARK],
    ids=lambda screen: screen.name,
)
async def test_every_view_is_accessible_and_clean(
    site: Site, tmp_path: Path, screen: Screen
) -> None:
    """No axe violation, no console error, no other host, nothing wider than the screen."""
    await fill(site)
    async with site.exporter() as exporter, Browser(tmp_path) as browser:
        visit = await Visit.begin(browser, exporter.url, screen)
        for address, ready in (("", READY), (FAMILY, READY), (PIPELINE, PIPELINE_READY)):
            await visit.open(address, ready)
            name = address.strip("#/").partition("?")[0] or "overview"
            await visit.until(
                "[...document.images].every(i => i.complete) && document.fonts.status", "loaded"
            )
            await visit.keep_picture(f"{screen.name}-{name}")
            assert await visit.violations() == [], address
            wide = await visit.run("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, address
        await visit.run("document.querySelector('main').append(new Image())")  # BAD!
        assert [line.split(":")[0] for line in await visit.violations()] == ["image-alt"]
        dark = await visit.run("matchMedia('(prefers-color-scheme: dark)').matches")
        shade = await visit.run("getComputedStyle(document.body).backgroundColor")
        bright = int(shade.strip("rgb()").split(",")[0]) > 128
        assert dark == (screen.scheme == "dark") == (not bright)
        assert visit.faults() == []
        assert all(url.startswith(f"{exporter.url}/") for url in visit.requests())


async def test_the_keyboard_reaches_everything(site: Site, tmp_path: Path) -> None:
    """Tab goes to the skip link, the views and each picker; keys alone change what is shown."""
    await fill(site, hours=1)
    where = (
        "(e => e.id || e.dataset.view || e.name || e.closest('[data-kpi]')?.dataset.kpi || '')"
        "(document.activeElement)"
    )
    outlined = (
        "(e => [e, e.nextElementSibling].some(x => x && getComputedStyle(x).outlineStyle !== "
        "'none'))(document.activeElement)"
    )
    async with site.exporter() as exporter, Browser(tmp_path) as browser:
        visit = await Visit.begin(browser, exporter.url)
        await visit.open()
        order: list[str] = []
        while "final" not in order:
            await visit.press("Tab")
            order.append(await visit.run(where))
            assert await visit.run(outlined), order
            assert len(order) < 30, order
            if order[-1] == "window":
                await visit.press("ArrowRight")
                await visit.until("location.hash.includes('window=1d')")
            if order[-1] == "by":
                await visit.press("ArrowDown")
                await visit.until("/by=[a-z]/.test(location.hash)")
        await visit.press(" ")
        await visit.until("location.hash.includes('final=true')")
        families = list(dict.fromkeys(m.family for m in site.catalog.metrics.values()))
        assert order == ["skip", "overview", *families, "pipeline", "window", "by", "final"]
        await visit.press("Tab")
        assert await visit.run(where) in site.catalog.metrics
        await visit.press("Enter")
        await visit.until("document.querySelectorAll('.card').length > 0")
        assert await visit.run("document.activeElement.className") == "card"
        assert visit.faults() == []
