"""How the figures came about, as Prometheus metric families: progress of every partition.

The series are of the tables, not of this process: replicas of the exporter serve the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from processors import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric as Family

    from streams.tables.base import PartitionId, Progress

REJECTED_PREFIX: Final = "rejected:"
_EXCLUDED_PREFIX: Final = "excluded:"
_PARTITION: Final = (names.LABEL_TOPIC, names.LABEL_PARTITION)
_COUNTERS: Final = {
    "events": (names.PIPELINE_EVENTS, "Events counted: valid, and not seen before."),
    "late": (names.PIPELINE_LATE, "Events behind the watermark; they were counted all the same."),
    "late_unkeyed": (
        names.PIPELINE_LATE_UNKEYED,
        "Events too late for sessions, carts, orders or tickets: only plain measures count them.",
    ),
    "duplicates": (names.PIPELINE_DUPLICATES, "Events whose event_id was seen before."),
    "ticks": (names.PIPELINE_TICKS, "Ticks: progress of time without events."),
    "overflow": (
        names.PIPELINE_OVERFLOW,
        "Figures counted under __other__: a dimension set had reached its budget of values.",
    ),
}


def pipeline_families(
    progress: Mapping[PartitionId, Progress], now_ms: int, allowed_lateness_ms: int
) -> Iterator[Family]:
    """Yield offset, delays and counters of every partition that was ever claimed."""
    offset = _gauge(names.PIPELINE_OFFSET, "Next offset to be processed.")
    delay = _gauge(
        names.PIPELINE_WATERMARK_DELAY,
        "Wall time minus the watermark: how far final values lie back.",
        "seconds",
    )
    age = _gauge(names.PIPELINE_CHECKPOINT_AGE, "Time since the last checkpoint.", "seconds")
    counters = {
        counter: CounterMetricFamily(name, text, labels=_PARTITION)
        for counter, (name, text) in _COUNTERS.items()
    }
    rejected = CounterMetricFamily(
        names.PIPELINE_REJECTED,
        "Records sent to the dead-letter topic.",
        labels=(*_PARTITION, names.LABEL_REASON),
    )
    excluded = CounterMetricFamily(
        names.PIPELINE_EXCLUDED,
        "Events of bots and tests, which the catalogue excludes from every KPI.",
        labels=(*_PARTITION, names.LABEL_TRAFFIC),
    )
    for who, seen in sorted(progress.items()):
        labels = (who.topic, str(who.partition))
        if seen.offset is not None:
            offset.add_metric(labels, seen.offset)
        if seen.max_ts_ms is not None:
            delay.add_metric(labels, _seconds(now_ms - seen.max_ts_ms + allowed_lateness_ms))
        if seen.written_ms is not None:
            age.add_metric(labels, _seconds(now_ms - seen.written_ms))
            for counter, family in counters.items():
                family.add_metric(labels, seen.counters.get(counter, 0))
        for counter, count in sorted(seen.counters.items()):
            if counter.startswith(REJECTED_PREFIX):
                rejected.add_metric((*labels, counter.removeprefix(REJECTED_PREFIX)), count)
            if counter.startswith(_EXCLUDED_PREFIX):
                excluded.add_metric((*labels, counter.removeprefix(_EXCLUDED_PREFIX)), count)
    yield from (offset, delay, age, *counters.values(), rejected, excluded)


def kpi_health_families(
    freshness_ms: Mapping[str, int], targets: Mapping[str, float]
) -> Iterator[Family]:
    """Yield how old each KPI's newest figure is, and its target.

    Args:
        freshness_ms: KPI -> age; KPIs without any figure are absent.
        targets: KPI -> target in the KPI's unit, the last one set, else the catalogue's.
    """
    label = (names.LABEL_KPI,)
    freshness = GaugeMetricFamily(
        names.KPI_FRESHNESS,
        "Wall time minus the event time reached by the slowest partition that the KPI reads.",
        labels=label,
        unit="seconds",
    )
    target = GaugeMetricFamily(
        names.KPI_TARGET, "What the KPI is held against, in its unit.", labels=label
    )
    for kpi, age_ms in freshness_ms.items():
        freshness.add_metric((kpi,), _seconds(age_ms))
    for kpi, value in targets.items():
        target.add_metric((kpi,), value)
    yield from (freshness, target)


def exporter_families(*, stale: bool, update_age_ms: int | None) -> Iterator[Family]:
    """Yield whether this process follows the tables."""
    yield GaugeMetricFamily(
        names.EXPORTER_STALE,
        "1 where the exporter has lost the tables: it then shows the last known figures.",
        value=float(stale),
    )
    if update_age_ms is not None:
        yield GaugeMetricFamily(
            names.EXPORTER_UPDATE_AGE,
            "Time since the exporter heard from the tables.",
            value=_seconds(update_age_ms),
            unit="seconds",
        )


def _gauge(name: str, text: str, unit: str = "") -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=_PARTITION, unit=unit)


def _seconds(duration_ms: int) -> float:
    """Return seconds, not below 0: events may lie a little ahead of this machine's clock."""
    return max(0, duration_ms) / 1000
