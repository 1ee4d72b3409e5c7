"""promtool's cases of the pipeline's own rules: what fires each, and what must not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from processors import names
from streams.monitoring.pipeline_rules import pipeline_rules
from streams.monitoring.promql import selector

_HERE: Final = {"topic": "tracking.ads", "partition": "3"}
_TOPIC: Final = {"topic": "tracking.ads"}
Series = dict[str, str]


@dataclass(frozen=True)
class _Case:
    """Series that fire a rule with a value under labels, and series that do not."""

    fires: Series
    labels: dict[str, str]
    value: float
    silent: Series
    minutes: int = 15


def _partition(name: str, values: str, **more: str) -> Series:
    return {selector(name, _HERE | more): values}


def _log(*, lag: int, offset: int, start: int) -> Series:
    return {
        **_partition(names.WORKER_LAG, f"{lag}x60"),
        **_partition(names.WORKER_OFFSET, f"{offset}x60"),
        **_partition(names.WORKER_LOG_START, f"{start}x60"),
    }


_REJECTED = {"reason": "invalid_json"}
_CASES: Final = {
    "PipelineExporterDown": _Case(
        {'up{job="kpi-exporter",instance="a"}': "0x60"},
        {},
        1,
        # One of two is enough.
        {
            'up{job="kpi-exporter",instance="a"}': "0x60",
            'up{job="kpi-exporter",instance="b"}': "1x60",
        },
    ),
    "PipelineExporterStale": _Case(
        {f'{names.EXPORTER_STALE}{{job="kpi-exporter",instance="a"}}': "1x60"},
        {"job": "kpi-exporter"},
        1,
        {
            f'{names.EXPORTER_STALE}{{job="kpi-exporter",instance="a"}}': "1x60",
            f'{names.EXPORTER_STALE}{{job="kpi-exporter",instance="b"}}': "0x60",
        },
    ),
    "PipelineWorkerDown": _Case(
        {'up{job="kpi-worker",instance="a"}': "0x60"},
        {},
        1,
        {'up{job="kpi-worker",instance="a"}': "1x60"},
    ),
    "PipelinePartitionStopped": _Case(
        _partition(names.WORKER_STOPPED, "1x60"), _HERE, 1, _partition(names.WORKER_STOPPED, "0x60")
    ),
    "PipelinePartitionStalled": _Case(
        _partition(names.WORKER_STALLED, "1x60"), _HERE, 1, _partition(names.WORKER_STALLED, "0x60")
    ),
    "PipelineHeld": _Case(
        _partition(names.WORKER_HELD, "90x60"), _HERE, 90, _partition(names.WORKER_HELD, "30x60")
    ),
    "PipelineLagGrowing": _Case(
        _partition(names.WORKER_LAG, "20000+100x120"),
        _TOPIC,
        20_000 + 100 * 80,
        _partition(names.WORKER_LAG, "50000-100x120"),
        minutes=40,
    ),
    "PipelineLagNearsRetention": _Case(
        _log(lag=90_000, offset=110_000, start=100_000),
        _HERE,
        0.9,
        # A first start on a topic that is whole has all of it before it.
        _log(lag=90_000, offset=10, start=0),
    ),
    "PipelineWatermarkBehind": _Case(
        _partition(names.PIPELINE_WATERMARK_DELAY, "900x60"),
        _HERE,
        900,
        _partition(names.PIPELINE_WATERMARK_DELAY, "40x60"),
    ),
    "PipelineDeadLetters": _Case(
        _partition(names.PIPELINE_REJECTED, "0+50x120", **_REJECTED)
        | _partition(names.PIPELINE_EVENTS, "0+1000x120"),
        _TOPIC | _REJECTED,
        1_000,
        # Many, but one in a thousand of what is published.
        _partition(names.PIPELINE_REJECTED, "0+50x120", **_REJECTED)
        | _partition(names.PIPELINE_EVENTS, "0+50000x120"),
        minutes=40,
    ),
    "PipelineTooLate": _Case(
        _partition(names.PIPELINE_LATE_UNKEYED, "0+10x120"),
        _TOPIC,
        300,
        _partition(names.PIPELINE_LATE_UNKEYED, "0+1x120"),
        minutes=40,
    ),
    "PipelineDimensionOverflow": _Case(
        _partition(names.PIPELINE_OVERFLOW, "0+100x240"),
        _TOPIC,
        12_000,
        _partition(names.PIPELINE_OVERFLOW, "0+1x240"),
        minutes=90,
    ),
}


def pipeline_cases() -> list[dict[str, Any]]:
    """Return two cases a rule; a rule without cases is an error here, not a gap in the tests."""
    cases = []
    for rule in pipeline_rules():
        case = _CASES[rule.name]
        for series, expected, said in (
            (case.fires, [rule.alerted(case.labels, case.value)], "fires"),
            (case.silent, [], "is silent"),
        ):
            cases.append(
                {
                    "name": f"{rule.name} {said}",
                    "interval": "30s",
                    "input_series": [{"series": k, "values": v} for k, v in series.items()],
                    "alert_rule_test": [
                        {
                            "eval_time": f"{case.minutes}m",
                            "alertname": rule.name,
                            "exp_alerts": expected,
                        }
                    ],
                }
            )
    return cases
