"""The worker's metrics, read from the partitions' vitals when they are scraped."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from processors import names
from streams.worker.vitals import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from streams.worker.owner import Owner
    from streams.worker.partition import PartitionRunner

LABELS = (names.LABEL_TOPIC, names.LABEL_PARTITION)

Value = float | None

GAUGES: tuple[tuple[str, str, Callable[[PartitionRunner], Value]], ...] = (
    (names.WORKER_OFFSET, "Next offset to work on.", lambda r: r.vitals.reached),
    (names.WORKER_LAG, "Records up to the log's end.", lambda r: r.vitals.lag),
    (
        names.WORKER_LOG_START,
        "First offset that the broker still has: what retention has not deleted.",
        lambda r: r.vitals.log_start,
    ),
    (
        names.WORKER_WATERMARK,
        "Watermark, as Unix time.",
        lambda r: None if r.vitals.watermark_ms is None else r.vitals.watermark_ms / 1000,
    ),
    (
        names.WORKER_CHECKPOINT_SECONDS,
        "Time that the last checkpoint took.",
        lambda r: r.vitals.checkpoint_s if r.vitals.checkpoints else None,
    ),
    (
        names.WORKER_CHECKPOINT_AGE,
        "Time since the last checkpoint.",
        lambda r: None if r.vitals.checkpoint_at is None else monotonic() - r.vitals.checkpoint_at,
    ),
    (
        names.WORKER_HELD,
        "Time for which a service that is away holds it back.",
        lambda r: r.patience.held_s,
    ),
    (names.WORKER_STALLED, "1 while it lags and does not move.", lambda r: r.vitals.stalled),
    (
        names.WORKER_STOPPED,
        "1 once it is stopped until a person decides.",
        lambda r: r.vitals.state is State.STOPPED,
    ),
)
COUNTERS: tuple[tuple[str, str, Callable[[PartitionRunner], Value]], ...] = (
    (names.WORKER_RECORDS, "Records worked off by this process.", lambda r: r.vitals.records),
    (names.WORKER_REJECTIONS, "Dead letters of this process.", lambda r: r.vitals.rejections),
    (names.WORKER_CHECKPOINTS, "Checkpoints of this process.", lambda r: r.vitals.checkpoints),
)


class WorkerCollector(Collector):
    """Collects one sample a partition and figure."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        for family, figures in ((GaugeMetricFamily, GAUGES), (CounterMetricFamily, COUNTERS)):
            for name, text, read in figures:
                metric = family(name, text, labels=LABELS)
                for runner in self._owner:
                    value = read(runner)
                    if value is not None:
                        labels = (runner.topic, str(runner.partition))
                        metric.add_metric(labels, float(value))
                yield metric
