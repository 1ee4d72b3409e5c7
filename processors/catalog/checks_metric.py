"""A metric, held against the measures that it reads.

A metric without a fault comes back complete: expressions written out down to measures, currency
appended to the dimension sets of money, samples and stats filled in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from processors.catalog import expression, fields
from processors.catalog.checks_measure import has_currency, is_money
from processors.catalog.checks_operands import check_dimensions, check_operands
from processors.catalog.entries import HISTOGRAM_STATS
from processors.catalog.implicit import arrivals_read
from processors.catalog.model import CHANGE, Aggregation, Metric, MetricType
from processors.catalog.operand import LONGEST, TARGET
from processors.catalog.scalars import did_you_mean
from processors.names import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.catalog.model import Alert, Measure
    from processors.catalog.operand import Operand
    from processors.catalog.references import Sides

    Report = Callable[[str, str], None]  # called with the field and the consequence

_VALUE_STATS = ("value",)
_ONE_MEASURE = (MetricType.SIMPLE, MetricType.CUMULATIVE)


def complete_metric(
    metric: Metric,
    sides: Sides,
    measures: dict[str, Measure],
    report: Report,
    reporting: str = "",
) -> Metric:
    """Report what is wrong with a metric, and return it completed.

    Measures that the metric needs beside those it names are added to ``measures``.
    """
    numerator, denominator = sides
    operands = dict(numerator.operands) | dict(denominator.operands if denominator else {})
    _check_shape(metric, sides, measures, report)
    check_operands(metric, operands.values(), measures, report)
    _check_unit(metric, sides, measures, report)
    samples = _samples(metric, sides, measures, report)
    if samples:
        operands |= dict(expression.parse(samples).operands)
    read = [measures[o.name] for o in operands.values() if o.kind != TARGET]
    money = any(map(is_money, read))
    check_dimensions(metric, operands.values(), measures, report, money=money)
    stats = _stats(metric, sides, measures, report)
    arrived, added = arrivals_read(operands.values(), measures)
    measures.update((measure.name, measure) for measure in added)
    shared = money and not all(has_currency(measure) for measure in read)
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
        arrivals=arrived,
        reporting=reporting if shared else "",
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
        report(
            "windows",
            "a cumulative metric runs from a calendar boundary: use ..._to_date, or level(...)",
        )
    if not (one_measure and _histogram(sides, measures)):
        for field, side in zip(("numerator", "denominator"), sides, strict=True):
            for name in _plain_names(side) if side else ():
                if measures[name].agg is Aggregation.HISTOGRAM:
                    report(field, f"{name} is a histogram: it is no single number to reckon with")
    if metric.id in measures and (sides.numerator.plain != metric.id or sides.denominator):
        report("id", "a measure of this name means something else: expressions would be ambiguous")


def _plain_names(side: expression.Expression) -> list[str]:
    """Return the measures of a side that are read as the one number that they are."""
    apart = (LONGEST, TARGET)
    return [operand.name for operand in side.operands.values() if operand.kind not in apart]


def _check_unit(
    metric: Metric, sides: Sides, measures: Mapping[str, Measure], report: Report
) -> None:
    def is_amount(operand: Operand) -> bool:
        return operand.kind != TARGET and is_money(measures[operand.name])

    money = [any(map(is_amount, side.operands.values())) for side in sides if side]
    if metric.unit == "money" and not money[0]:
        report("unit", "money without currency: no measure of it adds up amounts of money")
    sums = expression.linear(sides.numerator) is not None
    if metric.unit != "money" and money == [True] and sums:
        report("unit", "the value is an amount of money and would be shown as something else")
    shown = metric.type in _ONE_MEASURE and _histogram(sides, measures)
    if shown and metric.unit != "seconds":
        report("unit", "histograms of durations are in seconds")
    if metric.unit == "seconds" and not shown and not _durations(sides, measures):
        report("unit", "histograms and sums of durations are in seconds, and nothing else is")
    for field, side in zip(("numerator", "denominator"), sides, strict=True):
        weights = expression.linear(side) if side else None
        known = [side.operands[text] for text in weights or () if side]
        if len({is_amount(operand) for operand in known if operand.kind != TARGET}) > 1:
            report(field, "it adds money to what is no money")


def _durations(sides: Sides, measures: Mapping[str, Measure]) -> bool:
    names = sides.numerator.names
    return bool(names) and all(measures[name].of == fields.DURATION for name in names)


def _stats(
    metric: Metric, sides: Sides, measures: Mapping[str, Measure], report: Report
) -> tuple[str, ...]:
    usual = HISTOGRAM_STATS if _histogram(sides, measures) else _VALUE_STATS
    possible = (*usual, CHANGE)
    if metric.stats == _VALUE_STATS:
        return usual
    for stat in metric.stats:
        if stat not in possible:
            report("stats", f"{stat} is not worked out here; known: {', '.join(possible)}")
    found = tuple(stat for stat in possible if stat in metric.stats)
    return found if set(found) - {CHANGE} else (*usual, *found)


def _samples(metric: Metric, sides: Sides, measures: Mapping[str, Measure], report: Report) -> str:
    """Return the measure that counts what stands behind the value; the denominator's if it can.

    It may be read through one function: ``level(known)``.
    """
    if metric.samples:
        try:
            parsed = expression.parse(metric.samples)
        except ValueError as error:
            report("samples", str(error))
            return ""
        names = parsed.names
        if len(parsed.operands) != 1 or len(names) != 1 or parsed.text not in parsed.operands:
            report("samples", "it must be one measure, or a function of one")
        elif names[0] not in measures:
            report("samples", f"no such measure; {did_you_mean(names[0], measures)}")
        elif _is_amount(measures[names[0]]):
            report("samples", "a sum is no number of samples: name a count")
        else:
            return metric.samples
        return ""
    for side in (sides.denominator, sides.numerator):
        plain = side.plain if side else None
        if plain is not None:
            if not _is_amount(measures[plain]):
                return plain
            break
        if side is not None:
            break
    report("samples", "it is missing: name a count, or nobody can tell 1 of 2 from 500 of 1000")
    return ""


def _is_amount(measure: Measure) -> bool:
    return measure.agg is Aggregation.SUM and measure.of != fields.KNOWN


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
