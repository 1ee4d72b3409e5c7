"""JSON Schema (2020-12) of every event type.

What is valid here is accepted by the worker; the worker also judges ``ts`` against the clock of
the record, and reads amounts more generously (``"1e3"``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from processors.event import STRUCT_BY_TYPE
from streams.schemas.fields import (
    IDENTITIES,
    WITH_ITEMS,
    Field,
    fields_of,
    needs_identity,
)

if TYPE_CHECKING:
    from processors.event import Event

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_YEAR_2200_MS: Final = 7_258_118_400_000
_MOMENT: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "exclusiveMaximum": _YEAR_2200_MS},
        {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$",
        },
    ]
}
_AMOUNT: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "number", "minimum": 0, "exclusiveMaximum": 1_000_000_000},
        {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,6})?$"},
    ]
}
_COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 0, "exclusiveMaximum": 10**9}
_ITEMS: Final[dict[str, Any]] = {
    "type": ["array", "null"],
    "description": "what is in the cart or the order",
    "items": {
        "type": "object",
        "properties": {
            "product": {"type": ["string", "null"]},
            "category": {"type": ["string", "null"]},
            "quantity": _COUNT,
            "price": {"anyOf": [*_AMOUNT["anyOf"], {"type": "null"}]},
            "unit_cost": {"anyOf": [*_AMOUNT["anyOf"], {"type": "null"}]},
        },
    },
}
_PROPERTIES: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "description": "anything else: kept, never added up unless a catalogue entry says so",
}


def event_schema(event_type: str) -> dict[str, Any]:
    """Return the schema of one event type."""
    struct = STRUCT_BY_TYPE[event_type]
    fields = list(fields_of(struct))
    properties: dict[str, Any] = {"type": {"const": event_type}}
    properties |= {field.name: _property(field) for field in fields}
    if issubclass(struct, WITH_ITEMS):
        properties["items"] = _ITEMS
    properties["properties"] = _PROPERTIES
    schema: dict[str, Any] = {
        "title": event_type,
        "description": (struct.__doc__ or "").strip(),
        "type": "object",
        "x-topic": struct.topic,
        "required": ["type", *(field.name for field in fields if field.required)],
        "properties": properties,
        "additionalProperties": True,
    }
    if needs_identity(struct):
        schema["anyOf"] = [
            {"required": [name], "properties": {name: {"type": "string", "minLength": 1}}}
            for name in IDENTITIES
        ]
    return schema


def _property(field: Field) -> dict[str, Any]:
    described = {"description": field.meaning}
    if field.kind == "text":
        if field.required:
            return {"type": "string", **described, "minLength": 1}
        return {"type": ["string", "null"], **described}
    rule = {"moment": _MOMENT, "amount": _AMOUNT, "count": _COUNT}[field.kind]
    if field.required:
        return {**rule, **described}
    return {"anyOf": [*rule.get("anyOf", [rule]), {"type": "null"}], **described}


def document(event_type: str) -> dict[str, Any]:
    """Return the schema as a file of its own."""
    return {
        "$comment": "DO NOT EDIT: generated from processors/event.py by kpi generate",
        "$schema": DIALECT,
        "$id": f"{event_type}.json",
        **event_schema(event_type),
    }


def structs_by_topic() -> dict[str, dict[str, type[Event]]]:
    """Return topic -> type -> struct."""
    topics: dict[str, dict[str, type[Event]]] = {}
    for event_type, struct in STRUCT_BY_TYPE.items():
        topics.setdefault(struct.topic, {})[event_type] = struct
    return topics
