"""Alert rules of the pipeline itself: what must hold whatever the KPIs are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from processors import names
from streams.monitoring.promql import counted, total
from streams.monitoring.rules import PIPELINE, VALUE, Rule

_BY_PARTITION: Final = "max by (topic, partition) ({})"
_WAITING: Final = _BY_PARTITION.format(names.WORKER_LAG)
_REACHED: Final = _BY_PARTITION.format(names.WORKER_OFFSET)
_KEPT_FROM: Final = _BY_PARTITION.format(names.WORKER_LOG_START)
_LAG: Final = total(names.WORKER_LAG, "topic")
_REJECTED: Final = counted(names.PIPELINE_REJECTED, "increase", "10m", "topic, reason")
_PUBLISHED: Final = counted(names.PIPELINE_EVENTS, "increase", "10m", "topic")


def _rule(  # a table of rules reads best with every column in sight
    name: str,
    expression: str,
    for_: str,
    severity: str,
    summary: str,
    description: str,
    *advice: str,
) -> Rule:
    return Rule(
        name=name,
        expression=expression,
        for_=for_,
        severity=severity,
        kind=PIPELINE,
        family=PIPELINE,
        summary=summary,
        description=description,
        advice=advice,
    )


def pipeline_rules() -> Iterator[Rule]:
    """Yield the rules of worker, tables and exporter."""
    yield _rule(
        "PipelineExporterDown",
        'absent(up{job="kpi-exporter"} == 1)',
        "2m",
        "critical",
        "No exporter answers",
        "No KPI is being exported, so no other KPI alert can fire.",
        "Start one with `kpi exporter`; it says at once why it cannot start.",
    )
    yield _rule(
        "PipelineExporterStale",
        f"min by (job) ({names.EXPORTER_STALE}) > 0",
        "2m",
        "critical",
        "Every exporter has lost the tables",
        "The figures shown are the last known ones.",
        "Look at Redis: `kpi doctor` says whether it is away, read-only or out of memory.",
    )
    yield _rule(
        "PipelineWorkerDown",
        'absent(up{job="kpi-worker"} == 1)',
        "2m",
        "critical",
        "No worker answers",
        "Events wait in Kafka and nothing is counted.",
        "Start one with `kpi worker`; it goes on from the last checkpoint.",
    )
    yield _rule(
        "PipelinePartitionStopped",
        f"max by (topic, partition) ({names.WORKER_STOPPED}) > 0",
        "0m",
        "critical",
        "Partition {{ $labels.topic }}/{{ $labels.partition }} is stopped until a person decides",
        "Its log and its table do not fit together any more; the worker's log says why.",
        "A re-created topic, a changed partition count, an offset that Kafka has deleted or, in an "
        "upgrade, a newer version's tables: then go on with the upgrade.",
        "The worker's health page names the way back.",
        "Where tracking.visitor or tracking.customer was created anew, look into Ways back in "
        "docs/faults.md before you start the workers: the other one may have to be emptied too "
        "(`kafka-topics.sh --bootstrap-server HOST:9092 --delete --topic tracking.customer`, then "
        "`kpi topics create`), or figures lack or repeat what one passes on to the other.",
    )
    yield _rule(
        "PipelinePartitionStalled",
        f"max by (topic, partition) ({names.WORKER_STALLED}) > 0",
        "1m",
        "critical",
        "Partition {{ $labels.topic }}/{{ $labels.partition }} has records but makes no progress",
        "The worker ends by itself and is restarted; if this stays, it cannot get on.",
        "Look at the worker's log, then at the broker's.",
    )
    yield _rule(
        "PipelineHeld",
        f"max by (topic, partition) ({names.WORKER_HELD}) > 60",
        "1m",
        "warning",
        "Partition {{ $labels.topic }}/{{ $labels.partition }} waits for Redis or Kafka",
        "It holds its records back until the service answers; nothing is lost.",
        "`kpi doctor` says which service refuses, and why.",
    )
    yield _rule(
        "PipelineLagGrowing",
        f"{_LAG} > 10000 and deriv({_LAG}[10m:1m]) > 0",
        "10m",
        "warning",
        "{{ $labels.topic }} lags by " + VALUE + " records and the lag grows",
        "More is published than the workers count.",
        "Start another worker, up to one a partition; docs/performance.md has the figures.",
    )
    yield _rule(
        "PipelineLagNearsRetention",
        # What waits, out of what the broker has; where it has deleted nothing, nothing is near.
        f"{_WAITING} / ({_WAITING} + {_REACHED} - {_KEPT_FROM}) > 0.8 and {_WAITING} > 10000 "
        f"and {_KEPT_FROM} > 0",
        "2m",
        "critical",
        "{{ $labels.topic }}/{{ $labels.partition }}: of what Kafka keeps, " + VALUE + " is not "
        "counted yet",
        "Kafka deletes from the other end: records that it deletes first are lost, and the "
        "partition stops.",
        "Raise the topic's retention.ms now, then start more workers: one a partition at most.",
        "`kafka-configs.sh --alter --entity-type topics --add-config retention.ms=...` holds at "
        "once.",
    )
    yield _rule(
        "PipelineWatermarkBehind",
        f"max by (topic, partition) ({names.PIPELINE_WATERMARK_DELAY}) > 600",
        "5m",
        "warning",
        "Final values of {{ $labels.topic }} lie " + VALUE + " s back",
        "One partition's event time stands still; final windows wait for the slowest one.",
        "A partition without events gets ticks from its owner: without them it has none.",
    )
    yield _rule(
        "PipelineDeadLetters",
        f"{_REJECTED} > 100 and {_REJECTED} > on (topic) group_left 0.01 * {_PUBLISHED}",
        "5m",
        "warning",
        "More than 1 % of {{ $labels.topic }} is rejected: {{ $labels.reason }}",
        "A producer publishes events that break the contract; the figures lack them.",
        "`kpi dead-letters list` groups them by reason, field and source.",
    )
    yield _rule(
        "PipelineTooLate",
        f"{counted(names.PIPELINE_LATE_UNKEYED, 'increase', '15m', 'topic')} > 100",
        "5m",
        "warning",
        VALUE + " events of {{ $labels.topic }} came too late for their sessions",
        "Plain counts have them; sessions, carts and the like do not.",
        "Look for a producer that was offline, or whose clock is behind.",
    )
    yield _rule(
        "PipelineDimensionOverflow",
        f"{counted(names.PIPELINE_OVERFLOW, 'increase', '1h', 'topic')} > 1000",
        "0m",
        "warning",
        "Dimension values of {{ $labels.topic }} do not fit their budget",
        "The rest is counted under __other__; totals are exact.",
        "An identifier has found its way into a dimension, or the budget is too small for it.",
    )
