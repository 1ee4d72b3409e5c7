"""What a catalogue means, once loaded and checked. MetricFlow's terms.

A *measure* is what is added up: it names events (published or derived), an aggregation and the
field it reads. A *metric* (a KPI) is what people read: simple, ratio, derived or cumulative over
measures, with its dimension sets, windows, unit and direction. Which cells are stored follows
from the metrics: a measure is kept for exactly the dimension sets and rungs that some metric reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from processors.durations import format_duration, parse_duration_ms
from processors.ladder import Ladder


class Aggregation(StrEnum):
    """How a measure adds up. All but ``distinct`` are integers that only add."""

    COUNT = "count"
    SUM = "sum"  # micro-units
    HISTOGRAM = "histogram"  # of milliseconds, in the bucket table of processors/histogram.py
    DISTINCT = "distinct"  # a sketch: exact below its size, error stated in processors/sketch.py


class MetricType(StrEnum):
    """The metric types of MetricFlow."""

    SIMPLE = "simple"
    RATIO = "ratio"
    DERIVED = "derived"
    CUMULATIVE = "cumulative"


CHANGE: Final = "change"  # the stat that any KPI can have
CALENDAR_WINDOWS = ("day_to_date", "month_to_date", "quarter_to_date", "year_to_date")
_SLIDES = (  # longest window (ms), the rung it slides by, that rung's size (ms)
    (900_000, "10s", 10_000),
    (86_400_000, "1m", 60_000),
    (90 * 86_400_000, "1h", 3_600_000),
)


@dataclass(frozen=True)
class Window:
    """A run of panes that is read: trailing (``5m``, ``1d`` = 24 h) or calendar to date.

    ``size_ms`` is 0 for calendar windows. ``rung`` is the pane size by which the window slides:
    its ends lie between panes of that rung. A calendar window moves by whole local days: its live
    end is the end of today, its final end the last midnight behind the watermark.
    """

    name: str
    size_ms: int
    rung: str

    @property
    def calendar(self) -> bool:
        """Whether the window runs from a calendar boundary to its end."""
        return self.size_ms == 0


def window(name: str) -> Window:
    """Parse a window's name.

    Raises:
        ValueError: not a duration or a calendar window, not a whole number of panes, or longer
            than 90 d.
    """
    if name in CALENDAR_WINDOWS:
        return Window(name, 0, "1d")
    size_ms = parse_duration_ms(name)
    for limit_ms, rung, slide_ms in _SLIDES:
        if size_ms <= limit_ms:
            if size_ms % slide_ms:
                raise ValueError(
                    f"{name} is not a whole number of {rung} panes: its start would cut one in two"
                )
            return Window(format_duration(size_ms), size_ms, rung)
    raise ValueError(f"{name} is longer than 90d, the longest window that the ladder keeps")


@dataclass(frozen=True)
class Bound:
    """Only events count whose number lies in [low, high], in the integer unit of the field.

    ``field`` is as in the catalogue: ``value`` is compared in micro-units. None is no bound.
    """

    field: str
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Weights:
    """How much an event counts, by one text field's value; values not named count 1."""

    field: str
    by_value: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Measure:
    """What is added up.

    Attributes:
        events: types of events, published or derived, that count.
        of: the field read: ``value`` (kept as ``micro``), ``quantity``, ``duration_ms`` or
            another number of a fact; for distinct counts any text field, or ``visitor``:
            visitor_id, else customer_id, else recipient_id. Empty for a count.
        where: only events whose field has one of the values count, for every field named.
        bounds: only events whose number lies within count, for every field named.
        weights: of a count: what each event counts.
    """

    name: str
    events: tuple[str, ...]
    agg: Aggregation
    of: str = ""
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    bounds: tuple[Bound, ...] = ()
    weights: Weights | None = None


@dataclass(frozen=True)
class Alert:
    """A threshold on a KPI's final value; rules are generated from it.

    ``op`` is ``above`` or ``below`` a ``threshold`` in the KPI's unit (a number, as text), or
    ``drop`` below or ``rise`` above that multiple of the value at the same time last week;
    ``stat`` is the one that is watched, in every row of the dimension set ``by`` (without
    currency: money is watched in each).
    """

    severity: str
    op: str
    threshold: str
    window: str
    for_: str = "5m"
    samples_min: int = 30
    by: tuple[str, ...] = ()
    stat: str = "value"


@dataclass(frozen=True)
class Metric:
    """A KPI.

    Attributes:
        type: see MetricType. ``simple`` reads ``numerator`` only (one measure's name);
            ``ratio`` is numerator / denominator; ``derived`` is ``numerator`` as an arithmetic
            expression over measures and metrics (+ - * / and numbers) and, where given, divided
            by ``denominator``; ``cumulative`` is a measure since the start of the calendar window.
        numerator, denominator: arithmetic expressions over measures (a plain name mostly); the
            loader has written out the metrics that they name.
        stats: what is worked out: ``value``, or of a histogram ``mean``, ``p50``, ``p90``, ``p95``;
            and ``change``: what the first gained on the window before, as a share of it.
        target: what the first stat is held against, in the KPI's unit; empty where there is none.
        samples: the measure whose count says how much stands behind the value.
        arrivals: leaves (of processors/catalog/operand.py) that count what arrived of the outside
            inputs; where one is 0 the KPI is undefined, because nobody knows its inputs.
        matures_ms: rows are provisional for so long after their window's end: of a cohort, what
            becomes of it shows later.
        reporting: the currency in which amounts of several are added up; empty: they never are.
        dimension_sets: what ``--by`` accepts; () is the total. Money metrics have ``currency``
            appended to every set by the loader, so their total is ("currency",).
        dimension_values_max: the budget of each of its dimension sets; None: the default.
        line: where it stands in ``file``, for messages.
    """

    id: str
    family: str
    type: MetricType
    label: str
    description: str
    formula: str
    unit: str
    direction: str
    numerator: str
    denominator: str = ""
    samples: str = ""
    dimension_sets: tuple[tuple[str, ...], ...] = ((),)
    windows: tuple[Window, ...] = ()
    stats: tuple[str, ...] = ("value",)
    headline: bool = False
    target: str = ""
    alerts: tuple[Alert, ...] = ()
    arrivals: tuple[str, ...] = ()
    matures_ms: int = 0
    reporting: str = ""
    dimension_values_max: int | None = None
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Defaults:
    """Times that shape keyed figures and validity (contract.md), each overridable."""

    session_gap_ms: int = 1_800_000
    engaged_ms: int = 10_000
    engaged_pages: int = 2
    funnel_steps: tuple[str, ...] = ("page_view", "add_to_cart", "checkout_started", "purchase")
    visitor_horizon_ms: int = 400 * 86_400_000
    cart_timeout_ms: int = 1_800_000
    attribution_lookback_ms: int = 7 * 86_400_000
    attribution_model: str = "last"
    refund_horizon_ms: int = 30 * 86_400_000
    excluded_traffic: tuple[str, ...] = ("bot", "test")
    social_mediums: tuple[str, ...] = ("social", "social-network", "social-media")
    email_window_ms: int = 72 * 3_600_000
    ticket_retention_ms: int = 400 * 86_400_000
    first_response_sla_ms: int = 3_600_000
    lead_retention_ms: int = 400 * 86_400_000
    lead_agreed_ms: int = 30 * 86_400_000
    order_horizon_ms: int = 30 * 86_400_000
    reading_horizon_ms: int = 7 * 86_400_000
    customer_horizon_ms: int = 1_096 * 86_400_000
    customer_cohort_ms: int = 45 * 86_400_000
    allowed_lateness_ms: int = 30_000
    keyed_lateness_ms: int = 3_600_000
    far_future_ms: int = 300_000
    record_bytes_max: int = 65_536
    dimension_values_max: int = 1_000


@dataclass(frozen=True)
class Requirement:
    """For one measure: the dimension sets and rungs that some metric reads.

    Both in a fixed order: sets by length and name, rungs from fine to coarse. Every rung holds
    every set.
    """

    measure: Measure
    dimension_sets: tuple[tuple[str, ...], ...]
    rungs: tuple[str, ...]


@dataclass(frozen=True)
class Maintenance:
    """When nobody is told of broken values: something is being worked on, at every such time.

    Attributes:
        families: whose KPIs; empty: all, and the pipeline's own alerts.
        days: names of weekdays, ``monday``; empty: every day.
        dates: ``2026-12-24``; empty: every day. A date counts where its weekday does, too.
        start, end: ``02:00``; the end may be ``24:00``, and lies behind the start.
        zone: in which days and times are meant.
    """

    id: str
    families: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    start: str = "00:00"
    end: str = "24:00"
    zone: str = "UTC"


@dataclass(frozen=True)
class Catalog:
    """A loaded, checked catalogue.

    ``targets`` are named figures beside the KPIs' own that ``target`` may read: name -> number as
    text, empty where only target_set events give it. ``runbook`` is where alerts and dashboards
    link to: an address, or the path in the repository.
    """

    measures: dict[str, Measure]
    metrics: dict[str, Metric]
    requirements: dict[str, Requirement]
    defaults: Defaults = field(default_factory=Defaults)
    ladder: Ladder = field(default_factory=Ladder)
    targets: dict[str, str] = field(default_factory=dict)
    maintenance: tuple[Maintenance, ...] = ()
    runbook: str = "deploy/runbook.md"
