"""Outside inputs as the exporter tells of them: when each was last seen, and which KPIs wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeMetricFamily

from processors import names
from processors.inputs import inputs_of, last_seen_ms, missing_inputs, waiting_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric as Family

    from streams.exporter.board import Board

_WAITING_LABELS: Final = (names.LABEL_KPI, names.LABEL_WINDOW, names.LABEL_INPUT)


def missing(board: Board) -> Iterator[tuple[str, str, str]]:
    """Yield (KPI, window, input) where a live window lacks an input: the KPI is absent there."""
    catalog = board.catalog
    for metric in catalog.metrics.values():
        if not inputs_of(catalog, metric):
            continue
        for window in metric.windows:
            tables = board.tables(metric, window, final=False)
            if tables is not None:
                for found in missing_inputs(catalog, metric, tables):
                    yield metric.id, window.name, found


def describe_waiting(board: Board, now_ms: int) -> dict[str, dict[str, str]]:
    """Return KPI -> window -> ``waiting for ad_cost, last seen 26 h ago``."""
    seen_ms = last_seen_ms(seen.counters for seen in board.partitions.values())
    found: dict[str, dict[str, str]] = {}
    for kpi, window, lacking in missing(board):
        texts = found.setdefault(kpi, {})
        text = waiting_for(lacking, seen_ms, now_ms)
        texts[window] = f"{texts[window]}; {text}" if window in texts else text
    return found


def input_families(board: Board, now_ms: int) -> Iterator[Family]:
    """Yield the age of every input that was ever seen, and the KPIs that wait for one."""
    age = GaugeMetricFamily(
        names.KPI_INPUT_LAST_SEEN,
        "Wall time minus the largest event time of an outside input; never seen: absent.",
        labels=(names.LABEL_INPUT,),
        unit="seconds",
    )
    seen_ms = last_seen_ms(seen.counters for seen in board.partitions.values())
    for kind, ts in sorted(seen_ms.items()):
        age.add_metric((kind,), max(0, now_ms - ts) / 1_000)
    waiting = GaugeMetricFamily(
        names.KPI_WAITING,
        "1 where a KPI is absent because an outside input has not arrived in its live window.",
        labels=_WAITING_LABELS,
    )
    for labels in missing(board):
        waiting.add_metric(labels, 1)
    yield from (age, waiting)
