"""Rows of KPIs as Prometheus metric families. What is undefined has no sample: never 0 or NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeHistogramMetricFamily
from prometheus_client.core import Metric as Family

from processors import names
from processors.catalog.model import CHANGE, Aggregation
from processors.catalog.operand import WINDOW
from processors.histogram import EXPORT_BOUNDS_MS, exported_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from processors.catalog.model import Catalog, Metric
    from processors.evaluate import Row
    from streams.exporter.board import Board

COMPANIONS: Final = {
    "numerator": "what stands above the fraction line of",
    "denominator": "what stands below the fraction line of",
    "samples": "how much stands behind",
}
_FINAL: Final = " At the watermark: complete but for late events."
_LABELS: Final = (names.LABEL_WINDOW, names.LABEL_BY)


def kpi_families(board: Board, values_max: int) -> Iterator[Family]:
    """Yield every KPI's families, live and final.

    Args:
        board: the figures.
        values_max: dimension values shown per KPI, window and dimension set.
    """
    for metric in board.catalog.metrics.values():
        for final in (False, True):
            rows = [
                row
                for window in metric.windows
                for dimensions in metric.dimension_sets
                for row in board.rows(
                    metric, window, dimensions, final=final, values_max=values_max
                )
            ]
            if rows:
                yield from value_families(metric, rows, final=final)
                if is_histogram(board.catalog, metric):
                    yield distribution_family(board, metric, final=final)


def value_families(metric: Metric, rows: Iterable[Row], *, final: bool) -> Iterator[Family]:
    """Yield one KPI's gauge, and its numerator, denominator and samples where it has them."""
    ended = _FINAL if final else ""
    unit = names.UNIT_SUFFIX[metric.unit].removeprefix("_")
    name = names.metric_name(metric.id, metric.unit, final=final)
    text = f"{metric.description} Formula: {metric.formula}.{ended}"
    value = Family(name, text, "gauge", unit)
    companions = {
        companion: Family(
            names.companion_name(metric.id, companion, final=final),
            f"{metric.label}: {meaning} {name}.{ended}",
            "gauge",
        )
        for companion, meaning in COMPANIONS.items()
    }
    change = Family(
        names.companion_name(metric.id, names.CHANGE_RATIO, final=final),
        f"{metric.label}: what it gained on the window before, as a share of it.{ended}",
        "gauge",
        "ratio",
    )
    several, first = len(set(metric.stats) - {CHANGE}) > 1, metric.stats[0]
    for row in rows:
        labels = {
            names.LABEL_WINDOW: row.window,
            names.LABEL_BY: names.by_value(row.dimensions),
            **row.dimensions,
        }
        if row.stat == first:
            for companion, family in companions.items():
                _add(family, labels, getattr(row, companion))
        if row.stat == CHANGE:
            _add(change, labels, row.value)
            continue
        _add(value, {**labels, names.LABEL_STAT: row.stat} if several else labels, row.value)
    for family in (value, *companions.values(), change):
        if family.samples:
            yield family


def is_histogram(catalog: Catalog, metric: Metric) -> bool:
    """Tell whether a KPI's values are read from a histogram."""
    measure = catalog.measures.get(metric.numerator)
    return measure is not None and measure.agg is Aggregation.HISTOGRAM


def distribution_family(board: Board, metric: Metric, *, final: bool) -> Family:
    """Return the total's histogram over each window: 20 buckets, the last without an end.

    A gauge histogram, because a window also loses samples. Dimension values have quantiles only.
    """
    family = GaugeHistogramMetricFamily(
        names.companion_name(metric.id, "distribution_seconds", final=final),
        f"{metric.label}: how many samples of the window lie below.{_FINAL if final else ''}",
        labels=_LABELS,
        unit="seconds",
    )
    for window in metric.windows:
        tables, _ = board.tables(metric, window, final=final)
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
        counts = exported_counts(buckets)
        family.add_metric(
            (window.name, names.BY_TOTAL),
            list(zip(_bounds(), counts, strict=True)),
            gsum_value=sum_ms / 1_000,
        )
    return family


def _bounds() -> Sequence[str]:
    return (*(str(bound_ms / 1_000) for bound_ms in EXPORT_BOUNDS_MS), "+Inf")


def _add(family: Family, labels: Mapping[str, str], value: object) -> None:
    if value is not None:
        family.add_sample(family.name, dict(labels), float(value))  # type: ignore[arg-type]
