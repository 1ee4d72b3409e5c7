"""A browser, or a reason why there is none; a shop's traffic up to the clock's time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams.simulator.traffic import history
from tests.streams.exporter.site import START_MS
from tests.support.browser import chromium

if TYPE_CHECKING:
    from tests.streams.exporter.site import Site

HOUR_MS = 3_600_000
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none; in CI it fails."""
    if chromium() is None and not os.environ.get("CI"):
        skip = pytest.mark.skip(reason="no Chromium on this machine")
        for item in items:
            if _HERE in item.path.parents:
                item.add_marker(skip)


async def fill(site: Site, hours: int = 3, rate: float = 0.5) -> None:
    """Publish a shop's traffic, some costs, and records that are no events."""
    await site.owner.claim()
    events = [*history(7, START_MS - hours * HOUR_MS, START_MS, rate)]
    for hour in range(hours):
        cost = {"type": "ad_cost", "value": f"{40 + hour}.50", "currency": "EUR"}
        events.append(cost | {"ts": START_MS - hour * HOUR_MS - 1, "campaign": "brand"})
    events += [{"type": "page_view", "ts": START_MS - 1, "visitor_id": ""}] * 3  # BAD!
    await site.owner.publish(
        *({k: v for k, v in event.items() if k != "event_id"} for event in events)
    )
    await site.owner.tick(START_MS)
