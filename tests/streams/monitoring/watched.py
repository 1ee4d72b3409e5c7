"""The product whole, with two exporters, and a Prometheus that has watched it for a while.

What was before the test began is written into Prometheus's blocks: the exporters' pages as they are
at the beginning, dated back by each of ``OFFSETS``. Live samples are scraped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen
from uuid import uuid4

import yaml
from prometheus_client.parser import text_string_to_metric_families

from processors.catalog.model import CALENDAR_WINDOWS
from processors.names import VISITOR, by_value
from streams.embedded.ports import free_port
from streams.launch import kpi_command
from streams.replay.publish import Publisher
from streams.settings import Settings
from streams.simulator.traffic import history
from streams.topics import create_topics
from tests.support.outside_events import outside_events
from tests.support.prometheus import Prometheus, tool, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.embedded.servers import Addresses

MINUTES = 120
RATE = 1.0
WINDOWS = {"5m": 300, "15m": 900, "1h": 3_600, "1d": 86_400}  # seconds
WEEK_S = 7 * 86_400
OFFSETS = {**WINDOWS, "1w": WEEK_S}
BEFORE_S = 30  # a counter is half as high so long before
COUNTED = 8  # added to counters: one that stands at 0 could not be seen to count twice


@dataclass(frozen=True)
class Watched:
    """What a test asks.

    Attributes:
        pages: (job, instance) -> a page as Prometheus reads it.
        start_s: when the pages were taken that stand dated back in Prometheus.
        now_s: when everything had been scraped twice.
        rows: the first exporter's live rows at that time.
    """

    prometheus: Prometheus
    pages: dict[tuple[str, str], str]
    start_s: int
    now_s: int
    rows: list[dict[str, Any]]

    def covered(self) -> set[tuple[str, str, str]]:
        """Return (KPI, window, by) of what has a value."""
        return {
            (row["kpi"], row["window"], by_value(row["dimensions"]))
            for row in self.rows
            if row["value"] is not None
        }


@contextmanager
def watched(servers: Addresses, directory: Path, rules: Path) -> Iterator[Watched]:
    """Run worker, exporters and Prometheus over two hours of traffic that end now."""
    settings = replace(
        Settings(),
        broker=servers.broker,
        redis_url=servers.redis_url,
        namespace=f"w-{uuid4().hex[:8]}",
        partitions=2,
    )
    create_topics(settings)
    _publish(settings)
    ports = [free_port() for _ in range(3)]
    environment = {
        **os.environ,
        **servers.environment(),
        "KPI_NAMESPACE": settings.namespace,
        "KPI_REBALANCE_TIMEOUT_MS": "1000",
        "KPI_TICK_INTERVAL_MS": "1000",
    }
    roles = [
        ("worker", {"KPI_WORKER_PORT": ports[0]}),
        ("exporter", {"KPI_EXPORTER_PORT": ports[1]}),
        ("exporter", {"KPI_EXPORTER_PORT": ports[2]}),
    ]
    worker, *exporters = (f"127.0.0.1:{port}" for port in ports)
    with ExitStack() as running:
        for number, (role, own) in enumerate(roles):
            running.enter_context(_process(directory / f"{number}.log", role, environment, own))
        until(lambda: all(map(_caught_up, exporters)), "everything published is counted")
        start_s = int(time.time())
        pages = {("kpi-worker", "w"): _text(f"http://{worker}/metrics")}
        page = _text(f"http://{exporters[0]}/metrics")
        pages |= {("kpi-exporter", name): page for name in "ab"}
        _write_blocks(directory, pages, start_s)
        jobs = {
            "kpi-worker": {worker: "w"},
            "kpi-exporter": dict(zip(exporters, "ab", strict=True)),
        }
        prometheus = running.enter_context(Prometheus(directory, _config(jobs, rules, directory)))
        until(lambda: _scraped_twice(prometheus), "every target is scraped twice")
        rows = json.loads(_text(f"http://{exporters[0]}/api/v1/kpis"))
        yield Watched(prometheus, pages, start_s, int(time.time()), rows)


def _publish(settings: Settings) -> None:
    end_ms = time.time_ns() // 1_000_000
    start_ms = end_ms - MINUTES * 60_000
    events = [*history(7, start_ms, end_ms, RATE), *outside_events(start_ms, MINUTES)]
    with Publisher(settings) as publisher:
        for event in sorted(events, key=lambda event: int(event["ts"])):
            publisher.publish(event, event["ts"])
        for bad in range(3):
            publisher.send(VISITOR, f"v{bad}".encode(), b"{no json", end_ms)
        publisher.flush()


@contextmanager
def _process(
    log_path: Path, role: str, environment: dict[str, str], own: dict[str, int]
) -> Iterator[None]:
    environment = environment | {name: str(value) for name, value in own.items()}
    with log_path.open("wb") as log:
        process = subprocess.Popen(kpi_command(role), stdout=log, stderr=log, env=environment)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _text(url: str) -> str:
    with urlopen(url, timeout=30) as answer:  # noqa: S310  # built by us, always http
        return str(answer.read().decode())


def _caught_up(exporter: str) -> bool:
    """Tell whether figures are known of every topic, and all of them reach up to now."""
    try:
        page = json.loads(_text(f"http://{exporter}/api/v1/health"))
    except OSError:
        return False
    behind = [p["watermark_delay_ms"] for p in page["partitions"]]
    return len(behind) == 12 and all(ms is not None and ms < 60_000 for ms in behind)


def _write_blocks(directory: Path, pages: dict[tuple[str, str], str], start_s: int) -> None:
    samples = [sample for who, page in pages.items() for sample in _samples(who, page)]
    for name, offset_s in OFFSETS.items():
        lines = []
        for ts, share in ((start_s - offset_s - BEFORE_S, 0.5), (start_s - offset_s, 1.0)):
            lines += [
                f"{series} {(value + COUNTED) * share if counts else value} {ts}\n"
                for series, value, counts in samples
            ]
        path = directory / f"{name}.om"
        path.write_text("".join(lines) + "# EOF\n")
        subprocess.run(
            [
                *(tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet"),
                *(str(path), str(directory / "data")),
            ],
            check=True,
            timeout=120,
        )


def _samples(who: tuple[str, str], page: str) -> Iterator[tuple[str, float, bool]]:
    """Yield each series of a page, as Prometheus would name it, and whether it counts upwards."""
    yield _series("up", dict(zip(("job", "instance"), who, strict=True))), 1.0, False
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = sample.labels | dict(zip(("job", "instance"), who, strict=True))
            if sample.labels.get("window", "1h") in (*WINDOWS, *CALENDAR_WINDOWS):
                yield _series(sample.name, labels), sample.value, family.type == "counter"


def _series(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f"{label}={json.dumps(value)}" for label, value in labels.items())
    return f"{name}{{{inside}}}"


def _config(jobs: dict[str, dict[str, str]], rules: Path, directory: Path) -> dict[str, Any]:
    """Return a configuration like deploy/prometheus/prometheus.yml's, with a test's intervals."""
    copies = []
    for path in sorted(rules.glob("*.rules.yml")):
        content = yaml.safe_load(path.read_text())
        for group in content["groups"]:
            group["interval"] = "2s"
        copies.append(directory / path.name)
        copies[-1].write_text(yaml.safe_dump(content))
    return {
        "global": {"scrape_interval": "4s", "scrape_timeout": "4s", "evaluation_interval": "2s"},
        "rule_files": [str(path) for path in copies],
        "scrape_configs": [
            {
                "job_name": job,
                "static_configs": [
                    {"targets": [address], "labels": {"instance": name}}
                    for address, name in targets.items()
                ],
            }
            for job, targets in jobs.items()
        ],
    }


def _scraped_twice(prometheus: Prometheus) -> bool:
    found = prometheus.query("count_over_time(up[1m])")
    return len(found) == 3 and all(int(one["value"][1]) >= 2 for one in found)
