"""Many listeners of one selection: worked out once, written once, nobody waits for anybody."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import AsyncExitStack
from random import Random
from typing import TYPE_CHECKING, Any

from streams.exporter import push
from streams.exporter.channel import Channel, Channels
from streams.exporter.selection import Selection, select
from tests.streams.exporter.site import START_MS, until
from tests.streams.exporter.traffic import traffic

if TYPE_CHECKING:
    import pytest
    from aiohttp import ClientResponse

    from processors.evaluate import Row
    from streams.exporter.board import Board
    from tests.streams.exporter.site import Site

VIEW = {"type": "page_view", "ts": START_MS, "visitor_id": "v"}
PATH = "/api/v1/stream?kpi=page_views&window=1m&by=total"


async def event(response: ClientResponse, name: str = "kpis") -> dict[str, Any]:
    """Return the next event of this name."""
    told = ""
    while True:
        line = (await response.content.readline()).decode()
        assert line, "the stream has ended"
        if line.startswith("event: "):
            told = line.removeprefix("event: ").strip()
        if line.startswith("data: ") and told == name:
            found: dict[str, Any] = json.loads(line.removeprefix("data: "))
            return found


def values(told: dict[str, Any]) -> list[Any]:
    """Return the values of an event's rows."""
    return [row["value"] for row in told["rows"]]


async def test_rows_are_worked_out_once_for_all(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change costs one look at the rows, and one writing, however many listen."""
    await site.owner.claim()
    looks, written = 0, set[int]()
    rows_of, event_of = Selection.rows, Channel.event

    async def counted(selection: Selection, board: Board) -> list[Row]:
        nonlocal looks
        looks += 1
        return await rows_of(selection, board)

    def noted(channel: Channel, seen: int) -> bytes:
        found = event_of(channel, seen)
        written.add(id(found))
        kept.append(found)
        return found

    kept: list[bytes] = []
    monkeypatch.setattr(Selection, "rows", counted)
    monkeypatch.setattr(Channel, "event", noted)
    async with site.exporter() as exporter, AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(exporter.http.get(PATH)) for _ in range(20)]
        for told in [await event(listener) for listener in listeners]:
            assert values(told) == [0]
        looks, before = 0, len(kept)
        written.clear()
        await site.owner.publish(VIEW)
        for told in [await event(listener) for listener in listeners]:
            assert values(told) == [1]
        assert looks == 1
        assert len(kept) - before == 20
        assert len(written) == 1


async def test_a_listener_that_does_not_read_holds_nobody_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others hear of every change while one takes nothing, and after a while it is cut off."""
    await site.owner.claim()
    await site.owner.publish(*traffic(Random(3), 200, START_MS - 60_000, START_MS))
    monkeypatch.setattr(push, "WRITE_S_MAX", 3.0)
    async with site.exporter(send_bytes=4_096) as exporter:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect(("127.0.0.1", exporter.port))
        deaf.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            await until(lambda: len(exporter.listeners) == 1)
            async with exporter.http.get(PATH) as response:
                (before,) = values(await event(response))
                for count in range(1, 4):
                    await site.owner.publish(VIEW)
                    assert values(await event(response)) == [before + count]
                assert len(exporter.listeners) == 2
                await until(lambda: len(exporter.listeners) == 1)
                await site.owner.publish(VIEW)
                assert values(await event(response)) == [before + 4]
        finally:
            deaf.close()


async def test_who_leaves_leaves_no_error(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A page that is closed ends its stream, and nothing is logged as an error."""
    await site.owner.claim()
    async with site.exporter() as exporter:
        response = await exporter.http.get(f"{PATH}&health=true")
        await event(response)
        response.close()
        listeners = exporter.listeners
        await until(lambda: not listeners)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_listener_that_comes_at_the_end_does_not_delay_it(site: Site) -> None:
    """Nobody would end a stream that begins once the streams have been ended."""
    await site.owner.claim()
    async with site.exporter() as exporter:
        await exporter.app.shutdown()
        async with exporter.http.get(PATH) as response:
            assert response.status == 503
            assert (await response.json()) == {"error": "the exporter is ending"}
        assert not exporter.listeners


async def test_who_falls_behind_gets_one_event_of_all_that_changed(site: Site) -> None:
    """From any version seen, one event leads to the present rows; what is gone is named."""
    await site.owner.claim()
    by_source = select(site.catalog, {"kpi": "page_views", "window": "1m", "by": "source"})
    async with site.exporter() as exporter:
        follower = exporter.follower
        with Channels(follower).join(by_source) as (channel, listener):
            pictures: dict[int, dict[str, object]] = {0: {}}
            for step, source in enumerate("abac"):
                if step == 2:
                    site.now_ms += 70_000  # a and b leave the window
                    await channel.refresh()
                at = {"ts": site.now_ms, "source": source}
                await site.owner.publish(VIEW | at)
                await site.caught_up(follower)
                await channel.refresh()
                rows = await by_source.rows(follower.board())
                pictures[channel.version] = {r.dimensions["source"]: r.value for r in rows}
            assert listener.seen == 0
            last = pictures[channel.version]
            assert last == {"a": 1, "c": 1}
            for seen, picture in pictures.items():
                told = json.loads(channel.event(seen))
                after = dict(picture)
                for key in told["gone"]:
                    after.pop(key[-1], None)
                after |= {row["dimensions"]["source"]: row["value"] for row in told["rows"]}
                assert after == last, seen
            unchanged = json.loads(channel.event(channel.version))
            assert unchanged["rows"] == unchanged["gone"] == []


async def test_a_channel_is_closed_behind_the_last(site: Site) -> None:
    """Nothing is kept of selections that nobody listens to any more."""
    await site.owner.claim()
    selection = select(site.catalog, {"kpi": "page_views"})
    channels = Channels(site.follower())
    with channels.join(selection) as (first, _):
        with channels.join(select(site.catalog, {"kpi": "page_views"})) as (second, _):
            assert first is second
        with channels.join(select(site.catalog, {"kpi": "orders"})) as (other, _):
            assert other is not first
        assert len(channels._open) == 1
    assert channels._open == {}


async def test_health_comes_with_the_stream(site: Site) -> None:
    """Asked for, the pipeline's health is pushed too: the same as the health page's."""
    await site.owner.claim()
    await site.owner.publish(VIEW)
    async with site.exporter() as exporter, exporter.http.get(f"{PATH}&health=true") as response:
        first = await event(response, "health")
        page = json.loads(await exporter.text("/api/v1/health"))
        assert first.keys() == page.keys()
        assert first["partitions"][0].keys() == page["partitions"][0].keys()
        assert first["targets"]["conversion_rate"] == 0.03
        site.now_ms += 5_000
        await until(lambda: exporter.follower.clock_ms() == site.now_ms)
        assert (await event(response, "health"))["now_ms"] == site.now_ms
        assert await exporter.status("/api/v1/stream?health=maybe") == 404


async def test_trouble_is_told_when_it_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener hears that the tables are lost, and that they are back, though no row changed."""
    await site.owner.claim()
    async with site.exporter() as exporter, exporter.http.get(PATH) as response:
        assert not (await event(response))["stale"]
        trouble = "Redis is away"
        monkeypatch.setattr(exporter.follower, "trouble", lambda: trouble)
        told = await asyncio.wait_for(event(response), 5)
        assert told["stale"]
        assert told["reason"] == "Redis is away"
        trouble = ""
        assert not (await asyncio.wait_for(event(response), 5))["stale"]


async def test_nearest_window_and_sets(site: Site) -> None:
    """With ``nearest`` every KPI has a place: the window most like it, the total or its sets."""
    asked = {"window": "15m", "by": "total;source", "nearest": "true", "top": "2"}
    chosen = select(site.catalog, asked)
    found = {(metric.id, window.name, by) for metric, window, by in chosen.parts}
    assert {kpi for kpi, _, _ in found} == site.catalog.metrics.keys()
    assert chosen.values_max == 2
    assert {
        ("page_views", "15m", ()),
        ("page_views", "15m", ("source",)),
        ("orders", "5m", ()),
        ("customer_retention_rate", "1d", ()),
        ("visitor_goal_pacing", "day_to_date", ("source",)),
        ("opt_in_share", "1h", ("form",)),
    } <= found
    strict = select(site.catalog, {"window": "15m", "by": "total"})
    assert all(window.name == "15m" and by in ((), ("currency",)) for _, window, by in strict.parts)
