"""One benchmark: servers, a namespace of its own, the measurement, and nothing left behind."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from processors.errors import UsageError
from streams.bench.cleanup import drop
from streams.bench.families import costs_us
from streams.bench.latency import measure_latency
from streams.bench.machine import describe_machine
from streams.bench.throughput import CHECKPOINT_INTERVAL_MS, Throughput, measure_throughput
from streams.bench.workloads import WORKLOADS
from streams.catalog_files import read_catalog
from streams.embedded.servers import start_servers
from streams.launch import with_settings
from streams.settings import DEFAULT_SOURCE
from streams.supervisor.tree import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.bench.workloads import Workload
    from streams.settings import Settings

    Report = Callable[[str, int, int], None]

# The embedded broker keeps everything in memory: about 2 GB at this many.
EMBEDDED_EVENTS_MAX: Final = 6_000_000
_SOURCE: Final = "kpi bench"


@dataclass(frozen=True)
class Order:
    """What to measure: ``events`` for throughput, ``seconds`` for latency.

    Attributes:
        beside: KPI ids, separated by commas, with which the same is measured first.
    """

    workload: Workload
    events: int
    latency: bool
    seconds: float
    beside: str = ""


def order(workload: str, events: int, *, latency: bool, seconds: float, beside: str = "") -> Order:
    """Check what the command line asks for.

    Raises:
        UsageError: no such workload, or nothing to measure.
    """
    if workload not in WORKLOADS:
        raise UsageError(f"workload {workload!r} is none of {', '.join(WORKLOADS)}")
    if events < 1 or not 0 < seconds < float("inf"):
        raise UsageError("there must be at least one event and some seconds to measure")
    if latency and beside:
        raise UsageError("--beside compares throughput: --latency has none")
    return Order(WORKLOADS[workload], events, latency, seconds, beside)


def run_bench(settings: Settings, what: Order, report: Report) -> dict[str, Any]:
    """Measure on the settings' servers where they are set, else on embedded ones.

    Raises:
        KpiError: something is away, ended or stalled.
    """
    machine = describe_machine()
    beside: Throughput | None = None
    with (
        tempfile.TemporaryDirectory(prefix="kpi-bench-") as directory,
        Supervisor(report=lambda _: None) as servers,
        _servers(settings, servers, Path(directory), what) as chosen,
        Supervisor(report=lambda _: None) as supervisor,
    ):
        found: Any
        if what.latency:
            found = measure_latency(
                chosen,
                what.workload,
                what.seconds,
                supervisor=supervisor,
                directory=Path(directory),
                report=report,
            )
        else:
            measure = partial(
                measure_throughput,
                workload=what.workload,
                count=what.events,
                supervisor=supervisor,
                directory=Path(directory),
                report=report,
            )
            every_second = with_settings(
                chosen, _SOURCE, checkpoint_interval_ms=CHECKPOINT_INTERVAL_MS
            )
            if what.beside:
                name = f"{chosen.namespace}-beside"
                fewer = replace(every_second, kpis=what.beside, namespace=name)
                try:
                    beside = measure(fewer)
                finally:
                    drop(fewer)
            found = measure(every_second)
    result = {"machine": machine, "embedded": _embedded(settings)} | asdict(found)
    if isinstance(found, Throughput):
        result["of_plain"] = found.of_plain
    if beside is not None:
        result["beside"] = {"events_s": beside.events_s, "cpu_us": beside.cpu_us}
        result["of_beside"] = found.events_s / beside.events_s
        catalog = read_catalog(settings)
        result["families_us"] = costs_us(catalog, what.workload, what.beside.split(","))
    return result


@contextmanager
def _servers(
    settings: Settings, supervisor: Supervisor, directory: Path, what: Order
) -> Iterator[Settings]:
    """Yield settings that point at the servers and at a namespace that is dropped in the end."""
    settings = with_settings(
        settings, _SOURCE, namespace=f"bench-{uuid4().hex[:8]}", tick_interval_ms=0
    )
    if _embedded(settings):
        if what.events > EMBEDDED_EVENTS_MAX:
            raise UsageError(
                f"{what.events} events: the embedded broker keeps everything in memory: at most"
                f" {EMBEDDED_EVENTS_MAX}; with --broker and --redis-url there is no limit"
            )
        addresses = start_servers(supervisor, directory)
        yield with_settings(
            settings, _SOURCE, broker=addresses.broker, redis_url=addresses.redis_url
        )
        return
    try:
        yield settings
    finally:
        drop(settings)


def _embedded(settings: Settings) -> bool:
    return settings.sources.get("broker", DEFAULT_SOURCE) == DEFAULT_SOURCE
