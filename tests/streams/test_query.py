"""kpi query: exact answers from the tables, and errors that say what there is instead."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from processors.errors import CheckFailedError, UsageError
from streams.embedded.ports import LOOPBACK, free_port
from streams.query import answer, ask, find_window, parse_time
from tests.processors.catalog.presets import presets
from tests.streams.exporter.site import START_MS, Site

if TYPE_CHECKING:
    from processors.evaluate import Row

TIMEOUT_S = 30
MINUTE_MS = 60_000
_FIELDS = (
    *("kpi", "stat", "window", "window_start_ms", "window_end_ms", "dimensions", "value"),
    *("numerator", "denominator", "samples", "unit", "provisional", "complete"),
)


@pytest.fixture(scope="module")
def shop(valkey: str) -> Site:
    """Eight impressions, two clicks and orders in two currencies, around START_MS, sealed later."""
    with asyncio.Runner() as runner:
        site = Site(valkey, "query", presets())
        runner.run(_fill(site))
        runner.run(site.close())
    return site


async def _fill(site: Site) -> None:
    await site.owner.claim()
    shown = {"type": "ad_impression", "ts": START_MS, "campaign": "spring"}
    clicked = {"type": "ad_click", "ts": START_MS, "visitor_id": "v", "campaign": "spring"}
    order = {"type": "purchase", "ts": START_MS, "visitor_id": "v", "source": "mail"}
    await site.owner.publish(*[shown] * 7, shown | {"campaign": "autumn"}, clicked, clicked)
    await site.owner.publish(
        order | {"order_id": "1", "value": "10.105", "currency": "EUR"},
        order | {"order_id": "2", "value": 3, "currency": "USD"},
    )
    site.now_ms += 10 * MINUTE_MS
    await site.owner.tick(site.now_ms)


def answered(site: Site, kpi: str, *, now_ms: int = START_MS, **asked: Any) -> list[Row]:
    """Return the answer to a question, asked at some time."""

    async def run() -> list[Row]:
        fresh = Site(site.redis_url, site.namespace, site.catalog)
        try:
            question = ask(site.catalog, kpi, **asked)
            return await answer(fresh.reader, site.catalog, question, now_ms)
        finally:
            await fresh.close()

    return asyncio.run(run())


def test_a_ratio_with_its_sides(shop: Site) -> None:
    """2 clicks on 8 impressions are 0.25, and the row says so."""
    (row,) = answered(shop, "click_through_rate", window="5m")
    assert (row.value, row.numerator, row.denominator, row.samples) == (0.25, 2, 8, 8)
    assert (row.window_start_ms, row.window_end_ms) == (START_MS - 290_000, START_MS + 10_000)
    assert row.complete


def test_by_a_dimension(shop: Site) -> None:
    """Each campaign has its own row; values never seen have none."""
    rows = answered(shop, "click_through_rate", window="5m", by="campaign")
    assert [(row.dimensions["campaign"], row.value) for row in rows] == [
        ("autumn", 0),
        ("spring", 2 / 7),
    ]


@pytest.mark.parametrize("by", ["", "currency"])
def test_money_is_exact_and_by_currency(shop: Site, by: str) -> None:
    """Amounts are decimal strings in each currency, whether currency is named or not."""
    rows = answered(shop, "revenue", by=by)
    assert [(row.dimensions, row.value) for row in rows] == [
        ({"currency": "EUR"}, "10.105"),
        ({"currency": "USD"}, "3.00"),
    ]


def test_dimensions_in_any_order() -> None:
    """A dimension set is a set: its order and the currency do not matter."""
    metric = presets().metrics["revenue"]
    sets = {ask(presets(), "revenue", by=by).dimensions for by in ("source", "currency,source")}
    assert sets == {("source", "currency")}
    assert sets <= set(metric.dimension_sets)
    asked = ask(presets(), "click_through_rate", by=" channel , campaign ")
    assert asked.dimensions == ("campaign", "channel")


def test_undefined_is_a_row_without_a_value(shop: Site) -> None:
    """The total over nothing is there, with value null and 0 samples."""
    (row,) = answered(shop, "click_through_rate", now_ms=START_MS + 60 * MINUTE_MS)
    assert (row.value, row.denominator, row.samples) == (None, 0, 0)


@pytest.mark.parametrize(
    ("at_ms", "end_ms", "views"),
    [
        (START_MS, START_MS, None),  # on the grid: the window ends there
        (START_MS + 1, START_MS + 10_000, 0.25),  # else it holds the instant
        (START_MS + MINUTE_MS, START_MS + MINUTE_MS, 0.25),
        (START_MS + MINUTE_MS + 1, START_MS + MINUTE_MS + 10_000, None),
    ],
)
def test_at_a_time(shop: Site, at_ms: int, end_ms: int, views: float | None) -> None:
    """A window ends at the time asked for where it can, else with the pane that holds it."""
    (row,) = answered(shop, "click_through_rate", window="1m", at=str(at_ms))
    assert (row.window_end_ms, row.value) == (end_ms, views)


def test_final_ends_at_the_watermark(shop: Site) -> None:
    """Now and final is the slowest watermark, however long ago that was: history has one too."""
    watermark_ms = START_MS + 10 * MINUTE_MS - 30_000
    for now_ms in (START_MS + 11 * MINUTE_MS, START_MS + 10_000 * MINUTE_MS):
        (row,) = answered(shop, "click_through_rate", window="1h", final=True, now_ms=now_ms)
        assert row.window_end_ms == watermark_ms - 30_000  # the minute before
        assert (row.value, row.provisional) == (0.25, False)


def test_final_before_its_time_is_refused(shop: Site) -> None:
    """A final window past the watermark is an error, a provisional one is marked."""
    at = str(START_MS + 20 * MINUTE_MS)
    with pytest.raises(CheckFailedError, match=r"not final yet: the slowest watermark is"):
        answered(shop, "click_through_rate", at=at, final=True)
    assert answered(shop, "click_through_rate", at=at)[0].provisional
    assert not answered(shop, "click_through_rate", at=str(START_MS))[0].provisional


def test_nothing_is_final_without_records(shop: Site) -> None:
    """Where a topic was never claimed or is silent, the error names it."""
    empty = Site(shop.redis_url, "query-empty", shop.catalog)
    with pytest.raises(CheckFailedError, match=r"no worker has claimed tracking\.ads"):
        answered(empty, "click_through_rate", final=True)
    assert answered(empty, "click_through_rate")[0].value is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kpi": "click_trough_rate"}, r"did you mean click_through_rate\?"),
        ({"kpi": "page_views", "window": "7m"}, "it has 1m, 5m, 15m, 1h, 1d"),
        ({"kpi": "page_views", "window": "soon"}, "no window 'soon'"),
        ({"kpi": "page_views", "by": "ad"}, "--by takes source or .*; without --by"),
        ({"kpi": "page_views", "by": "source,device"}, "not kept by 'source,device'"),
        ({"kpi": "page_views", "at": "yesterday"}, "is not a time"),
        ({"kpi": "page_views", "at": "2026-01-31T12:00:00"}, "no offset from UTC"),
    ],
)
def test_what_does_not_exist_is_named(asked: dict[str, str], said: str) -> None:
    """Unknown KPIs, windows, dimensions and times are refused with what there is instead."""
    with pytest.raises(UsageError, match=said):
        ask(presets(), **asked)


@pytest.mark.parametrize(("name", "found"), [("", "1m"), ("60m", "1h"), ("24h", "1d")])
def test_windows_by_other_names(name: str, found: str) -> None:
    """Without a name it is the KPI's first window; the same length is the same window."""
    assert find_window(presets().metrics["page_views"], name).name == found


@pytest.mark.parametrize(
    ("text", "found_ms"),
    [
        ("now", None),
        ("1767607200000", START_MS),
        ("2026-01-05T10:00:00Z", START_MS),
        ("2026-01-05T11:00:00.5+01:00", START_MS + 500),
    ],
)
def test_times(text: str, found_ms: int | None) -> None:
    """Times are now, milliseconds, or RFC 3339 with an offset."""
    assert parse_time(text) == found_ms


def kpi(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KPI_")}
    return subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "query", *arguments],
        env=environment | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_command_prints_json(shop: Site) -> None:
    """The command answers with the contract's fields, and exit code 0."""
    at = "2026-01-05T10:01:00Z"
    where = ("--redis-url", shop.redis_url, "--namespace", shop.namespace)
    ran = kpi("revenue", "--by", "source", "--at", at, "--format", "json", *where)
    assert (ran.returncode, ran.stderr) == (0, "")
    rows = json.loads(ran.stdout)
    assert [tuple(row) for row in rows] == [_FIELDS, _FIELDS]
    assert rows[0] == {
        "kpi": "revenue",
        "stat": "value",
        "window": "5m",
        "window_start_ms": START_MS - 4 * MINUTE_MS,
        "window_end_ms": START_MS + MINUTE_MS,
        "dimensions": {"source": "mail", "currency": "EUR"},
        "value": "10.105",
        "numerator": None,
        "denominator": None,
        "samples": 1,
        "unit": "money",
        "provisional": False,
        "complete": True,
    }


def test_command_prints_a_table(shop: Site) -> None:
    """By default people get a table; undefined is a dash."""
    where = ("--redis-url", shop.redis_url, "--namespace", shop.namespace)
    ran = kpi("click_through_rate", *where)
    assert ran.returncode == 0, ran.stderr
    header, line = ran.stdout.splitlines()
    assert header.split()[:3] == ["value", "(ratio)", "numerator"]
    assert line.split()[:4] == ["-", "0", "0", "0"]


def test_exit_codes(shop: Site) -> None:
    """2 for what does not exist, 3 for a Redis that is away, each with one line."""
    where = ("--redis-url", shop.redis_url, "--namespace", shop.namespace)
    away = f"redis://{LOOPBACK}:{free_port()}/0"
    for code, arguments in (
        (2, ("page_vews", *where)),
        (1, ("page_views", "--final", "--namespace", "query-empty", *where[:2])),
        (3, ("page_views", "--redis-url", away)),
    ):
        ran = kpi(*arguments)
        assert ran.returncode == code, ran.stderr
        assert len(ran.stderr.splitlines()) == 1
        assert ran.stdout == ""
