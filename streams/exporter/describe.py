"""JSON of what the exporter knows beside figures: the catalogue and the pipeline's health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processors import names
from processors.inputs import inputs_of, last_seen_ms
from streams.exporter.inputs import describe_waiting

if TYPE_CHECKING:
    from processors.catalog.model import Catalog, Metric
    from streams.exporter.follower import Follower


def describe_catalog(catalog: Catalog) -> list[dict[str, Any]]:
    """Return every KPI's definition."""
    return [describe_metric(catalog, metric) for metric in catalog.metrics.values()]


def describe_metric(catalog: Catalog, metric: Metric) -> dict[str, Any]:
    """Return one KPI's definition."""
    return {
        "kpi": metric.id,
        "family": metric.family,
        "type": metric.type.value,
        "label": metric.label,
        "description": metric.description,
        "formula": metric.formula,
        "unit": metric.unit,
        "direction": metric.direction,
        "windows": [window.name for window in metric.windows],
        "by": [names.by_value(dimensions) for dimensions in metric.dimension_sets],
        "stats": list(metric.stats),
        "inputs": list(inputs_of(catalog, metric)),
        "headline": metric.headline,
        "target": float(metric.target) if metric.target else None,
        "metric": names.metric_name(metric.id, metric.unit),
        "metric_final": names.metric_name(metric.id, metric.unit, final=True),
    }


def describe_health(follower: Follower) -> dict[str, Any]:
    """Return how far every partition is, and how old every KPI."""
    board, now_ms = follower.board(), follower.clock_ms()
    lateness_ms = board.catalog.defaults.allowed_lateness_ms
    trouble = follower.trouble()
    return {
        "ready": not trouble,
        "stale": bool(trouble),
        "reason": trouble,
        "now_ms": now_ms,
        "update_age_ms": follower.update_age_ms,
        "allowed_lateness_ms": lateness_ms,
        "partitions": [
            {
                "topic": who.topic,
                "partition": who.partition,
                "offset": seen.offset,
                "watermark_ms": _minus(seen.max_ts_ms, lateness_ms),
                "watermark_delay_ms": _delay(now_ms + lateness_ms, seen.max_ts_ms),
                "checkpoint": seen.number,
                "checkpoint_age_ms": _delay(now_ms, seen.written_ms),
                "counters": dict(sorted(seen.counters.items())),
            }
            for who, seen in sorted(board.partitions.items())
        ],
        "inputs_last_seen_ms": last_seen_ms(seen.counters for seen in board.partitions.values()),
        "waiting": describe_waiting(board, now_ms),
        "targets": board.targets(),
        "freshness_ms": {kpi: max(0, age_ms) for kpi, age_ms in board.freshness_ms(now_ms).items()},
    }


def _minus(ts_ms: int | None, duration_ms: int) -> int | None:
    return None if ts_ms is None else ts_ms - duration_ms


def _delay(now_ms: int, ts_ms: int | None) -> int | None:
    return None if ts_ms is None else max(0, now_ms - ts_ms)
