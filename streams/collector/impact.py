"""Which KPIs an event counts in: what a wrong one would have corrupted."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from processors.catalog.requirements import measures_of
from processors.event import STRUCT_BY_TYPE
from processors.keyed.registry import PROCESSORS

if TYPE_CHECKING:
    from processors.catalog.model import Catalog


class Impact:
    """From event types to the catalogue's KPIs, facts that are concluded from them included."""

    def __init__(self, catalog: Catalog) -> None:
        causes = _causes(catalog)
        kpis: dict[str, list[str]] = {}
        for metric in catalog.metrics.values():
            events = {e for name in measures_of(metric) for e in catalog.measures[name].events}
            for event_type in {cause for event in events for cause in causes.get(event, (event,))}:
                kpis.setdefault(event_type, []).append(metric.id)
        self._kpis = {event_type: tuple(ids) for event_type, ids in kpis.items()}

    def kpis(self, event_type: str) -> tuple[str, ...]:
        """Return the KPIs that events of a type count in, in the catalogue's order."""
        return self._kpis.get(event_type, ())

    def likely(self, event_type: str) -> str:
        """Return the type that a misspelt one was probably meant to be, empty if none is near."""
        return next(iter(difflib.get_close_matches(event_type, STRUCT_BY_TYPE, n=1)), "")


def _causes(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Fact -> the published types from which it is concluded."""
    causes: dict[str, tuple[str, ...]] = {}
    for make, concluded in PROCESSORS:
        processor = make(catalog.defaults, dict.fromkeys(concluded, frozenset()))
        if processor.hands_over:
            continue
        types = (*processor.types, *(("identify",) if processor.takes_linked else ()))
        causes.update(dict.fromkeys(concluded, types))
    return causes
