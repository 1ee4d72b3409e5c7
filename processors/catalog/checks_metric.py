"""A metric, held against the measures that it reads.

A metric without a fault comes back complete: expressions written out down to measures, currency
appended to the dimension sets of money, samples and stats filled in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from processors.catalog import expression, fields
from processors.catalog.checks_measure import is_money
from processors.catalog.entries import HISTOGRAM_STATS
from processors.catalog.model import Aggregation, Metric, MetricType
from processors.catalog.scalars import did_you_mean
from processors.names import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.catalog.model import Alert, Measure
    from processors.catalog.references import Sides

    Report = Callable[[str, str], None]  # called with the field and the consequence

_VALUE_STATS = ("value",)
_ONE_MEASURE = (MetricType.SIMPLE, MetricType.CUMULATIVE)


def complete_metric(
    metric: Metric, sides: Sides, measures: Mapping[str, Measure], report: Report
) -> Metric:
    """Report what is wrong with a metric, and return it completed."""
    numerator, denominator = sides
    names = dict.fromkeys((*numerator.names, *(denominator.names if denominator else ())))
    read = [measures[name] for name in names]
    _check_shape(metric, sides, measures, report)
    _check_unit(metric, sides, measures, report)
    samples = _samples(metric, sides, measures, report)
    if samples in measures and samples not in names:
        read.append(measures[samples])
    money = any(map(is_money, read))
    _check_dimensions(metric, read, report, money=money)
    stats = _stats(metric, sides, measures, report)
    alerts = tuple(
        replace(alert, stat=stats[0]) if alert.stat == "value" else alert for alert in metric.alerts
    )
    _check_alerts(metric, alerts, stats, report)
    return replace(
        metric,
        numerator=numerator.text,
        denominator=denominator.text if denominator else "",
        samples=samples,
        stats=stats,
        alerts=alerts,
        dimension_sets=tuple(
            (*(name for name in dimensions if name != CURRENCY), CURRENCY) if money else dimensions
            for dimensions in metric.dimension_sets
        ),
    )


def _histogram(sides: Sides, measures: Mapping[str, Measure]) -> bool:
    plain = sides.numerator.plain
    return plain is not None and measures[plain].agg is Aggregation.HISTOGRAM


def _check_shape(
    metric: Metric, sides: Sides, measures: Mapping[str, Measure], report: Report
) -> None:
    one_measure = metric.type in _ONE_MEASURE
    if one_measure and sides.numerator.plain is None:
        report("numerator", f"a {metric.type.value} metric reads one measure; is it derived?")
    if one_measure and sides.denominator is not None:
        report("denominator", f"a {metric.type.value} metric has none; is it a ratio?")
    if metric.type is MetricType.RATIO and sides.denominator is None:
        report("denominator", "it is missing: a ratio has two sides")
    if metric.type is MetricType.CUMULATIVE and not all(w.calendar for w in metric.windows):
        report("windows", "a cumulative metric runs from a calendar boundary: use ..._to_date")
    if not (one_measure and _histogram(sides, measures)):
        for field, side in zip(("numerator", "denominator"), sides, strict=True):
            for name in side.names if side else ():
                if measures[name].agg is Aggregation.HISTOGRAM:
                    report(field, f"{name} is a histogram: it is no single number to reckon with")
    if metric.id in measures and (sides.numerator.plain != metric.id or sides.denominator):
        report("id", "a measure of this name means something else: expressions would be ambiguous")


def _check_unit(
    metric: Metric, sides: Sides, measures: Mapping[str, Measure], report: Report
) -> None:
    money = [any(is_money(measures[name]) for name in side.names) for side in sides if side]
    if metric.unit == "money" and not money[0]:
        report("unit", "money without currency: no measure of it adds up amounts of money")
    sums = expression.linear(sides.numerator) is not None
    if metric.unit != "money" and money == [True] and sums:
        report("unit", "the value is an amount of money and would be shown as something else")
    shown = metric.type in _ONE_MEASURE and _histogram(sides, measures)
    if shown != (metric.unit == "seconds"):
        report("unit", "histograms of durations are in seconds, and nothing else is")
    for field, side in zip(("numerator", "denominator"), sides, strict=True):
        weights = expression.linear(side) if side else None
        if weights and len({is_money(measures[name]) for name in weights}) > 1:
            report(field, "it adds money to what is no money")


def _stats(
    metric: Metric, sides: Sides, measures: Mapping[str, Measure], report: Report
) -> tuple[str, ...]:
    possible = HISTOGRAM_STATS if _histogram(sides, measures) else _VALUE_STATS
    if metric.stats == _VALUE_STATS:
        return possible
    for stat in metric.stats:
        if stat not in possible:
            report("stats", f"{stat} is not worked out here; known: {', '.join(possible)}")
    return tuple(stat for stat in possible if stat in metric.stats) or possible


def _samples(metric: Metric, sides: Sides, measures: Mapping[str, Measure], report: Report) -> str:
    """Return the measure that counts what stands behind the value; the denominator's if it can."""
    if metric.samples:
        if metric.samples not in measures:
            report("samples", f"no such measure; {did_you_mean(metric.samples, measures)}")
        elif measures[metric.samples].agg is Aggregation.SUM:
            report("samples", "a sum is no number of samples: name a count")
        return metric.samples
    plain = (sides.denominator or sides.numerator).plain
    if plain is None or measures[plain].agg is Aggregation.SUM:
        report("samples", "it is missing: name a count, or nobody can tell 1 of 2 from 500 of 1000")
        return ""
    return plain


def _check_dimensions(metric: Metric, read: list[Measure], report: Report, *, money: bool) -> None:
    for name in dict.fromkeys(name for names in metric.dimension_sets for name in names):
        if name in fields.UNBOUNDED:
            report("dimension_sets", f"{name} has no bound: a series each would never end")
            continue
        if name == CURRENCY and money:
            continue
        lacking = {e: m.name for m in read for e in m.events if name not in fields.dimensions(e)}
        if lacking:
            known = frozenset.intersection(*(fields.dimensions(e) for m in read for e in m.events))
            of = " nor of ".join(f"{e}, which {measure} reads," for e, measure in lacking.items())
            report(
                "dimension_sets",
                f"{name} is not a field of {of} so that side would stay empty for every {name}; "
                f"{did_you_mean(name, known)}",
            )


def _check_alerts(
    metric: Metric, alerts: tuple[Alert, ...], stats: tuple[str, ...], report: Report
) -> None:
    windows = [window.name for window in metric.windows]
    for alert in alerts:
        if alert.stat not in stats:
            report("alerts", f"it watches {alert.stat}, which is not worked out: it would not fire")
        if alert.window not in windows:
            report(
                "alerts",
                f"it watches {alert.window}, which the KPI does not have: the rule would never "
                f"fire; known: {', '.join(windows)}",
            )
        if not any(set(alert.by) == set(names) for names in metric.dimension_sets):
            report(
                "alerts",
                f"it watches by {', '.join(alert.by) or 'total'}, which is not a dimension set of "
                "the KPI: the rule would never fire",
            )
