"""What sets two catalogues apart, and what follows for figures that are being kept."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from processors.catalog.requirements import measures_of
from processors.catalog.versions import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.model import Catalog, Metric

_APART = frozenset({"id", "file", "line"})  # where a KPI is written says nothing of it
_WORDS = frozenset({"label", "description", "formula", "family", "headline", "direction"})
_RULES = frozenset({"alerts", "target"})


class Effect(StrEnum):
    """What a change means for a KPI's figures."""

    ADDED = "counted from now on"
    REMOVED = "no longer kept; what is stored stays until it expires"
    RECOUNTED = "counted anew from now on; the former figures stay readable with --before 1"
    WIDENED = "new dimensions or windows are counted from now on"
    REEVALUATED = "worked out differently from the same counts, for the past too"
    RULES = "alerts or target change, figures do not"
    WORDS = "words change, figures do not"


class Difference(NamedTuple):
    """One KPI's change: the fields that differ as (before, after), and what follows."""

    kpi: str
    effect: Effect
    fields: dict[str, tuple[Any, Any]]


def differences(before: Catalog, after: Catalog) -> list[Difference]:
    """Return the KPIs that two catalogues define differently, in the order of their ids."""
    found = []
    for kpi in sorted(before.metrics.keys() | after.metrics.keys()):
        old, new = before.metrics.get(kpi), after.metrics.get(kpi)
        if old is None:
            found.append(Difference(kpi, Effect.ADDED, {}))
        elif new is None:
            found.append(Difference(kpi, Effect.REMOVED, {}))
        else:
            changed = _changed(old, new) | _measures_changed(old, new, before, after)
            if changed:
                found.append(Difference(kpi, _effect(changed), changed))
    return found


def changes_figures(difference: Difference) -> bool:
    """Tell whether a KPI's values can differ, not only its words, alerts or target."""
    return difference.effect not in (Effect.WORDS, Effect.RULES)


def _changed(old: Metric, new: Metric) -> dict[str, tuple[Any, Any]]:
    return {
        field.name: (_plain(getattr(old, field.name)), _plain(getattr(new, field.name)))
        for field in fields(old)
        if field.name not in _APART and getattr(old, field.name) != getattr(new, field.name)
    }


def _measures_changed(
    old: Metric, new: Metric, before: Catalog, after: Catalog
) -> dict[str, tuple[Any, Any]]:
    names = dict.fromkeys((*measures_of(old), *measures_of(new)))
    return {
        f"measure {name}": (_told(before.measures, name), _told(after.measures, name))
        for name in names
        if name in before.measures
        and name in after.measures
        and fingerprint(before.measures[name], before) != fingerprint(after.measures[name], after)
    }


def _told(measures: Mapping[str, Any], name: str) -> str:
    measure = measures[name]
    parts = {f.name: getattr(measure, f.name) for f in fields(measure) if f.name != "name"}
    return ", ".join(f"{key} {_plain(value)}" for key, value in parts.items() if value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return getattr(value, "name", value) if hasattr(value, "rung") else value


def _effect(changed: Mapping[str, Any]) -> Effect:
    if any(name.startswith("measure ") for name in changed):
        return Effect.RECOUNTED
    if changed.keys() & {
        "numerator",
        "denominator",
        "samples",
        "stats",
        "type",
        "unit",
        "arrivals",
    }:
        return Effect.REEVALUATED
    if changed.keys() & {"dimension_sets", "windows"}:
        return Effect.WIDENED
    if changed.keys() & _RULES:
        return Effect.RULES
    return Effect.WORDS if changed.keys() <= _WORDS else Effect.REEVALUATED
