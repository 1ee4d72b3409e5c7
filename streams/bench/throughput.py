"""One worker process over a log that was produced beforehand, beside plain aiokafka over the same.

::

    fill ──> plain getmany ──> worker, from the first to the last checkpoint ──> plain getmany
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from processors.errors import CheckFailedError
from processors.names import physical_topic
from streams.bench.fill import fill
from streams.bench.meters import STAGES
from streams.bench.watch import watch
from streams.bench.workloads import records
from streams.supervisor.child import ChildSpec
from streams.topics import create_topics
from streams.worker.app import FETCH_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.bench.fill import Filled
    from streams.bench.workloads import Workload
    from streams.settings import Settings
    from streams.supervisor.tree import Supervisor

    Report = Callable[[str, int, int], None]

# A whole day's start: local days and hours begin with the log.
START_MS: Final = 1_700_006_400_000
CHECKPOINT_INTERVAL_MS: Final = 1_000
_PLAIN_TIMEOUT_S: Final = 600


@dataclass(frozen=True)
class Throughput:
    """What was measured.

    Attributes:
        events_s: records a second of one worker, from the first to the last checkpoint seen.
        cpu_us: the worker's processor time a record.
        plain_events_s, plain_cpu_us: the same of plain aiokafka, the better of two runs.
        stages: share of the worker's processor time by stage.
        rss_mib: the worker's memory at the first checkpoint, at half of the records, at the end.
    """

    workload: str
    events: int
    value_bytes_mean: float
    partitions: int
    events_s: float
    cpu_us: float
    plain_events_s: float
    plain_cpu_us: float
    stages: dict[str, float]
    rss_mib: tuple[float, float, float]
    fill_s: float

    @property
    def of_plain(self) -> float:
        """The worker's rate as a share of plain aiokafka's."""
        return self.events_s / self.plain_events_s


def measure_throughput(
    settings: Settings,
    workload: Workload,
    count: int,
    *,
    supervisor: Supervisor,
    directory: Path,
    report: Report,
) -> Throughput:
    """Fill the settings' namespace with ``count`` records and measure.

    Raises:
        UnreachableError: broker or Redis is away.
        ChildFailedError: the worker ended.
        CheckFailedError: the worker stalled, or plain aiokafka failed.
    """
    create_topics(settings)
    started = time.monotonic()
    log = records(workload, START_MS, settings.partitions, settings.namespace[-6:])
    report("produced", 0, count)
    filled = fill(settings, log, count)
    fill_s = time.monotonic() - started
    plain = [_plain(settings, filled)]
    meters_path = directory / "meters.json"
    spec = _worker_spec(settings, directory, meters_path)
    supervisor.start(spec)
    readings: list[dict[str, float]] = []

    def note(done: int) -> None:
        readings.append(json.loads(meters_path.read_text()))
        report("checkpointed", done, count)

    watched = watch(
        settings,
        supervisor.pids()[spec.name],
        filled.next_offsets,
        check=lambda: supervisor.pause(0),
        report=note,
    )
    supervisor.stop()
    plain.append(_plain(settings, filled))
    best = max(plain, key=lambda run: run["records"] / run["seconds"])
    rss = tuple(round(watched.rss_bytes(share) / 2**20, 1) for share in (0.0, 0.5, 1.0))
    return Throughput(
        workload=workload.name,
        events=count,
        value_bytes_mean=round(filled.value_bytes / filled.records, 1),
        partitions=settings.partitions,
        events_s=watched.rate,
        cpu_us=watched.cpu_us,
        plain_events_s=best["records"] / best["seconds"],
        plain_cpu_us=1e6 * best["cpu_s"] / best["records"],
        stages=_shares(readings[0], readings[-1]),
        rss_mib=(rss[0], rss[1], rss[2]),
        fill_s=fill_s,
    )


def _worker_spec(settings: Settings, directory: Path, meters_path: Path) -> ChildSpec:
    return ChildSpec(
        name="the measured worker",
        argv=(sys.executable, "-P", "-m", "streams.bench.measured_worker", str(meters_path)),
        env=settings.environment(),
        log_path=directory / "worker.log",
    )


def _plain(settings: Settings, filled: Filled) -> dict[str, Any]:
    order = {
        "broker": settings.broker,
        "fetch_bytes": FETCH_BYTES_MAX,
        "ends": [
            (physical_topic(there.topic, settings.namespace), there.partition, end)
            for there, end in filled.next_offsets.items()
        ],
    }
    done = subprocess.run(  # this very installation
        [sys.executable, "-P", "-m", "streams.bench.plain"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=_PLAIN_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise CheckFailedError(f"plain aiokafka: {done.stderr.strip().rpartition(chr(10))[2]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _shares(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    spent = {stage: max(0.0, after[stage] - before.get(stage, 0.0)) for stage in STAGES}
    total = sum(spent.values()) or 1.0
    return {stage: round(seconds / total, 3) for stage, seconds in spent.items()}
