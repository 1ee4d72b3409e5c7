"""The preset mappings give the figures that were published with the real files."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from statistics import mean, median, quantiles
from typing import TYPE_CHECKING, Any

import pytest

from processors.decode import Decoder, Rejection, Validity
from streams.replay.sources import open_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.data

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("KPI_TEST_DATA", ROOT.parent / "shared" / "data"))
HOUR_MS = 3_600_000


@pytest.fixture
def load() -> Callable[[str], Iterator[dict[str, Any]]]:
    """Return a function that yields a file's events in order, each checked to be valid."""

    def events(name: str) -> Iterator[dict[str, Any]]:
        path = DATA / f"{name}.parquet"
        if not path.exists():
            pytest.skip(f"{path} is not there: set KPI_TEST_DATA")
        decoder = Decoder(Validity(300_000, 10**12, 65_536))
        previous_ms = 0
        for row in open_files([path], name).rows():
            _, _, rejected = decoder.decode([(0, row.ts_ms, None, row.value)])
            assert rejected == list[Rejection]()
            assert row.ts_ms >= previous_ms
            previous_ms = row.ts_ms
            assert row.event is not None
            yield row.event

    return events


def test_ads(load: Callable[[str], Iterator[dict[str, Any]]]) -> None:
    """60,000 impressions and 287 clicks, by campaign and policy as published."""
    shown, clicked = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for event in load("ads_open_bandit"):
        found = shown if event["type"] == "ad_impression" else clicked
        found[event["channel"], event["campaign"]] += 1
    assert shown.total() == 60_000
    assert clicked == {
        ("bts", "all"): 42, ("bts", "men"): 69, ("bts", "women"): 46,
        ("random", "all"): 38, ("random", "men"): 46, ("random", "women"): 46,
    }  # fmt: skip


def test_web(load: Callable[[str], Iterator[dict[str, Any]]]) -> None:
    """Every behaviour becomes its event; nobody is lost."""
    kinds, visitors = Counter[str](), set()
    for event in load("web_taobao"):
        kinds[event["type"]] += 1
        visitors.add(event["visitor_id"])
    assert kinds == {
        "page_view": 85_773, "add_to_cart": 5_292, "goal_completed": 2_959, "purchase": 2_144,
    }  # fmt: skip
    assert len(visitors) == 58_732


def test_orders(load: Callable[[str], Iterator[dict[str, Any]]]) -> None:
    """Purchases minus refunds is the published net to the last digit; nothing is deduplicated."""
    sums, ids, invoices = defaultdict[str, Decimal](Decimal), set(), set()
    customers, countries, keyed = set(), set(), defaultdict[str, set[str]](set)
    cancelled = Decimal(0)
    for event in load("orders_online_retail"):
        sums[event["type"]] += event["value"]
        if event["order_id"].startswith("C"):
            cancelled += event["value"]
        ids.add(event["event_id"])
        invoices.add(event["order_id"])
        customers.add(event.get("customer_id"))
        countries.add(event["region"])
        keyed[event["order_id"]].add(event.get("customer_id") or event["recipient_id"])
    assert sums["purchase"] - sums["refund"] == Decimal("9747747.934")
    assert cancelled == Decimal("896812.49")
    # The published positive sum counts the two lines of negative price on its side.
    assert sums["purchase"] - (sums["refund"] - cancelled) == Decimal("10644560.424")
    assert (len(ids), len(invoices)) == (541_909, 25_900)
    assert (len(customers - {None}), len(countries)) == (4_372, 38)
    assert all(len(keys) == 1 for keys in keyed.values())  # an order stays in one partition


def test_support(load: Callable[[str], Iterator[dict[str, Any]]]) -> None:
    """Resolution times as published, over the resolution that held; replies come before them."""
    opened: dict[str, int] = {}
    solved: dict[str, int | None] = {}
    replied, reopened = Counter[str](), set()
    for event in load("support_it_incidents"):
        ticket = event["ticket_id"]
        match event["type"]:
            case "ticket_opened":
                assert ticket not in opened
                opened[ticket] = event["ts"]
            case "ticket_replied":
                replied[ticket] += 1
            case "ticket_resolved":
                assert ticket in opened
                solved[ticket] = event["ts"] - opened[ticket]
            case "ticket_reopened":
                reopened.add(ticket)
                solved[ticket] = None
    hours = [ms / HOUR_MS for ms in solved.values() if ms is not None]
    assert (len(opened), len(hours), len(reopened)) == (24_918, 23_362, 275)
    assert replied.keys() == opened.keys()
    assert max(replied.values()) == 1
    assert (round(median(hours), 1), round(mean(hours), 1)) == (22.1, 178.2)
    assert round(quantiles(hours, n=4, method="inclusive")[2], 1) == 148.5
