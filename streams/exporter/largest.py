"""The dimension values worth showing: those with the most samples, chosen before evaluation.

A dimension set may hold thousands of values. The rest is cut and not added up: totals have rows of
their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.cells import CellTable
from processors.reading import key_of, reading, without_currency
from processors.slots import Tables

if TYPE_CHECKING:
    from processors.catalog.model import Catalog, Metric


def largest(
    catalog: Catalog,
    metric: Metric,
    dimensions: tuple[str, ...],
    tables: Tables,
    values_max: int,
) -> Tables:
    """Return tables that hold at most ``values_max`` values of one of a KPI's dimension sets.

    Args:
        catalog: the catalogue that the metric is in.
        metric: the KPI; its samples decide, then the values themselves.
        dimensions: one of its dimension sets.
        tables: the sums by slot; they are returned themselves where they hold no more.
        values_max: how many to keep.
    """
    plan = reading(catalog, metric, dimensions)
    numbers = plan.numbers(tables)
    own = [text for text, leaf in plan.leaves.items() if leaf.dimensions == dimensions]
    keys = {key for text in own for key in numbers[text]}
    if len(keys) <= values_max:
        return tables
    # What is shared by all currencies says whether a row is the only one: keep them together.
    bare = {key: without_currency(dimensions, key) if plan.shared else key for key in keys}
    counted = plan.leaves[metric.samples]
    samples: dict[str, int] = {}
    for key, short in bare.items():
        count = numbers[metric.samples].get(key_of(counted, dimensions, key), 0)
        samples[short] = samples.get(short, 0) + count
    kept = frozenset(sorted(samples, key=lambda short: (-samples[short], short))[:values_max])
    kept_keys = [key for key, short in bare.items() if short in kept]
    cut = Tables({slot: CellTable() for slot in tables})
    for measure, slot, names in plan.stored:
        components = tables[slot].components(measure, names)
        if names == dimensions:
            members = tables[slot].members(measure, names)
            components = {
                component: {
                    key: members.get(key, amounts[key]) for key in kept_keys if key in amounts
                }
                for component, amounts in components.items()
            }
        cut[slot].groups[measure, ",".join(names)] = dict(components)
    return cut
