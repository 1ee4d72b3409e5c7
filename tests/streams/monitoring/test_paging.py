"""From a broken threshold to a webhook: exporter, Prometheus and Alertmanager for real."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
import yaml

from processors.catalog.load import load_catalog
from streams.catalog_files import preset_sources
from streams.monitoring import alertmanager
from streams.monitoring.rule_files import rule_files
from streams.settings import Settings
from tests.streams.exporter.site import Site
from tests.streams.monitoring.webhook import Webhook
from tests.support.prometheus import Prometheus, Server, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from processors.catalog.model import Catalog

KPI = "click_through_rate"
BROKEN = "ClickThroughRateLow1hCritical"
THRESHOLD = f"""
family: ads
maintenance:
  always:
    families: [social]
    start: "00:00"
metrics:
  {KPI}:
    alerts:
      - {{severity: critical, op: below, threshold: 0.1, window: 1h, for: 15m, samples_min: 100}}
"""
TICK_S = 0.5
EVALUATIONS = 12  # with the intervals below: several of Alertmanager's turns
SHORT = {"group_wait": "1s", "group_interval": "2s"}


@pytest.fixture
def catalog() -> Catalog:
    return load_catalog([*preset_sources(), ("threshold.yaml", THRESHOLD)])


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as listening:
        yield listening


@pytest.fixture
def manager(catalog: Catalog, webhook: Webhook, tmp_path: Path) -> Iterator[Server]:
    """Run Alertmanager with what is generated for this webhook, at a test's intervals."""
    settings = replace(Settings(), alert_webhook_url=webhook.url)
    config = yaml.safe_load(alertmanager.alertmanager_yaml(catalog, settings))
    config["route"] |= SHORT
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))
    arguments = (f"--config.file={path}", f"--storage.path={tmp_path / 'manager'}")
    with Server(
        tmp_path, "prometheus-alertmanager", *arguments, "--cluster.listen-address="
    ) as running:
        yield running


class WallSite(Site):
    """A site on this machine's clock."""

    def clock_ms(self) -> int:
        """Return the time."""
        return time.time_ns() // 1_000_000


def rules_of(catalog: Catalog) -> dict[str, Any]:
    """Return the KPI's generated rules at a test's intervals."""
    content: dict[str, Any] = yaml.safe_load(rule_files(catalog)["ads"])
    (group,) = content["groups"]
    group["interval"] = "1s"
    group["rules"] = [
        rule if "record" in rule else rule | {"for": "2s"}
        for rule in group["rules"]
        if "record" in rule or rule["labels"].get("kpi") == KPI
    ]
    return content


def test_a_broken_threshold_reaches_the_webhook_once_and_resolves(
    catalog: Catalog, valkey: str, manager: Server, webhook: Webhook, tmp_path: Path
) -> None:
    """With two exporters: one notification however often it is evaluated, one that it is over."""
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules_of(catalog)))

    async def story() -> None:
        site = WallSite(valkey, f"paging-{uuid4().hex[:8]}", catalog)
        await site.owner.claim()
        ticking = asyncio.create_task(_tick(site))
        try:
            async with site.exporter() as one, site.exporter() as other:
                started = _prometheus(tmp_path, manager, one.port, other.port)
                async with _ready(started) as it:
                    await site.owner.publish(*_shown(site.clock_ms(), 400))
                    await asyncio.to_thread(until, lambda: webhook.told, "it fires")
                    await asyncio.to_thread(_evaluated, it)
                    assert webhook.told == [(BROKEN, "firing")]
                    await site.owner.publish(*_clicked(site.clock_ms(), 100))
                    await asyncio.to_thread(
                        until, lambda: (BROKEN, "resolved") in webhook.told, "it resolves"
                    )
                    await asyncio.to_thread(_evaluated, it)
                    assert webhook.told == [(BROKEN, "firing"), (BROKEN, "resolved")]
        finally:
            ticking.cancel()
            await asyncio.wait({ticking})
            await site.close()

    asyncio.run(asyncio.wait_for(story(), 180))


@asynccontextmanager
async def _ready(prometheus: Prometheus) -> AsyncIterator[Prometheus]:
    """Wait for it without holding up the exporters, which are of this process."""
    await asyncio.to_thread(prometheus.__enter__)
    try:
        yield prometheus
    finally:
        await asyncio.to_thread(prometheus.__exit__)


async def _tick(site: Site) -> None:
    """Carry the clock into every partition, as a worker does."""
    while True:
        await site.owner.tick(site.clock_ms())
        await asyncio.sleep(TICK_S)


def _shown(now_ms: int, count: int) -> list[dict[str, Any]]:
    """Return impressions that lie behind the watermark, in the window's final part."""
    return [
        {"type": "ad_impression", "ts": now_ms - 120_000, "campaign": "spring"}
        for _ in range(count)
    ]


def _clicked(now_ms: int, count: int) -> list[dict[str, Any]]:
    return [
        {"type": "ad_click", "ts": now_ms - 120_000, "visitor_id": f"v{n}", "campaign": "spring"}
        for n in range(count)
    ]


def _prometheus(directory: Path, manager: Server, *ports: int) -> Prometheus:
    targets = [f"127.0.0.1:{port}" for port in ports]
    jobs = [{"job_name": "kpi-exporter", "static_configs": [{"targets": targets}]}]
    to = {"static_configs": [{"targets": [manager.url.removeprefix("http://")]}]}
    return Prometheus(
        directory,
        {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(directory / "rules.yml")],
            "alerting": {"alertmanagers": [to]},
            "scrape_configs": jobs,
        },
    )


def _evaluated(prometheus: Prometheus) -> None:
    """Wait until the rules have been evaluated a number of times."""
    times: set[str] = set()

    def often() -> bool:
        (group,) = prometheus.get("/api/v1/rules")["groups"]
        times.add(group["lastEvaluation"])
        return len(times) > EVALUATIONS

    until(often, f"{EVALUATIONS} evaluations")


def test_broken_data_explains_a_broken_value(manager: Server, webhook: Webhook) -> None:
    """Stale figures are told of; the same KPI's value is not, another KPI's is."""
    labels = [
        {"alertname": "AStale", "kind": "data", "kpi": "a", "severity": "warning"},
        {"alertname": "ALow", "kind": "business", "kpi": "a", "severity": "critical"},
        {"alertname": "BLow", "kind": "business", "kpi": "b", "severity": "warning"},
    ]
    raise_alerts(manager, labels)
    until(lambda: len(webhook.told) >= 2, "both are told")
    assert sorted(webhook.told) == [("AStale", "firing"), ("BLow", "firing")]

    with urlopen(f"{manager.url}/api/v2/alerts", timeout=60) as answer:  # noqa: S310  # http
        alerts = json.load(answer)
    state = {alert["labels"]["alertname"]: alert["status"]["state"] for alert in alerts}
    assert [name for name, is_now in state.items() if is_now == "suppressed"] == ["ALow"]


def test_nobody_is_told_in_a_maintenance_window(manager: Server, webhook: Webhook) -> None:
    """The family that is being worked on is mute, whatever the severity; others are not."""
    same = {"kind": "business", "family": "social", "kpi": "s"}
    labels = [
        {"alertname": "Muted", "severity": "critical", **same},
        {"alertname": "MutedToo", "severity": "warning", **same},
        {"alertname": "Told", "severity": "warning", **same, "family": "sales", "kpi": "t"},
    ]
    raise_alerts(manager, labels)
    until(lambda: webhook.told, "one is told")
    # What came later has been told: the others had their turn.
    raise_alerts(manager, [{**labels[2], "alertname": "Later", "kpi": "b"}])
    until(lambda: ("Later", "firing") in webhook.told, "a later one is told")
    assert {name for name, _ in webhook.told} == {"Told", "Later"}


def raise_alerts(manager: Server, labels: list[dict[str, str]]) -> None:
    """Tell Alertmanager of alerts, as Prometheus does."""
    body = json.dumps([{"labels": one} for one in labels]).encode()
    request = Request(  # noqa: S310  # always http
        f"{manager.url}/api/v2/alerts", body, {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=60) as answer:  # noqa: S310  # as above
        assert answer.status == 200
