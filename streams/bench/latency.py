"""From publish to /metrics: how long until an event shows in a KPI that a scraper reads.

Page views are counted on both sides. The n-th one sent is visible in the first scrape whose
count of page views is at least n; scrapes follow one another at a fixed interval, half of which
is in every figure, as is the time that a scrape takes.
"""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.request import Request, urlopen

from processors.errors import CheckFailedError
from processors.names import BY_TOTAL, LABEL_BY, LABEL_WINDOW, metric_name
from streams.bench.workloads import TOPICS, records
from streams.embedded.ports import free_port
from streams.launch import exporter_spec, exporter_url, with_settings, worker_spec
from streams.replay.publish import Publisher
from streams.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.bench.workloads import Workload
    from streams.settings import Settings
    from streams.supervisor.tree import Supervisor

    Report = Callable[[str, int, int], None]

RATE: Final = 5_000
SCRAPE_INTERVAL_S: Final = 0.5  # a page of all KPIs is 0.7 MB: more often and it measures itself
WARM_UP_S: Final = 2.0
_STEP_S: Final = 0.01
_LAST_WAIT_S: Final = 60.0
_SCRAPE_TIMEOUT_S: Final = 10.0
_WINDOW: Final = "1d"  # longer than any run: the count only grows
_PAGE_VIEW: Final = b'"type":"page_view"'


@dataclass(frozen=True)
class Latency:
    """What was measured, in milliseconds."""

    workload: str
    rate: int
    events: int
    page_views: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    scrape_p50_ms: float
    checkpoint_interval_ms: int


@dataclass
class Scraper:
    """Reads the count of page views from /metrics again and again, in a thread.

    ``seen`` holds (seconds, count) of every scrape, ``took_s`` how long each took.
    """

    url: str
    token: str
    seen: list[tuple[float, int]] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="scraper", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """The last count seen."""
        return self.seen[-1][1] if self.seen else 0

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = Request(self.url, headers=headers)  # noqa: S310  # our own exporter's
        while not self._stop.wait(SCRAPE_INTERVAL_S):
            begun = time.perf_counter()
            try:
                with urlopen(request, timeout=_SCRAPE_TIMEOUT_S) as page:  # noqa: S310  # as above
                    count = page_views(page.read().decode())
            except (OSError, HTTPException):
                continue  # a scrape that failed shows as latency of the next
            ended = time.perf_counter()
            self.took_s.append(ended - begun)
            self.seen.append((ended, count))


def page_views(page: str) -> int:
    """Return the total of page views on a page of metrics, 0 where there is none yet."""
    name = metric_name("page_views", "count")
    for match in re.finditer(rf"^{name}\{{([^}}]*)\}} (\S+)", page, re.MULTILINE):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', match[1]))
        if labels.get(LABEL_WINDOW) == _WINDOW and labels.get(LABEL_BY) == BY_TOTAL:
            return int(float(match[2]))
    return 0


def latencies_ms(sent: list[tuple[float, int]], seen: list[tuple[float, int]]) -> list[float]:
    """Return how long each page view took to be seen.

    Args:
        sent: (seconds, page views sent so far), growing.
        seen: (seconds, page views counted by a scrape), growing.

    Raises:
        CheckFailedError: some were never seen.
    """
    found: list[float] = []
    counts = [count for _, count in seen]
    before = 0
    for at_s, so_far in sent:
        for number in range(before + 1, so_far + 1):
            index = bisect_left(counts, number)
            if index == len(counts):
                raise CheckFailedError(f"page view {number} of {sent[-1][1]} was never seen")
            found.append(1000 * (seen[index][0] - at_s))
        before = so_far
    return found


def measure_latency(
    settings: Settings,
    workload: Workload,
    seconds: float,
    *,
    supervisor: Supervisor,
    directory: Path,
    report: Report,
) -> Latency:
    """Publish at RATE for some seconds beside a worker and an exporter, and measure.

    Raises:
        UnreachableError: broker or Redis is away.
        ChildFailedError: worker or exporter ended.
        CheckFailedError: not everything published became visible.
    """
    settings = with_settings(
        settings, "kpi bench", worker_port=free_port(), exporter_port=free_port()
    )
    create_topics(settings)
    supervisor.start(worker_spec(settings, directory / "worker.log"))
    supervisor.start(exporter_spec(settings, directory / "exporter.log"))
    scraper = Scraper(f"{exporter_url(settings)}/metrics", settings.exporter_token)
    try:
        with Publisher(settings) as publisher:
            stream = _Stream(settings, workload, publisher, supervisor)
            # A first join of a group takes seconds: they are no event's latency.
            stream.publish(WARM_UP_S, report)
            _wait_for(scraper, stream.views, supervisor)
            warm = len(stream.sent)
            stream.publish(seconds, report)
            _wait_for(scraper, stream.views, supervisor)
    finally:
        scraper.stop()
    found = sorted(latencies_ms(stream.sent, scraper.seen)[warm:])
    took_s = sorted(scraper.took_s)
    return Latency(
        workload=workload.name,
        rate=RATE,
        events=int(seconds * RATE),
        page_views=len(found),
        p50_ms=round(found[len(found) // 2], 1),
        p99_ms=round(found[len(found) * 99 // 100], 1),
        max_ms=round(found[-1], 1),
        scrape_p50_ms=round(1000 * took_s[len(took_s) // 2], 1),
        checkpoint_interval_ms=settings.checkpoint_interval_ms,
    )


def _wait_for(scraper: Scraper, views: int, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + _LAST_WAIT_S
    while scraper.count < views and time.monotonic() < deadline:
        supervisor.pause(SCRAPE_INTERVAL_S)


class _Stream:
    """A workload published by the clock; ``sent`` holds when each page view went out."""

    def __init__(
        self,
        settings: Settings,
        workload: Workload,
        publisher: Publisher,
        supervisor: Supervisor,
    ) -> None:
        self.sent: list[tuple[float, int]] = []
        self.views = 0
        self._workload = replace(workload, rate=RATE)
        self._settings = settings
        self._publisher = publisher
        self._supervisor = supervisor
        self._runs = 0

    def publish(self, seconds: float, report: Report) -> None:
        """Publish RATE events a second from now on."""
        self._runs += 1
        run = f"{self._settings.namespace[-6:]}{self._runs}"
        count, number = int(seconds * RATE), 0
        begun = time.perf_counter()
        log = records(self._workload, time.time_ns() // 1_000_000, self._settings.partitions, run)
        while number < count:
            self._supervisor.pause(_STEP_S)
            due = min(count, int((time.perf_counter() - begun) * RATE))
            for topic, partition, key, value, _ in islice(log, due - number):
                self._publisher.send(TOPICS[topic], key, value, partition=partition)
                if _PAGE_VIEW in value:
                    self.views += 1
                    self.sent.append((time.perf_counter(), self.views))
            number = due
            report("published", number, count)
        self._publisher.flush()
