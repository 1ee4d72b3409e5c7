"""Several YAML documents as one: a later one overrides single fields of an earlier one's entries.

A field without a value (``target:``) takes an earlier document's field away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from processors.catalog import scalars
from processors.catalog.nodes import Node, Problems, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TOP_LEVEL = (
    "family", "measures", "metrics", "defaults", "targets", "zone", "reporting_currency",
    "maintenance", "runbook",
)  # fmt: skip


@dataclass
class Entry:
    """One measure or metric; ``file`` and ``line`` are where it was first written."""

    id: str
    family: str
    file: str
    line: int
    fields: dict[str, Node] = field(default_factory=dict)


@dataclass
class Merged:
    """All documents together, not yet read."""

    measures: dict[str, Entry] = field(default_factory=dict)
    metrics: dict[str, Entry] = field(default_factory=dict)
    defaults: dict[str, Node] = field(default_factory=dict)
    targets: dict[str, Node] = field(default_factory=dict)
    maintenance: dict[str, Node] = field(default_factory=dict)
    zone: Node | None = None
    reporting_currency: Node | None = None
    runbook: str = ""


def merge(sources: Sequence[tuple[str, str]], problems: Problems) -> Merged:
    """Merge documents, given as (file name, YAML text), in order."""
    merged = Merged()
    for file, text in sources:
        _merge_document(merged, read_yaml(file, text, problems), problems)
    return merged


def _merge_document(merged: Merged, document: Node, problems: Problems) -> None:
    def section(node: Node) -> Mapping[str, Node]:
        return {} if node.value is None else scalars.mapping(node)

    readers = {
        "family": scalars.name,
        "zone": lambda node: node,
        "reporting_currency": lambda node: node,
        "runbook": scalars.address,
    }
    read = scalars.read_fields(
        document.value,
        {key: readers.get(key, section) for key in _TOP_LEVEL},
        "file",
        problems,
    )
    family = read.get("family") or PurePath(document.file).stem
    _merge_entries(merged.measures, read.get("measures", {}), family, problems)
    _merge_entries(merged.metrics, read.get("metrics", {}), family, problems)
    merged.defaults.update(read.get("defaults", {}))
    merged.targets.update(read.get("targets", {}))
    merged.maintenance.update(read.get("maintenance", {}))
    merged.runbook = read.get("runbook", merged.runbook)
    merged.zone = read.get("zone", merged.zone)
    merged.reporting_currency = read.get("reporting_currency", merged.reporting_currency)


def _merge_entries(
    known: dict[str, Entry], found: Mapping[str, Node], family: str, problems: Problems
) -> None:
    for name, node in found.items():
        try:
            scalars.name(Node(name, node.file, node.line))
            entry_fields = scalars.mapping(node)
        except scalars.Fault as fault:
            problems.add(fault.node, name, "entry", fault.consequence)
            continue
        entry = known.setdefault(name, Entry(name, family, node.file, node.line))
        for field_name, value in entry_fields.items():
            if value.value is None and field_name in entry.fields:
                del entry.fields[field_name]
            else:
                entry.fields[field_name] = value
