"""A backfill over real servers: the log once more, beside the live figures.

::

    log     |------- 10 min of traffic -------|
    live    worker ───────────────────────────>  tables A
    backfill       same catalogue ────────────>  tables B = A, cell by cell
                   from the middle on         >  B' = A where B' has panes; the rest says incomplete
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
import pytest

from processors.ladder import ALL
from streams.catalog_files import read_catalog
from streams.cli.main import main
from streams.replay.run import replay
from streams.replay.sources import open_files
from streams.settings import Settings
from streams.simulator.traffic import history
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from pathlib import Path

    from streams.embedded.servers import Addresses
    from streams.tables.base import RungPanes

pytestmark = [pytest.mark.servers, pytest.mark.brokers]

START_MS = 1_500_000_000_000
MIDDLE_MS = START_MS + 300_000
_EVER_MS = 1 << 52


@pytest.fixture(scope="module")
def live(servers: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a namespace in which a worker has counted ten minutes of traffic."""
    path = tmp_path_factory.mktemp("backfill") / "events.ndjson"
    traffic = history(4, START_MS, START_MS + 600_000, 20)
    path.write_bytes(b"\n".join(map(msgspec.json.encode, traffic)))
    settings = replace(
        Settings(),
        broker=servers.broker,
        redis_url=servers.redis_url,
        namespace=f"t-{uuid4().hex[:8]}",
        partitions=2,
        rebalance_timeout_ms=1_000,
        keep_all_panes=1,
    )
    replay(settings, open_files([path], None))
    return settings


def panes(settings: Settings, namespace: str, rung: str) -> RungPanes:
    """Return all panes of a rung, empty ones left out."""

    async def read() -> RungPanes:
        client = open_client(settings.redis_url)
        try:
            return await RedisReader(client, namespace).panes(rung, -_EVER_MS, _EVER_MS)
        finally:
            await client.aclose()

    found = asyncio.run(read())
    kept = {
        start: {name: amount for name, amount in cells.items() if amount}
        for start, cells in found.items()
    }
    return {start: cells for start, cells in kept.items() if cells}


def backfill(settings: Settings, into: str, *arguments: str) -> int:
    """Run the backfill with the live tables' last time: what still waits grows older with time."""

    async def reached_ms() -> int:
        client = open_client(settings.redis_url)
        try:
            progress = await RedisReader(client, settings.namespace).progress()
        finally:
            await client.aclose()
        return max(seen.max_ts_ms or 0 for seen in progress.values())

    to = str(asyncio.run(reached_ms()))
    return kpi(settings, "backfill", "--into", into, "--to", to, *arguments)


def kpi(settings: Settings, *arguments: str) -> int:
    """Run a command on the settings' servers."""
    return main(
        [
            *arguments,
            *("--broker", settings.broker, "--redis-url", settings.redis_url),
            *("--namespace", settings.namespace),
        ]
    )


def test_a_backfill_of_everything_equals_the_live_tables(
    live: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every cell of every rung, customers' too, and the live ones are as they were."""
    rungs = [rung.name for rung in read_catalog(live).ladder.rungs]
    before = {rung: panes(live, live.namespace, rung) for rung in rungs}
    into = f"{live.namespace}-again"
    assert backfill(live, into, "--format", "json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["records"] > 1_000
    assert sum(map(len, before["1m"].values())) > 1_000
    for rung in rungs:
        assert panes(live, into, rung) == before[rung], rung
        assert panes(live, live.namespace, rung) == before[rung], rung


def test_a_part_of_the_range_leaves_out_what_lies_before(live: Settings) -> None:
    """From the middle on the panes are the live ones; none lies before."""
    into = f"{live.namespace}-part"
    assert backfill(live, into, "--from", str(MIDDLE_MS)) == 0
    whole, part = panes(live, live.namespace, "1m"), panes(live, into, "1m")
    assert part == {start: cells for start, cells in whole.items() if start >= MIDDLE_MS}
    assert panes(live, into, ALL)


def test_what_is_there_is_not_added_to(live: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """The live namespace is refused; another one that is there too, unless it is to be replaced."""
    assert backfill(live, live.namespace) == 2
    assert "counted twice" in capsys.readouterr().err
    into = f"{live.namespace}-twice"
    assert backfill(live, into) == 0
    assert backfill(live, into) == 2
    assert "--replace" in capsys.readouterr().err
    assert backfill(live, into, "--replace") == 0
    assert panes(live, into, "1m") == panes(live, live.namespace, "1m")


def test_a_dry_run_shows_what_a_definition_would_change(
    live: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the KPI that changes is shown, with its values by both definitions."""
    own = "measures:\n  page_views: {events: [page_view], agg: count, where: {device: [mobile]}}\n"
    (tmp_path / "own.yaml").write_text(own)
    arguments = ("catalog", "diff", str(tmp_path), "--kpis", "page_views,ad_clicks", "--dry-run")
    at = str(START_MS + 600_000)
    assert kpi(live, *arguments, "--to", at, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["kpi"] for one in found["differences"]] == ["page_views"]
    assert list(found["differences"][0]["fields"]) == ["measure page_views"]
    hour = next(one for one in found["outcomes"] if one["window"] == "1h")
    cells = panes(live, live.namespace, "1h")[START_MS - START_MS % 3_600_000]
    assert hour["before"] == cells["page_views\x1f"]
    assert 0 < hour["after"] < hour["before"]
