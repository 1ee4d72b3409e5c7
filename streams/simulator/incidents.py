"""Things that go wrong on purpose, so that alerts and dashboards have something to show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from processors.durations import parse_duration_ms
from processors.errors import UsageError


class IncidentKind(StrEnum):
    """What can go wrong."""

    BROKEN_CHECKOUT = "broken_checkout"  # no purchase succeeds: carts are abandoned
    AD_OUTAGE = "ad_outage"  # no impression is shown, so nothing is clicked
    SLOW_SUPPORT = "slow_support"  # agents take ten times as long to reply first


@dataclass(frozen=True)
class Incident:
    """Something that goes wrong during [start_ms, end_ms) of event time."""

    kind: IncidentKind
    start_ms: int
    end_ms: int


def during(incidents: tuple[Incident, ...], kind: IncidentKind, ts_ms: int) -> bool:
    """Tell whether an incident of this kind is on at an instant."""
    return any(i.kind is kind and i.start_ms <= ts_ms < i.end_ms for i in incidents)


def parse_incident(text: str, origin_ms: int) -> Incident:
    """Parse ``broken_checkout@10m/5m``: ten minutes after ``origin_ms``, for five minutes.

    Raises:
        UsageError: unknown kind, or not KIND@AFTER/DURATION.
    """
    kind, _, span = text.partition("@")
    after, _, duration = span.partition("/")
    if kind not in list(IncidentKind):
        known = ", ".join(IncidentKind)
        raise UsageError(f"incident {text!r}: {kind!r} is none of {known}")
    try:
        start_ms = origin_ms + (parse_duration_ms(after) if after not in ("", "0") else 0)
        return Incident(IncidentKind(kind), start_ms, start_ms + parse_duration_ms(duration))
    except ValueError as error:
        raise UsageError(
            f"incident {text!r} is not KIND@AFTER/DURATION such as {kind}@10m/5m: {error}"
        ) from error
