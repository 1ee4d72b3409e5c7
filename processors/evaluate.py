"""Rows of a KPI: what `kpi query` answers, the exporter shows and verification compares.

There is a row for every combination of dimension values of which the window holds anything, and
one for the total, always. Undefined is None: a ratio over nothing, a mean of nothing, a price in
several currencies. A count of nothing is 0. All arithmetic is in integers or fractions until the
last step; a row's numerator and denominator stay exact.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from processors.cells import SEPARATOR, CellTable
from processors.figures import Quotient, money, number
from processors.histogram import PERCENT_BY_STAT, quantiles_ms
from processors.reading import reading, without_currency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from processors.catalog.model import Catalog, Metric, Window
    from processors.reading import Numbers, Reading
    from processors.windows import Span

Figure = str | int | float | None


class Row(msgspec.Struct, frozen=True, gc=False):
    """One figure of one KPI. Amounts of money are decimal strings; undefined is None.

    ``stat`` is ``value``; of a histogram ``mean``, ``p50``, ``p90``, ``p95``; or ``change``: what
    the first stat gained on the window just before, as a share of that one's value.
    """

    kpi: str
    stat: str
    window: str
    window_start_ms: int
    window_end_ms: int
    dimensions: dict[str, str]
    value: Figure
    numerator: Figure
    denominator: Figure
    samples: int
    unit: str
    provisional: bool
    complete: bool


class _Found(NamedTuple):
    """One stat before it is written as a row."""

    key: str
    stat: str
    value: Quotient | None
    numerator: Figure
    denominator: Figure
    samples: int


def evaluate(
    catalog: Catalog,
    metric: Metric,
    window: Window,
    dimension_set: tuple[str, ...],
    cells: CellTable | Mapping[str, int | frozenset[int]],
    span: Span,
    previous: CellTable | Mapping[str, int | frozenset[int]] | None = None,
) -> list[Row]:
    """Return a KPI's rows for one of its dimension sets, in order of the values.

    Args:
        catalog: the catalogue that the metric is in.
        metric: the KPI.
        window: the window that the cells were summed over.
        dimension_set: one of ``metric.dimension_sets``.
        cells: sums over the window: a table, or cell name -> amount.
        span: the time that the rows stand for.
        previous: the same of the window just before; ``change`` is worked out where it is given.
    """
    plan = reading(catalog, metric, dimension_set)
    work_out = _durations if plan.histogram else _values
    found = list(work_out(plan, metric, dimension_set, _table(cells)))
    if previous is not None:
        first = metric.stats[0]
        before = {
            f.key: f.value
            for f in work_out(plan, metric, dimension_set, _table(previous))
            if f.stat == first
        }
        found += [
            _Found(f.key, "change", _change(f.value, before.get(f.key)), None, None, f.samples)
            for f in found
            if f.stat == first
        ]
    start_ms, end_ms = span.start_ms, span.end_ms
    provisional, complete = span.provisional, span.complete
    rows = []
    for key, stat, value, numerator, denominator, samples in found:
        unit = "ratio" if stat == "change" else metric.unit
        rows.append(
            Row(
                metric.id,
                stat,
                window.name,
                start_ms,
                end_ms,
                dict(zip(dimension_set, key.split(SEPARATOR), strict=True))
                if dimension_set
                else {},
                _value(value, unit),
                numerator,
                denominator,
                samples,
                unit,
                provisional,
                complete,
            )
        )
    return rows


def _values(
    plan: Reading, metric: Metric, dimensions: tuple[str, ...], cells: CellTable
) -> Iterator[_Found]:
    numbers: dict[str, Numbers] = plan.numbers(cells)
    keys = _keys(plan, dimensions, numbers)
    mixed: frozenset[str] = frozenset()
    if plan.shared:
        mixed = _spread(plan, dimensions, numbers, keys)
    numerator, denominator = plan.numerator, plan.denominator
    over_money, under_money = plan.money
    samples = numbers[metric.samples]
    for key in keys:
        over = numerator(numbers, key)
        if denominator is None:
            value = None if key in mixed else over
            yield _Found(key, "value", value, None, None, samples.get(key, 0))
            continue
        under = denominator(numbers, key)
        value = None
        if over is not None and under is not None and under.over and key not in mixed:
            value = _divide(over, under)
        yield _Found(
            key,
            "value",
            value,
            _shown(over, amount=over_money),
            _shown(under, amount=under_money),
            samples.get(key, 0),
        )


def _keys(plan: Reading, dimensions: tuple[str, ...], numbers: Mapping[str, Numbers]) -> list[str]:
    """Return the dimension values that have rows."""
    if not dimensions:
        return [""]
    keys: set[str] = set()
    for name, amounts in numbers.items():
        if name not in plan.shared:
            keys.update(key for key, amount in amounts.items() if amount)
    return sorted(keys)


def _spread(
    plan: Reading, dimensions: tuple[str, ...], numbers: dict[str, Numbers], keys: list[str]
) -> frozenset[str]:
    """Give what has no currency to each currency's row; return the rows that are not alone."""
    bare = {key: without_currency(dimensions, key) for key in keys}
    for name in plan.shared:
        amounts = numbers[name]
        numbers[name] = {key: amounts.get(short, 0) for key, short in bare.items()}
    shared: dict[str, int] = {}
    for short in bare.values():
        shared[short] = shared.get(short, 0) + 1
    return frozenset(key for key, short in bare.items() if shared[short] > 1)


def _durations(
    plan: Reading, metric: Metric, dimensions: tuple[str, ...], cells: CellTable
) -> Iterator[_Found]:
    buckets: dict[str, dict[int, int]] = {} if dimensions else {"": {}}
    totals: dict[str, int] = {}
    for component, amounts in cells.components(plan.histogram, dimensions).items():
        if component == "sum":
            totals = amounts  # type: ignore[assignment]
            continue
        index = int(component[1:])
        for key, count in amounts.items():
            if count:
                buckets.setdefault(key, {})[index] = count  # type: ignore[assignment]
    quantiles = [stat for stat in PERCENT_BY_STAT if stat in metric.stats]
    percents = [PERCENT_BY_STAT[stat] for stat in quantiles]
    for key in sorted(buckets):
        held = buckets[key]
        count = sum(held.values())
        if "mean" in metric.stats:
            over = totals.get(key, 0)
            value = Quotient(over, count * 1_000) if count > 0 else None
            yield _Found(key, "mean", value, number(Quotient(over, 1_000)), count, count)
        for stat, duration_ms in zip(quantiles, quantiles_ms(held, percents), strict=True):
            value = None if duration_ms is None else Quotient(duration_ms, 1_000)
            yield _Found(key, stat, value, None, None, count)


def _divide(over: Quotient, under: Quotient) -> Quotient:
    top, bottom = over.over * under.under, over.under * under.over
    return Quotient(top, bottom) if bottom > 0 else Quotient(-top, -bottom)


def _change(value: Quotient | None, before: Quotient | None) -> Quotient | None:
    if value is None or before is None or not before.over:
        return None
    change = (Fraction(*value) - Fraction(*before)) / abs(Fraction(*before))
    return Quotient(change.numerator, change.denominator)


def _value(quotient: Quotient | None, unit: str) -> Figure:
    if quotient is None:
        return None
    if unit == "money":
        return money(quotient)
    return number(quotient) if unit == "count" else quotient.over / quotient.under


def _shown(quotient: Quotient | None, *, amount: bool) -> Figure:
    if quotient is None:
        return None
    return money(quotient) if amount else number(quotient)


def _table(cells: CellTable | Mapping[str, int | frozenset[int]]) -> CellTable:
    return cells if isinstance(cells, CellTable) else CellTable.of((cells,))
