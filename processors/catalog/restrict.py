"""A part of a catalogue: some KPIs, and of the measures' cells only what those read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from processors.catalog.requirements import requirements
from processors.catalog.scalars import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.catalog.model import Catalog


def restrict(catalog: Catalog, kpis: Sequence[str]) -> Catalog:
    """Return the catalogue with no KPIs but those named; nothing is stored for the others.

    Raises:
        ValueError: a name is no KPI's.
    """
    for name in kpis:
        if name not in catalog.metrics:
            hint = did_you_mean(name, catalog.metrics)
            raise ValueError(f"there is no KPI {name}; {hint}")
    kept = {name: metric for name, metric in catalog.metrics.items() if name in set(kpis)}
    required = requirements(kept.values(), catalog.measures, catalog.ladder)
    return replace(catalog, metrics=kept, requirements=required)
