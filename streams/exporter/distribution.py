"""Histograms behind durations: 20 buckets of each window's total, the last without an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeHistogramMetricFamily

from processors import names
from processors.catalog.model import Aggregation
from processors.catalog.operand import WINDOW
from processors.histogram import EXPORT_BOUNDS_MS, exported_counts
from streams.exporter.series import FINAL_HELP

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

    from processors.catalog.model import Catalog, Metric
    from streams.exporter.board import Board

_LABELS: Final = (names.LABEL_WINDOW, names.LABEL_BY)
_BOUNDS: Final = (*(str(bound_ms / 1_000) for bound_ms in EXPORT_BOUNDS_MS), "+Inf")


def is_histogram(catalog: Catalog, metric: Metric) -> bool:
    """Tell whether a KPI's values are read from a histogram."""
    measure = catalog.measures.get(metric.numerator)
    return measure is not None and measure.agg is Aggregation.HISTOGRAM


def distribution_family(board: Board, metric: Metric, *, final: bool) -> Family:
    """Return the total's histogram over each window.

    A gauge histogram, because a window also loses samples. Dimension values have quantiles only.
    """
    family = GaugeHistogramMetricFamily(
        names.companion_name(metric.id, "distribution_seconds", final=final),
        f"{metric.label}: how many samples of the window lie below.{FINAL_HELP if final else ''}",
        labels=_LABELS,
        unit="seconds",
    )
    for window in metric.windows:
        tables = board.tables(metric, window, final=final)
        if tables is None:
            continue
        buckets: dict[int, int] = {}
        sum_ms = 0
        for name, values in tables[WINDOW].components(metric.numerator, ()).items():
            amount = values.get("", 0)
            if not isinstance(amount, int):
                continue  # a sketch: never of a histogram
            if name == "sum":
                sum_ms = amount
            else:
                buckets[int(name[1:])] = amount
        family.add_metric(
            (window.name, names.BY_TOTAL),
            list(zip(_BOUNDS, exported_counts(buckets), strict=True)),
            gsum_value=sum_ms / 1_000,
        )
    return family
