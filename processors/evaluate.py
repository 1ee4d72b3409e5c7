"""Rows of a KPI: what `kpi query` answers, the exporter shows and verification compares.

There is a row for every combination of dimension values of which the window holds anything, and
one for the total, always. Undefined is None: a ratio over nothing, a mean of nothing, a price in
several currencies. A count of nothing is 0. All arithmetic is in integers or fractions until the
last step; a row's numerator and denominator stay exact.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from processors.catalog.model import CHANGE
from processors.catalog.operand import PREVIOUS, WINDOW, Slot
from processors.cells import SEPARATOR, CellTable
from processors.figures import MICRO, Quotient, money, number
from processors.histogram import PERCENT_BY_STAT, quantiles_ms
from processors.names import CURRENCY
from processors.reading import key_of, reading, without_currency
from processors.slots import Tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from processors.catalog.model import Catalog, Metric, Window
    from processors.reading import Leaf, Numbers, Reading
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
    cells: Tables | CellTable | Mapping[str, int | frozenset[int]],
    span: Span,
    previous: CellTable | Mapping[str, int | frozenset[int]] | None = None,
    *,
    values_max: int | None = None,
) -> list[Row]:
    """Return a KPI's rows for one of its dimension sets, in order of the values.

    Args:
        catalog: the catalogue that the metric is in.
        metric: the KPI.
        window: the window that the cells were summed over.
        dimension_set: one of ``metric.dimension_sets``.
        cells: every slot that the KPI reads; or, where it reads its window only, a table or
            cell name -> amount.
        span: the time that the rows stand for.
        previous: cells of the window just before, where they are not among the slots; ``change``
            is worked out where it is given or the KPI has that stat.
        values_max: only so many dimension values, those with the most samples; the rest is cut and
            not added up, for totals have rows of their own.
    """
    plan = reading(catalog, metric, dimension_set)
    work_out = _durations if plan.histogram else _values
    tables = cells if isinstance(cells, Tables) else Tables({WINDOW: _table(cells)})
    if previous is not None:
        tables = Tables({**tables, Slot(PREVIOUS): _table(previous)})
    found = list(work_out(plan, metric, tables, "", values_max))
    if previous is not None or CHANGE in metric.stats:
        first = metric.stats[0]
        earlier = work_out(plan, metric, tables, PREVIOUS, None)
        before = {f.key: f.value for f in earlier if f.stat == first}
        found += [
            _Found(f.key, CHANGE, _change(f.value, before.get(f.key)), None, None, f.samples)
            for f in found
            if f.stat == first
        ]
    start_ms, end_ms = span.start_ms, span.end_ms
    provisional, complete = span.provisional or _matures(metric, span), span.complete
    rows = []
    for key, stat, value, numerator, denominator, samples in found:
        unit = "ratio" if stat == CHANGE else metric.unit
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


def _matures(metric: Metric, span: Span) -> bool:
    """Tell whether what the window holds can still become more, as agreed for the KPI."""
    if not metric.matures_ms:
        return False
    return span.watermark_ms is None or span.watermark_ms < span.end_ms + metric.matures_ms


def _values(
    plan: Reading, metric: Metric, tables: Tables, shift: str, values_max: int | None
) -> Iterator[_Found]:
    numbers: dict[str, Numbers] = plan.numbers(tables, shift)
    keys = _keys(plan, numbers)
    mixed = _spread(plan, numbers, keys)
    numerator, denominator = plan.numerator, plan.denominator
    over_money, under_money = plan.money
    waits = bool(plan.guards) and bool(plan.waits(tables, shift))
    combined: dict[str, Quotient | None] = {}
    if mixed and metric.reporting and not waits:
        combined = _combined(plan, metric, numbers, keys, mixed, tables)
        _give_shared(plan, numbers, mixed, combined.keys() - set(keys))
        keys = sorted({*keys, *combined})
    samples = numbers[metric.samples]
    for key in _most(keys, samples, values_max):
        over = numerator(numbers, key)
        under = None if denominator is None else denominator(numbers, key)
        value = None
        if key in combined:
            value = combined[key]
        elif key not in mixed and not waits and over is not None:
            if denominator is None:
                value = over
            elif under is not None and under.over:
                value = _divide(over, under)
        sides = (None, None) if denominator is None else (over, under)
        yield _Found(
            key,
            "value",
            value,
            _shown(sides[0], amount=over_money),
            _shown(sides[1], amount=under_money),
            samples.get(key, 0),
        )


def _most(keys: list[str], samples: Numbers, values_max: int | None) -> list[str]:
    """Return the keys with the most samples, in order; all of them where they are few."""
    if values_max is None or len(keys) <= values_max:
        return keys
    return sorted(sorted(keys, key=lambda key: (-samples.get(key, 0), key))[:values_max])


def _keys(plan: Reading, numbers: Mapping[str, Numbers]) -> list[str]:
    """Return the dimension values that have rows."""
    if not plan.dimensions:
        return [""]
    keys: set[str] = set()
    for text, amounts in numbers.items():
        if plan.leaves[text].dimensions == plan.dimensions:
            keys.update(key for key, amount in amounts.items() if amount)
    return sorted(keys)


def _spread(plan: Reading, numbers: dict[str, Numbers], keys: list[str]) -> frozenset[str]:
    """Give what is not by the row's dimensions to each row.

    Returns:
        The rows that share something with rows of other currencies.
    """
    dimensions = plan.dimensions
    for text, leaf in plan.leaves.items():
        if leaf.dimensions != dimensions:
            amounts = numbers[text]
            found = ((key, amounts.get(key_of(leaf, dimensions, key))) for key in keys)
            numbers[text] = {key: amount for key, amount in found if amount is not None}
    if not plan.shared:
        return frozenset()
    bare = {key: without_currency(dimensions, key) for key in keys}
    alike = Counter(bare.values())
    return frozenset(key for key, short in bare.items() if alike[short] > 1)


def _combined(
    plan: Reading,
    metric: Metric,
    numbers: Mapping[str, Numbers],
    keys: list[str],
    mixed: frozenset[str],
    tables: Tables,
) -> dict[str, Quotient | None]:
    """Return the rows of the reporting currency that stand for several: amounts are converted.

    What is shared counts once. A row is undefined where some currency has no rate.
    """
    rates = {**plan.rates(tables), metric.reporting: MICRO}
    groups: dict[str, list[str]] = {}
    for key in keys:
        if key in mixed:
            groups.setdefault(without_currency(plan.dimensions, key), []).append(key)
    found: dict[str, Quotient | None] = {}
    for bare, rows in groups.items():
        currencies = [key.rpartition(SEPARATOR)[2] for key in rows]
        one = SEPARATOR.join((*([bare] if len(plan.dimensions) > 1 else ()), metric.reporting))
        found[one] = None
        if all(rates.get(currency) for currency in currencies):
            joined = {
                text: {one: _joined(numbers[text], leaf, rows, currencies, rates)}
                for text, leaf in plan.leaves.items()
            }
            over = plan.numerator(joined, one)  # type: ignore[arg-type]  # fractions do as well
            under = plan.denominator(joined, one) if plan.denominator else Quotient(1, 1)  # type: ignore[arg-type]
            if over is not None and under is not None and under.over:
                value = Fraction(over.over) / over.under / Fraction(under.over) * under.under
                found[one] = Quotient(value.numerator, value.denominator)
    return found


def _give_shared(
    plan: Reading, numbers: dict[str, Numbers], mixed: frozenset[str], fresh: Iterable[str]
) -> None:
    """Give what currencies share to rows that only the reporting currency has, as to the others."""
    beside = {without_currency(plan.dimensions, key): key for key in mixed}
    for key in fresh:
        other = beside[without_currency(plan.dimensions, key)]
        for text in plan.shared:
            amount = numbers[text].get(other)
            if amount is not None:
                numbers[text] = {**numbers[text], key: amount}


def _joined(
    amounts: Numbers, leaf: Leaf, rows: list[str], currencies: list[str], rates: Numbers
) -> Fraction:
    """Return one leaf over rows of several currencies: amounts converted, what is shared once."""
    if CURRENCY not in leaf.dimensions:
        return Fraction(amounts.get(rows[0], 0))
    return sum(
        (
            Fraction(amounts.get(key, 0) * rates[currency], MICRO)
            for key, currency in zip(rows, currencies, strict=True)
        ),
        Fraction(0),
    )


def _durations(
    plan: Reading, metric: Metric, tables: Tables, shift: str, values_max: int | None
) -> Iterator[_Found]:
    dimensions = plan.dimensions
    cells = tables.shifted(WINDOW, shift)
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
    counts = {key: sum(held.values()) for key, held in buckets.items()}
    for key in _most(sorted(buckets), counts, values_max):
        held, count = buckets[key], counts[key]
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
