"""The demo's stages, in order.

::

    broker + Valkey ─> topics ─> history ─> worker + exporter ─> caught up ─> live traffic

The history comes before the worker: the worker keeps idle partitions moving with ticks that carry
the clock, and events two hours older than those would all be late.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from processors.errors import UnreachableError
from streams.catalog_files import read_catalog
from streams.demo.catching_up import wait_until_caught_up
from streams.demo.figures import fetch_rows, shows, totals
from streams.demo.screen import open_screen
from streams.demo.traffic import EVENTS_MAX, DemoTraffic
from streams.embedded.ports import free_port, require_free
from streams.embedded.servers import start_servers
from streams.launch import exporter_spec, exporter_url, with_settings, worker_spec
from streams.replay.publish import Publisher
from streams.supervisor.tree import StopRequested, Supervisor
from streams.topics import create_topics

if TYPE_CHECKING:
    from streams.demo.screen import Screen
    from streams.replay.publish import Delivered
    from streams.settings import Settings

_STEP_S: Final = 0.1
_SHOW_S: Final = 1.0
_FIGURES_TIMEOUT_S: Final = 30.0  # then the live screen shows what there is
_DEATH_NOTICE_S: Final = 1.0
_SOURCE: Final = "kpi demo"


@dataclass(frozen=True)
class Options:
    """What the command line decides.

    Attributes:
        rate: mean events a second.
        seconds: how long live traffic runs; None: until a signal.
        browser: open the live page where there is a screen for it.
    """

    rate: float
    seconds: float | None
    browser: bool


def run_demo(options: Options, settings: Settings) -> int:
    """Run the demo until its time is over or a signal arrives.

    Raises:
        KpiError: a port is taken, a wheel is missing, or a part died for good.
    """
    catalog = read_catalog(settings)  # a wrong definition ends it here, not in a child
    headlines = frozenset(metric.id for metric in catalog.metrics.values() if metric.headline)
    if settings.exporter_port == 0:
        settings = with_settings(settings, _SOURCE, exporter_port=free_port())
    require_free(settings.exporter_host, settings.exporter_port, "--port")
    screen = open_screen()
    with (
        tempfile.TemporaryDirectory(prefix="kpi-demo-") as directory,
        Supervisor(report=screen.say) as supervisor,
    ):
        try:
            _Demo(options, supervisor, screen, Path(directory), headlines).run(settings)
        except StopRequested:
            pass  # Ctrl-C is how a demo ends
        finally:
            screen.close()
    screen.say("ended; nothing is left running, and nothing was kept")
    return 0


@dataclass(frozen=True)
class _Demo:
    options: Options
    supervisor: Supervisor
    screen: Screen
    directory: Path
    headlines: frozenset[str]

    def run(self, settings: Settings) -> None:
        """Go through the stages; returns when the time is over."""
        settings = self._start_servers(settings)
        with Publisher(settings) as publisher:
            traffic = DemoTraffic(self.options.rate, time.time_ns() // 1_000_000)
            try:
                delivered = self._history(traffic, publisher)
                self._start_product(settings, delivered)
                self._introduce(settings)
                self._live(settings, traffic, publisher)
            except UnreachableError:
                # The broker's death shows in its process a moment later, and says more.
                self.supervisor.pause(_DEATH_NOTICE_S)
                raise

    def _start_servers(self, settings: Settings) -> Settings:
        addresses = start_servers(self.supervisor, self.directory)
        self.screen.say(f"a Kafka broker on {addresses.broker}, a Valkey on {addresses.redis_url}")
        settings = with_settings(
            settings,
            _SOURCE,
            broker=addresses.broker,
            redis_url=addresses.redis_url,
            worker_port=free_port(),
        )
        create_topics(settings)
        return settings

    def _history(self, traffic: DemoTraffic, publisher: Publisher) -> Delivered:
        with self.screen.progress("publishing two hours of traffic") as tell:

            def advance(share: float) -> None:
                self.supervisor.pause(0)
                tell(share)

            return traffic.publish_history(publisher, advance)

    def _start_product(self, settings: Settings, delivered: Delivered) -> None:
        with self.screen.progress(f"counting {delivered.total:,} events") as tell:
            self.supervisor.start(
                worker_spec(settings, self.directory / "worker.log"),
                exporter_spec(settings, self.directory / "exporter.log"),
            )
            wait_until_caught_up(settings, delivered, self.supervisor.pause, tell)
        url, give_up_at = exporter_url(settings), time.monotonic() + _FIGURES_TIMEOUT_S
        while time.monotonic() < give_up_at and not shows(
            url, settings.exporter_token, delivered.next_offsets
        ):
            self.supervisor.pause(_STEP_S)

    def _introduce(self, settings: Settings) -> None:
        url = exporter_url(settings)
        for line in (
            f"the live page {url}",
            f"KPIs as JSON {url}/api/v1/kpis, for Prometheus {url}/metrics",
            f"changes as they happen {url}/api/v1/stream?by=total",
            "for kpi query and kpi doctor in a second terminal:",
            f"  export KPI_BROKER={settings.broker} KPI_REDIS_URL={settings.redis_url}",
            *_exports(settings),
            "broker and Valkey keep nothing after the end; the broker never trims its log in",
            f"memory, so traffic stops after {EVENTS_MAX:,} events",
        ):
            self.screen.say(line)
        if self.options.browser and sys.stdout.isatty() and _has_display():
            webbrowser.open(url)

    def _live(self, settings: Settings, traffic: DemoTraffic, publisher: Publisher) -> None:
        url = exporter_url(settings)
        started = time.monotonic()
        show_at = started
        while self.options.seconds is None or time.monotonic() - started < self.options.seconds:
            self.supervisor.pause(_STEP_S)
            if not traffic.exhausted:
                traffic.publish_due(publisher)
            if time.monotonic() >= show_at:
                show_at = time.monotonic() + _SHOW_S
                self._show(url, settings.exporter_token, traffic)

    def _show(self, url: str, token: str, traffic: DemoTraffic) -> None:
        rows = fetch_rows(url, token)
        if rows is None:
            self.screen.show([], "the exporter has no figures yet")
            return
        state = "traffic has ended" if traffic.exhausted else f"{self.options.rate:g} a second"
        status = f"{traffic.published:,} events published, {state}; Ctrl-C ends everything"
        self.screen.show(totals(rows, self.headlines), status)


def _has_display() -> bool:
    """Tell whether a browser would open in a window, rather than take over the terminal."""
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _exports(settings: Settings) -> list[str]:
    """Name the directory of the user's KPIs too: without it nobody else knows them."""
    if not settings.catalog_dir:
        return []
    return [f"  export KPI_CATALOG_DIR={quote(str(Path(settings.catalog_dir).resolve()))}"]
