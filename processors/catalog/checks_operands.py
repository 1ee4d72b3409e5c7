"""The leaves of a metric's expressions, held against measures, windows and dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.catalog import fields
from processors.catalog.model import CHANGE, Aggregation
from processors.catalog.operand import LAST_WEEK, LONGEST, RETAINED, TARGET
from processors.catalog.scalars import did_you_mean
from processors.names import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from processors.catalog.model import Measure, Metric
    from processors.catalog.operand import Operand

    Report = Callable[[str, str], None]  # called with the field and the consequence

_MINUTE_MS = 60_000


def check_operands(
    metric: Metric,
    operands: Collection[Operand],
    measures: Mapping[str, Measure],
    report: Report,
) -> None:
    """Report leaves that cannot be read."""
    for operand in operands:
        if operand.kind == TARGET:
            continue
        distinct = measures[operand.name].agg is Aggregation.DISTINCT
        if operand.slot.level and distinct:
            report("numerator", f"{operand.text}: a sketch cannot forget what came after the end")
        if operand.kind == LONGEST and measures[operand.name].agg is not Aggregation.HISTOGRAM:
            report("numerator", f"{operand.text}: only histograms know their durations")
        if operand.kind == RETAINED and not distinct:
            report("numerator", f"{operand.text}: only distinct counts know who they counted")
    shifted = [o for o in operands if o.slot.shift or o.kind == RETAINED]
    if CHANGE in metric.stats and shifted:
        report("stats", f"{CHANGE} of {shifted[0].text}: no panes are kept for the window before")
    if any(o.slot.shift == LAST_WEEK for o in operands):
        for window in metric.windows:
            if window.size_ms % _MINUTE_MS:
                report("windows", f"{window.name}: of last week whole minutes are kept, no less")


def check_dimensions(
    metric: Metric,
    operands: Collection[Operand],
    measures: Mapping[str, Measure],
    report: Report,
    *,
    money: bool,
) -> None:
    """Report dimensions by which some leaf has nothing to show."""
    events = {e: o.text for o in operands if not o.total for e in _events(o, measures)}
    for name in dict.fromkeys(name for names in metric.dimension_sets for name in names):
        if name in fields.UNBOUNDED:
            report("dimension_sets", f"{name} has no bound: a series each would never end")
            continue
        if name == CURRENCY and money:
            continue
        lacking = {e: by for e, by in events.items() if name not in fields.dimensions(e)}
        if lacking:
            known = frozenset.intersection(*map(fields.dimensions, events))
            of = " nor of ".join(f"{e}, which {text} reads," for e, text in lacking.items())
            report(
                "dimension_sets",
                f"{name} is not a field of {of} so that side would stay empty for every {name}; "
                f"{did_you_mean(name, known)}",
            )


def _events(operand: Operand, measures: Mapping[str, Measure]) -> tuple[str, ...]:
    return ("target_changed",) if operand.kind == TARGET else measures[operand.name].events
