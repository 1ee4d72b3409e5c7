"""The dimension values worth showing: those with the most samples, chosen before evaluation.

A dimension set may hold thousands of values. The rest is cut and not added up: totals have rows of
their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.cells import CellTable
from processors.reading import reading, without_currency

if TYPE_CHECKING:
    from processors.catalog.model import Catalog, Metric


def largest(
    catalog: Catalog,
    metric: Metric,
    dimensions: tuple[str, ...],
    table: CellTable,
    values_max: int,
) -> CellTable:
    """Return a table that holds at most ``values_max`` values of one of a KPI's dimension sets.

    Args:
        catalog: the catalogue that the metric is in.
        metric: the KPI; its samples decide, then the values themselves.
        dimensions: one of its dimension sets.
        table: the sums; it is returned itself where it holds no more.
        values_max: how many to keep.
    """
    plan = reading(catalog, metric, dimensions)
    numbers = plan.numbers(table)
    keys = {key for name in plan.sets if name not in plan.shared for key in numbers[name]}
    if len(keys) <= values_max:
        return table
    # What is shared by all currencies says whether a row is the only one: keep them together.
    bare = {key: without_currency(dimensions, key) if plan.shared else key for key in keys}
    samples: dict[str, int] = {}
    for key, short in bare.items():
        shown = short if metric.samples in plan.shared else key
        samples[short] = samples.get(short, 0) + numbers[metric.samples].get(shown, 0)
    kept = frozenset(sorted(samples, key=lambda short: (-samples[short], short))[:values_max])
    kept_keys = [key for key, short in bare.items() if short in kept]
    cut = CellTable()
    for measure, names in plan.sets.items():
        components = table.components(measure, names)
        if measure not in plan.shared:
            components = {
                component: {key: amounts[key] for key in kept_keys if key in amounts}
                for component, amounts in components.items()
            }
        cut.groups[measure, ",".join(names)] = dict(components)
    return cut
