"""Mappings: how foreign rows become events. DuckDB SQL expressions over the row, in YAML.

::

    name: orders
    about: why it is as it is
    columns:                      # optional, worked out first; window functions are allowed
      amount: quantity * CAST(price AS DECIMAL(18, 6))
    events:                       # each row gives one event of every entry whose `when` holds
      - type: purchase
        when: amount >= 0
        event_id: "'line-' || _row"   # _row: the row's number in the file, from 1
        ts: sold_at                   # integer ms, or a timestamp (taken as UTC without a zone)
        fields: {order_id: invoice, value: amount, currency: "'EUR'"}

A field that is NULL is left out. Events come out by ts, then row number, then entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml

from processors.errors import UsageError
from processors.event import TOPIC_BY_TYPE

_PRESETS: Final = "mappings"


@dataclass(frozen=True)
class EventRule:
    """What events of one type are made of; every string is a SQL expression."""

    type: str
    event_id: str
    ts: str
    when: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Mapping:
    """A parsed mapping."""

    name: str
    file: str
    columns: dict[str, str] = field(default_factory=dict)
    events: tuple[EventRule, ...] = ()


def preset_names() -> list[str]:
    """Return the names of the mappings that come with the product."""
    directory = resources.files(__package__) / _PRESETS
    return sorted(f.name[: -len(".yaml")] for f in directory.iterdir() if f.name.endswith(".yaml"))


def read_mapping(name_or_path: str) -> Mapping:
    """Read a mapping: a YAML file, or the name of a preset.

    Raises:
        UsageError: there is none, or it is not a mapping; names the file, the entry and the field.
    """
    presets = preset_names()
    if name_or_path in presets:
        file = f"{name_or_path}.yaml"
        text = (resources.files(__package__) / _PRESETS / file).read_text("utf-8")
        return parse_mapping(text, file)
    try:
        return parse_mapping(Path(name_or_path).read_text("utf-8"), name_or_path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"mapping {name_or_path!r} is neither a readable file nor one of {', '.join(presets)}"
        ) from error


def parse_mapping(text: str, file: str) -> Mapping:
    """Parse a mapping's YAML.

    Raises:
        UsageError: as for :func:`read_mapping`.
    """
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: not YAML: {' '.join(str(error).split())}") from error
    top = _Entry(file, parsed)
    top.allow("name", "about", "columns", "events")
    rules = tuple(
        _rule(_Entry(f"{file}: events[{i}]", e)) for i, e in enumerate(top.list("events"))
    )
    return Mapping(top.text("name"), file, top.texts("columns"), rules)


def _rule(entry: _Entry) -> EventRule:
    entry.allow("type", "event_id", "ts", "when", "fields")
    kind = entry.text("type")
    if kind not in TOPIC_BY_TYPE:
        raise UsageError(f"{entry.where}: type: {kind!r} is not an event type of the contract")
    fields = entry.texts("fields")
    for name in ("event_id", "type", "ts"):
        if name in fields:
            raise UsageError(
                f"{entry.where}: fields: {name!r} has an entry of its own beside fields"
            )
    return EventRule(
        kind, entry.text("event_id"), entry.text("ts"), entry.text("when", "true"), fields
    )


class _Entry:
    """A YAML mapping whose parts are taken out checked."""

    def __init__(self, where: str, found: Any) -> None:
        if not isinstance(found, dict):
            raise UsageError(f"{where}: {found!r} is not a YAML mapping of names to values")
        self.where = where
        self._found = found

    def allow(self, *names: str) -> None:
        for name in self._found:
            if name not in names:
                raise UsageError(f"{self.where}: {name!r} is unknown; known are {', '.join(names)}")

    def text(self, name: str, default: str | None = None) -> str:
        found = self._found.get(name, default)
        if isinstance(found, bool):
            return str(found).lower()  # YAML's true and 1 are SQL's
        if not isinstance(found, str | int | float):
            raise UsageError(f"{self.where}: {name}: {found!r} is not a text")
        return str(found)

    def texts(self, name: str) -> dict[str, str]:
        entry = _Entry(f"{self.where}: {name}", self._found.get(name) or {})
        return {str(key): entry.text(key) for key in entry._found}

    def list(self, name: str) -> list[Any]:
        found = self._found.get(name)
        if not isinstance(found, list) or not found:
            raise UsageError(
                f"{self.where}: {name}: {found!r} is not a list with at least one entry"
            )
        return found
