"""Laws of a whole verification, with the real broker, worker, tables and exporter's evaluation."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import redis

from processors.names import VISITOR
from streams.cli.main import main
from streams.replay.sources import open_files
from streams.settings import Settings
from streams.tables.keys import PartitionKeys
from streams.verify.run import verify
from streams.verify.stream import simulated

if TYPE_CHECKING:
    from pathlib import Path

    from streams.embedded.servers import Addresses

pytestmark = pytest.mark.servers

KPIS = "orders,new_customers,open_tickets"
EVENTS, SEED = 1_500, 3


def test_a_simulated_log_agrees_from_end_to_end(
    servers: Addresses, capsys: pytest.CaptureFixture[str]
) -> None:
    """Published, worked on, passed on, stored and evaluated: all as recomputed, nothing empty."""
    flags = {
        "--broker": servers.broker,
        "--redis-url": servers.redis_url,
        "--kpis": KPIS,
        "--partitions": "2",
        "--rebalance-timeout-ms": "1000",
        "--simulated": str(EVENTS),
        "--seed": str(SEED),
        "--format": "json",
    }
    code = main(["verify", *(word for flag in flags.items() for word in flag)])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["agrees"]) == (0, True)
    assert (found["cells_differ"], found["windows_differ"], found["kpis_empty"]) == (0, 0, [])
    assert found["cells_compared"] > 1_000
    assert {kpi["kpi"] for kpi in found["kpis"]} == set(KPIS.split(","))


def test_a_figure_that_was_damaged_is_found(servers: Addresses, tmp_path: Path) -> None:
    """One stored cell that is one too high: panes and windows differ, and the KPI is named."""
    path = tmp_path / "log.ndjson"
    path.write_bytes(b"\n".join(simulated(EVENTS, SEED)))
    settings = replace(
        Settings(),
        broker=servers.broker,
        redis_url=servers.redis_url,
        namespace=f"t-{uuid4().hex[:8]}",
        sources={"namespace": "--namespace", "broker": "--broker", "redis_url": "--redis-url"},
        partitions=2,
        rebalance_timeout_ms=1_000,
        kpis="page_views",
    )

    def damage(mine: Settings) -> None:
        keys = PartitionKeys.of(mine.namespace, VISITOR, 0, 2)
        with redis.Redis.from_url(mine.redis_url) as client:
            pane = next(iter(client.scan_iter(keys.pane("1m", 0).removesuffix("0") + "*")))
            cell = next(iter(client.hkeys(pane)))
            client.hincrby(pane, cell, 1)

    found = verify(settings, open_files([path], None, as_is=True), before_compare=damage)
    tally = found.comparison.kpis["page_views"]
    assert not found.comparison.agrees
    assert (found.comparison.cells_differ, tally.cells_differ) == (1, 1)
    assert tally.windows_differ > 0
    assert tally.examples[0].ours == tally.examples[0].recomputed + 1
