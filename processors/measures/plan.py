"""What each event type adds to, worked out once from the catalogue.

Events become rows of columns as they come in (columns.py): a step or two an event. Only at the
checkpoint are they added up by measure, dimension set and pane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from processors.admission import admission_scope
from processors.catalog.requirements import budgets
from processors.catalog.versions import NOTHING_CHANGED, Kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.model import Aggregation, Bound, Catalog, Measure, Requirement
    from processors.ladder import Ladder, Rung

Where = tuple[tuple[int, frozenset[str | bool]], ...]
"""Values let through by a dimension's or bound's place in a lane; a bound is True or False."""


@dataclass(frozen=True)
class Reading:
    """One measure as one event type feeds it.

    Attributes:
        where: what the measure's filters and bounds let through.
        weights: position of the field, and what its values weigh; others weigh 1.
    """

    measure: Measure
    dimension_sets: tuple[tuple[str, ...], ...]
    where: Where
    weights: tuple[int, Mapping[str, int]] | None
    rungs: tuple[Rung, ...]


@dataclass(frozen=True)
class LanePlan:
    """Measures of one event type with one aggregation over one field.

    A reading's ``where`` and ``weights`` name a dimension or bound by its place in
    (``dimensions``, ``bounds``), from 1 on.
    """

    type: str
    agg: Aggregation
    of: str
    dimensions: tuple[str, ...]
    bounds: tuple[Bound, ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class MeasurePlan:
    """All lanes, by event or fact type; and by admission scope how many combinations are kept."""

    lanes: dict[str, tuple[LanePlan, ...]]
    ladder: Ladder
    values_max: Mapping[str, int]


def compile_measures(catalog: Catalog, kept: Kept = NOTHING_CHANGED) -> MeasurePlan:
    """Plan what each event type adds to, from the catalogue's requirements."""
    grouped: dict[tuple[str, Aggregation, str, bool], list[Requirement]] = {}
    for declared in catalog.requirements.values():
        measure = replace(declared.measure, name=kept.name(declared.measure.name))
        requirement = replace(declared, measure=measure)
        for event_type in measure.events:
            lane = (event_type, measure.agg, measure.of, bool(measure.bounds))
            grouped.setdefault(lane, []).append(requirement)
    lanes: dict[str, tuple[LanePlan, ...]] = {}
    for (event_type, agg, of, _), requirements in grouped.items():
        plan = _lane(event_type, agg, of, requirements, catalog.ladder)
        lanes[event_type] = (*lanes.get(event_type, ()), plan)
    limits = {admission_scope(*at): limit for at, limit in budgets(catalog).items()}
    return MeasurePlan(lanes, catalog.ladder, limits)


def _lane(
    event_type: str, agg: Aggregation, of: str, requirements: list[Requirement], ladder: Ladder
) -> LanePlan:
    fields = {name for r in requirements for dims in r.dimension_sets for name in dims}
    fields |= {name for r in requirements for name, _ in r.measure.where}
    fields |= {r.measure.weights.field for r in requirements if r.measure.weights}
    dimensions = tuple(sorted(fields))
    bounds = tuple(dict.fromkeys(bound for r in requirements for bound in r.measure.bounds))
    places: tuple[str | Bound, ...] = (*dimensions, *bounds)
    position = {name: index + 1 for index, name in enumerate(places)}
    return LanePlan(
        event_type,
        agg,
        of,
        dimensions,
        bounds,
        tuple(
            Reading(
                r.measure,
                r.dimension_sets,
                (
                    *((position[name], frozenset(wanted)) for name, wanted in r.measure.where),
                    *((position[bound], frozenset({True})) for bound in r.measure.bounds),
                ),
                _weights(r.measure, position),
                tuple(ladder.rung(name) for name in r.rungs),
            )
            for r in requirements
        ),
    )


def _weights(
    measure: Measure, position: Mapping[str | Bound, int]
) -> tuple[int, Mapping[str, int]] | None:
    weights = measure.weights
    return None if weights is None else (position[weights.field], dict(weights.by_value))
