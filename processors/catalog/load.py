"""YAML -> Catalog: merged, read, checked, completed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from processors.catalog.checks_measure import check_measure
from processors.catalog.checks_metric import complete_metric
from processors.catalog.checks_names import check_names
from processors.catalog.entries import (
    read_defaults,
    read_measure,
    read_metric,
    read_targets,
)
from processors.catalog.implicit import IMPLICIT
from processors.catalog.maintenance import read_maintenance
from processors.catalog.merge import Entry, Merged, merge
from processors.catalog.model import Catalog, Defaults
from processors.catalog.nodes import Node, Problems
from processors.catalog.references import ReferenceFault, References
from processors.catalog.requirements import requirements
from processors.errors import CatalogError, InvalidCatalogError
from processors.ladder import Ladder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.catalog.model import Measure, Metric


def load_catalog(sources: Sequence[tuple[str, str]], *, zone: str = "") -> Catalog:
    """Load a catalogue from YAML documents; later ones override fields of earlier ones by id.

    Args:
        sources: (file name, YAML text) each.
        zone: the time zone in which days are cut, instead of the catalogue's.

    Raises:
        InvalidCatalogError: something is wrong; ``errors`` has every fault of every document.
    """
    catalog, problems = _load(sources, zone)
    if problems:
        raise InvalidCatalogError(problems)
    return catalog


def check_catalog(sources: Sequence[tuple[str, str]]) -> list[CatalogError]:
    """Return every fault of the documents, in the order of files and lines."""
    return _load(sources, "")[1]


def _load(sources: Sequence[tuple[str, str]], zone: str) -> tuple[Catalog, list[CatalogError]]:
    problems = Problems()
    merged = merge(sources, problems)
    measures = _measures(merged, problems)
    for name in measures.keys() & IMPLICIT.keys():
        entry = merged.measures[name]
        problems.add(Node(name, entry.file, entry.line), name, "id", "the catalogue has its own")
    measures.update(IMPLICIT)
    targets = read_targets(merged.targets, problems)
    metrics = _metrics(merged, measures, targets, problems)
    check_names(merged.metrics, metrics, problems)
    defaults = read_defaults(merged.defaults, problems)
    ladder = Ladder(zone=_zone(merged, zone, problems))
    families = {entry.family for entry in merged.metrics.values()}
    maintenance = read_maintenance(merged.maintenance, families, ladder.zone, problems)
    order = {file: position for position, (file, _) in enumerate(sources)}
    problems.sort(key=lambda error: (order.get(error.file, -1), error.line))
    if problems:
        return Catalog({}, {}, {}, Defaults(), ladder), problems
    required = requirements(metrics.values(), measures, ladder)
    catalog = Catalog(measures, metrics, required, defaults, ladder, targets, maintenance)
    return replace(catalog, runbook=merged.runbook or catalog.runbook), problems


def _measures(merged: Merged, problems: Problems) -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    for entry in merged.measures.values():
        measure = read_measure(entry, problems)
        if measure is not None:
            check_measure(measure, _Reporter(entry, problems))
            found[entry.id] = measure
    return found


def _metrics(
    merged: Merged, measures: dict[str, Measure], targets: dict[str, str], problems: Problems
) -> dict[str, Metric]:
    reporting = _reporting(merged, problems)
    read: dict[str, Metric] = {}
    for entry in merged.metrics.values():
        metric = read_metric(entry, problems)
        if metric is not None:
            read[entry.id] = metric
    broken = (set(merged.measures) | set(merged.metrics)) - set(measures) - set(read)
    references = References(measures, read, broken, set(targets))
    complete: dict[str, Metric] = {}
    for name, metric in read.items():
        entry = merged.metrics[name]
        reporter = _Reporter(entry, problems)
        try:
            sides = references.sides(metric)
        except ReferenceFault as fault:
            if not fault.silent:
                reporter(fault.field, fault.consequence)
            continue
        completed = complete_metric(metric, sides, measures, reporter, reporting)
        if _enabled(entry):
            complete[name] = completed
    return complete


def _enabled(entry: Entry) -> bool:
    node = entry.fields.get("enabled")
    return node is None or node.value != "false"


def _reporting(merged: Merged, problems: Problems) -> str:
    node = merged.reporting_currency
    if node is None or node.value is None:
        return ""
    if not re.fullmatch(r"[A-Z]{3}", str(node.value)):
        problems.add(node, "catalogue", "reporting_currency", "no ISO 4217 code: EUR, USD, ...")
        return ""
    return str(node.value)


def _zone(merged: Merged, override: str, problems: Problems) -> str:
    node = Node(override, "settings", 0) if override else merged.zone
    if node is None:
        return "UTC"
    try:
        return ZoneInfo(str(node.value)).key
    except (OSError, ValueError, KeyError):
        problems.add(node, "catalogue", "zone", "unknown time zone: days could not be cut")
        return "UTC"


class _Reporter:
    """Reports a fault of an entry where the named field stands, or else the entry."""

    def __init__(self, entry: Entry, problems: Problems) -> None:
        self._entry, self._problems = entry, problems

    def __call__(self, field: str, consequence: str) -> None:
        node: Any = self._entry.fields.get(field)
        if node is None:
            value = self._entry.id if field == "id" else None
            node = Node(value, self._entry.file, self._entry.line)
        self._problems.add(node, self._entry.id, field, consequence)
