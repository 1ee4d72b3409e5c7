"""Laws of ``/t.js``, in a real browser on a real site of another origin than the collector's."""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from streams import topics
from streams.collector.keys import Key
from streams.embedded.ports import free_port
from streams.settings import load_settings
from tests.support.browser import Browser, chromium
from tests.support.collecting import Collector, make_keys
from tests.support.kafka_log import create_topics, events
from tests.support.working import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from streams.embedded.servers import Addresses
    from tests.support.browser import Tab

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(
        chromium() is None and not os.environ.get("CI"), reason="no Chromium on this machine"
    ),
]
PAGE = """<!doctype html><title>shop</title>
<script>window.kpi = window.kpi || function () {{ (kpi.q = kpi.q || []).push(arguments) }}</script>
<script async src="{collector}/t.js" data-key="{key}" {options}></script>
<button data-kpi="add_to_cart" data-kpi-product="p1" data-kpi-value="19.90"
  data-kpi-currency="EUR" data-kpi-cart-id="c1" data-kpi-quantity="2"><b>Add</b></button>
<a href="/second">next</a>
"""
LOADED = "Boolean(window.kpi && kpi.loaded)"


class Shop:
    """A web site that uses a collector."""

    def __init__(self, collector: Collector, key: str, port: int) -> None:
        self.collector, self.key = collector, key
        self.origin = f"http://localhost:{port}"
        self._port = port

    def visit(
        self, tmp_path: Path, steps: Callable[[Browser, Shop], Coroutine[Any, Any, None]]
    ) -> None:
        """Serve the site and run steps in a browser."""

        async def page(request: web.Request) -> web.Response:
            options = request.query.get("options", "")
            text = PAGE.format(collector=self.collector.url, key=self.key, options=options)
            return web.Response(text=text, content_type="text/html")

        async def run() -> None:
            app = web.Application()
            app.router.add_get("/{path:.*}", page)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "localhost", self._port).start()
            try:
                async with Browser(tmp_path) as browser:
                    await steps(browser, self)
            finally:
                await runner.cleanup()

        asyncio.run(run())

    def events(self) -> list[dict[str, Any]]:
        """Return what is in Kafka, in the order in which it happened."""
        found = events(self.collector.broker, self.collector.namespace)
        return sorted(found, key=lambda event: event["ts"])

    async def stored(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many events are in Kafka."""
        async with asyncio.timeout(20):
            while True:
                found = await asyncio.to_thread(self.events)
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.1)


@pytest.fixture
def shop(servers: Addresses, tmp_path: Path) -> Iterator[Shop]:
    """A shop with a collector and a key for its origin."""
    namespace = f"b{uuid.uuid4().hex[:12]}"
    create_topics(servers.broker, namespace)
    port, path = free_port(), tmp_path / "keys.json"
    (key,) = make_keys(path, Key("", "shop", "", origins=(f"http://localhost:{port}",)))
    with Collector(servers.broker, namespace, tmp_path, keys=str(path)) as collector:
        yield Shop(collector, key, port)


def types(found: list[dict[str, Any]]) -> list[str]:
    """Return their types."""
    return [event["type"] for event in found]


async def loaded(tab: Tab) -> None:
    """Wait for the script."""
    await tab.until(LOADED, value=True)


def test_a_visit_is_what_was_done(shop: Shop, tmp_path: Path) -> None:
    """Pages, clicks and carts of a visit arrive, once each, as one visitor's, from its source."""

    async def steps(browser: Browser, shop: Shop) -> None:
        tab = await browser.tab()
        await tab.open(f"{shop.origin}/first?utm_source=letter&utm_medium=email&q=secret#top")
        await loaded(tab)
        await tab.click("button b")
        await tab.run("kpi('goal_completed', {goal: 'newsletter'})")
        await tab.run("history.pushState({}, '', '/app/2'); history.replaceState({}, '', '/app/2')")
        await tab.click("a")  # the last beacon leaves with the page
        await tab.until("location.pathname", "/second")
        await loaded(tab)
        await tab.run("kpi('purchase', {order_id: 'o1', value: '39.80', currency: 'EUR'})")
        await browser.close_tab(tab)
        found = await shop.stored(6)
        assert types(found) == [
            "page_view", "add_to_cart", "goal_completed", "page_view", "page_view", "purchase",
        ]  # fmt: skip
        assert [e.get("landing_page") for e in found if e["type"] == "page_view"] == [
            "/first", "/app/2", "/second",
        ]  # fmt: skip
        assert len({event["visitor_id"] for event in found}) == 1
        assert len({event["event_id"] for event in found}) == 6
        assert {(event["source"], event["medium"]) for event in found} == {("letter", "email")}
        assert {event["device"] for event in found} == {"desktop"}
        cart = found[1]
        assert (cart["product"], cart["value"], cart["currency"]) == ("p1", "19.90", "EUR")
        assert (cart["cart_id"], cart["quantity"]) == ("c1", 2)
        assert "secret" not in str(found)

    shop.visit(tmp_path, steps)


def test_figures_are_those_of_the_visits(shop: Shop, servers: Addresses, tmp_path: Path) -> None:
    """Two visitors in a browser: the worker counts their sessions, pages, carts and the order."""

    async def steps(browser: Browser, shop: Shop) -> None:
        buyer, reader = await browser.tab(), await browser.tab()
        await buyer.open(f"{shop.origin}/first?utm_source=letter")
        await loaded(buyer)
        await buyer.click("button b")
        await buyer.run("kpi('purchase', {order_id: 'o1', cart_id: 'c1', value: '39.80',"
                        " currency: 'EUR'})")  # fmt: skip
        await reader.open(f"{shop.origin}/first?utm_source=letter")
        await loaded(reader)
        await reader.run("history.pushState({}, '', '/app/2')")
        await shop.stored(5)

    shop.visit(tmp_path, steps)
    flags = {"broker": servers.broker, "namespace": shop.collector.namespace}
    topics.create_topics(load_settings(flags, {}, None))  # the dead letters' one as well
    with Worker(servers, shop.collector.namespace, tmp_path) as worker:
        worker.until("page_views", 3, "--window", "1h")
        worker.until("revenue", "39.80", "--window", "1h")
        (sessions,) = worker.query("sessions", "--window", "1h", "--by", "source")
        assert (sessions["dimensions"], sessions["value"]) == ({"source": "letter"}, 2)
        (converted,) = worker.query("conversion_rate", "--window", "1h")
        assert (converted["numerator"], converted["denominator"]) == (1, 2)
        (carts,) = worker.query("cart_abandonment_rate", "--window", "1h")
        assert (carts["numerator"], carts["denominator"]) == (0, 1)


def test_by_default_nothing_stays(shop: Shop, tmp_path: Path) -> None:
    """No cookie; another tab is another visitor, unless the site asks for more."""

    async def steps(browser: Browser, shop: Shop) -> None:
        for options in ("", "", "data-identity=local", "data-identity=local"):
            tab = await browser.tab()
            await tab.open(f"{shop.origin}/x?options={options}")
            await loaded(tab)
            assert await tab.run("document.cookie") == ""
            await browser.close_tab(tab)
        found = await shop.stored(4)
        visitors = [event["visitor_id"] for event in found]
        assert len(set(visitors)) == 3
        assert visitors[2] == visitors[3]

    shop.visit(tmp_path, steps)


def test_consent_is_respected(shop: Shop, tmp_path: Path) -> None:
    """Who asks not to be tracked is not, unless they gave the site their consent."""

    async def steps(browser: Browser, shop: Shop) -> None:
        for options in ("", "data-consent=given"):
            tab = await browser.tab()
            await tab.call(
                "Page.addScriptToEvaluateOnNewDocument",
                source="Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})",
            )
            await tab.open(f"{shop.origin}/x?options={options}")
            await tab.until("typeof window.kpi === 'function' && !kpi.q", value=True)
            await tab.run("kpi('goal_completed', {goal: 'g'})")
            await browser.close_tab(tab)
        found = await shop.stored(2)
        assert types(found) == ["page_view", "goal_completed"]

    shop.visit(tmp_path, steps)


def test_events_outlive_a_collector_that_is_away(shop: Shop, tmp_path: Path) -> None:
    """They are sent again, each counts once."""

    async def steps(browser: Browser, shop: Shop) -> None:
        tab = await browser.tab()
        await tab.open(f"{shop.origin}/x")
        await loaded(tab)
        await shop.stored(1)
        await tab.call("Network.enable")
        offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await tab.call("Network.emulateNetworkConditions", offline=True, **offline)
        await tab.run("kpi('goal_completed', {goal: 'offline'})")
        await tab.run("new Promise(done => setTimeout(done, 1200))")  # it has tried, and failed
        await tab.call("Network.emulateNetworkConditions", offline=False, **offline)
        found = await shop.stored(2)
        assert types(found) == ["page_view", "goal_completed"]

    shop.visit(tmp_path, steps)


def test_a_foreign_site_cannot_use_the_key(shop: Shop, tmp_path: Path) -> None:
    """The collector refuses its origin, and the browser does not show it the answer."""

    async def steps(browser: Browser, shop: Shop) -> None:
        tab = await browser.tab()
        foreign = shop.origin.replace("localhost", "127.0.0.1")  # not the key's origin
        await tab.open(f"{foreign}/x")
        await loaded(tab)
        read = await tab.run(
            f"fetch('{shop.collector.url}/v1/beacon', {{method: 'POST', body: '{{}}'}})"
            ".then(() => 'read', () => 'hidden')"
        )
        assert read == "hidden"
        await browser.close_tab(tab)
        ours = await browser.tab()
        await ours.open(f"{shop.origin}/ours")
        await loaded(ours)
        assert [e["landing_page"] for e in await shop.stored(1)] == ["/ours"]

    shop.visit(tmp_path, steps)
