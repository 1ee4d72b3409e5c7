"""Laws of schema evolution: what old producers send stays valid."""

from __future__ import annotations

from typing import Any

import pytest

from streams.schemas.evolution import breaking_changes

OLD: dict[str, Any] = {
    "x-topic": "tracking.ads",
    "required": ["campaign"],
    "properties": {
        "campaign": {"type": "string", "description": "old words"},
        "ad": {"type": ["string", "null"]},
        "value": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]},
        "status": {"enum": ["a", "b"]},
    },
}


def changed(**properties: Any) -> dict[str, Any]:
    """Return OLD with other properties; None takes one away."""
    merged = OLD["properties"] | properties
    return OLD | {"properties": {k: v for k, v in merged.items() if v is not None}}


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        changed(campaign={"type": "string", "description": "new words"}),
        changed(placement={"type": ["string", "null"]}),
        changed(campaign={"type": ["string", "null"]}),
        changed(value={"anyOf": [{"type": "number"}, {"type": "string"}]}),
        changed(status={"enum": ["a", "b", "c"]}),
        OLD | {"required": []},
    ],
)
def test_additions_and_widenings_are_allowed(new: dict[str, Any]) -> None:
    """New optional fields, wider types and bounds, fields no longer required, other words."""
    assert breaking_changes({"x": OLD}, {"x": new, "another": OLD}) == []


@pytest.mark.parametrize(
    ("new", "line"),
    [
        (changed(ad=None), "x: ad is gone"),
        (OLD | {"required": ["campaign", "ad"]}, "x: ad is now required"),
        (OLD | {"x-topic": "tracking.leads"}, "x: moved from tracking.ads to tracking.leads"),
        (changed(ad={"type": "string"}), "x: ad: no longer allows {'type': ['string', 'null']}"),
        (
            changed(value={"type": "string"}),
            "x: value: no longer allows {'type': 'number', 'minimum': 0}",
        ),
        (
            changed(value={"anyOf": [{"type": "number", "minimum": 1}, {"type": "string"}]}),
            "x: value: no longer allows {'type': 'number', 'minimum': 0}",
        ),
        (changed(status={"enum": ["a"]}), "x: status: no longer allows {'enum': ['a', 'b']}"),
        (
            changed(campaign={"type": "string", "pattern": "^[a-z]+$"}),
            "x: campaign: no longer allows {'type': 'string'}",
        ),
        (
            changed(campaign={"type": "string", "minLength": 1}),
            "x: campaign: no longer allows {'type': 'string'}",
        ),
        (OLD | {"anyOf": [{"required": ["ad"]}]}, "x: needs one of other identities than before"),
    ],
)  # fmt: skip
def test_what_is_taken_back_is_named(new: dict[str, Any], line: str) -> None:
    """Fields gone, newly required, moved or narrowed: each with its field."""
    assert breaking_changes({"x": OLD}, {"x": new}) == [line]


def test_a_type_cannot_go() -> None:
    """Its producers would fill the dead letters."""
    assert breaking_changes({"x": OLD}, {}) == ["x: the type is gone"]
