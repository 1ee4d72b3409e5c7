"""Every public name, written once: topics, cells, labels, metric names.

Redis key names live in ``streams/tables/keys.py`` because only the tables know them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

LIVE_NAMESPACE: Final = "live"

# --- topics (contract.md) -------------------------------------------------------------------
VISITOR: Final = "tracking.visitor"
ADS: Final = "tracking.ads"
SUPPORT: Final = "tracking.support"
LEADS: Final = "tracking.leads"
BUSINESS: Final = "tracking.business"
DEAD_LETTER: Final = "tracking.dead-letter"
EVENT_TOPICS: Final = (VISITOR, ADS, SUPPORT, LEADS, BUSINESS)
CUSTOMER: Final = "tracking.customer"  # internal: what workers pass on, keyed by customer_id
PROCESSED_TOPICS: Final = (*EVENT_TOPICS, CUSTOMER)


def physical_topic(topic: str, namespace: str) -> str:
    """Return the broker's name of a topic: namespaces other than live have their own topics."""
    return topic if namespace == LIVE_NAMESPACE else f"{namespace}.{topic}"


def logical_topic(physical: str, namespace: str) -> str:
    """Undo :func:`physical_topic`."""
    return physical if namespace == LIVE_NAMESPACE else physical.removeprefix(f"{namespace}.")


# --- cells: one integer (or sketch) of one measure for one combination of dimension values ----
_SEPARATOR: Final = "\x1f"
NONE_VALUE: Final = "__none__"  # the event carries no value in this dimension
OTHER_VALUE: Final = "__other__"  # the value was not admitted: the dimension set's budget is full
INVALID_VALUE: Final = "__invalid__"  # control characters, or longer than VALUE_LENGTH_MAX
VALUE_LENGTH_MAX: Final = 200


class Cell(NamedTuple):
    """The parsed form of a cell's name.

    ``component`` is empty for counts, sums and distinct counts, ``sum`` or ``b<index>`` for a
    histogram (its count is the sum of its buckets).
    """

    measure: str
    component: str
    dimensions: tuple[str, ...]
    values: tuple[str, ...]


def cell_name(cell: Cell) -> str:
    """Encode a cell as the field name that Redis, the log of deltas and the exporter use."""
    head = f"{cell.measure}#{cell.component}" if cell.component else cell.measure
    return _SEPARATOR.join((head, ",".join(cell.dimensions), *cell.values))


def parse_cell(name: str) -> Cell:
    """Undo :func:`cell_name`."""
    head, dimensions, *values = name.split(_SEPARATOR)
    measure, _, component = head.partition("#")
    return Cell(
        measure, component, tuple(dimensions.split(",")) if dimensions else (), tuple(values)
    )


# --- Prometheus -----------------------------------------------------------------------------
UNIT_SUFFIX: Final = {
    "ratio": "_ratio",
    "seconds": "_seconds",
    "money": "_money",
    "count": "",
    "score": "_score",
    "position": "_position",
}
LABEL_WINDOW: Final = "window"
LABEL_BY: Final = "by"  # the dimension set: without it, totals and breakdowns would add up twice
LABEL_STAT: Final = "stat"


LABEL_KPI: Final = "kpi"
LABEL_INPUT: Final = "input"
LABEL_TOPIC: Final = "topic"
LABEL_PARTITION: Final = "partition"
LABEL_REASON: Final = "reason"
LABEL_TRAFFIC: Final = "traffic"
BY_TOTAL: Final = "total"  # not empty: PromQL's by="" would also match series without the label
CURRENCY: Final = "currency"  # a dimension of every money figure, so it is left out of LABEL_BY

KPI_FRESHNESS: Final = "kpi_freshness_seconds"
KPI_TARGET: Final = "kpi_target"
CHANGE_RATIO: Final = "change_ratio"
KPI_INPUT_LAST_SEEN: Final = "kpi_input_last_seen_seconds"
KPI_WAITING: Final = "kpi_waiting_for_input"
PIPELINE_OFFSET: Final = "kpi_pipeline_offset"
PIPELINE_WATERMARK_DELAY: Final = "kpi_pipeline_watermark_delay_seconds"
PIPELINE_CHECKPOINT_AGE: Final = "kpi_pipeline_checkpoint_age_seconds"
PIPELINE_EVENTS: Final = "kpi_pipeline_events_total"
PIPELINE_LATE: Final = "kpi_pipeline_late_events_total"
PIPELINE_LATE_UNKEYED: Final = "kpi_pipeline_late_unkeyed_events_total"
PIPELINE_DUPLICATES: Final = "kpi_pipeline_duplicate_events_total"
PIPELINE_TICKS: Final = "kpi_pipeline_ticks_total"
PIPELINE_OVERFLOW: Final = "kpi_pipeline_overflow_figures_total"
PIPELINE_EXCLUDED: Final = "kpi_pipeline_excluded_events_total"
PIPELINE_REJECTED: Final = "kpi_pipeline_rejected_events_total"
EXPORTER_STALE: Final = "kpi_exporter_stale"
EXPORTER_UPDATE_AGE: Final = "kpi_exporter_update_age_seconds"

# of a worker process; the exporter's series above are of the tables and outlive any worker
WORKER_OFFSET: Final = "kpi_worker_offset"
WORKER_LAG: Final = "kpi_worker_lag_records"
WORKER_LOG_START: Final = "kpi_worker_log_start_offset"
WORKER_WATERMARK: Final = "kpi_worker_watermark_timestamp_seconds"
WORKER_CHECKPOINT_SECONDS: Final = "kpi_worker_checkpoint_duration_seconds"
WORKER_CHECKPOINT_AGE: Final = "kpi_worker_checkpoint_age_seconds"
WORKER_HELD: Final = "kpi_worker_held_seconds"
WORKER_STALLED: Final = "kpi_worker_stalled"
WORKER_STOPPED: Final = "kpi_worker_stopped"
WORKER_RECORDS: Final = "kpi_worker_records_total"
WORKER_REJECTIONS: Final = "kpi_worker_rejections_total"
WORKER_CHECKPOINTS: Final = "kpi_worker_checkpoints_total"


def by_value(dimensions: Iterable[str]) -> str:
    """Return the ``by`` label of a dimension set: ``source,campaign``, or ``total``."""
    return ",".join(d for d in dimensions if d != CURRENCY) or BY_TOTAL


def metric_name(kpi: str, unit: str, *, final: bool = False) -> str:
    """Return the gauge's name: ``kpi_click_through_rate_ratio``, ``..._final_ratio``."""
    return f"kpi_{kpi}{'_final' if final else ''}{UNIT_SUFFIX[unit]}"


def companion_name(kpi: str, companion: str, *, final: bool = False) -> str:
    """Return the name of a companion: numerator, denominator, samples or distribution_seconds."""
    return f"kpi_{kpi}{'_final' if final else ''}_{companion}"
