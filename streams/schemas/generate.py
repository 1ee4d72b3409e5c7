"""The contract's documents as files, and whether a new version of them breaks producers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import yaml

from processors.errors import CheckFailedError
from processors.event import STRUCT_BY_TYPE
from streams.schemas import helpers
from streams.schemas.asyncapi import asyncapi
from streams.schemas.event_schema import document
from streams.schemas.evolution import breaking_changes
from streams.schemas.openapi import openapi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EVENTS: Final = "docs/_gen/events"
_HEADER: Final = "# DO NOT EDIT: generated from processors/event.py by kpi generate\n"


class BreakingChangeError(CheckFailedError):
    """Old producers would stumble over the new schemas."""

    def __init__(self, changes: list[str]) -> None:
        self.changes = changes
        super().__init__(
            "these changes break producers that publish today: "
            + "; ".join(changes)
            + ". Keep the old form beside the new one, or give the new one a type of its own"
        )


def documents() -> dict[str, str]:
    """Return every generated file: path below the repository -> text."""
    texts = {f"{EVENTS}/{name}.json": _json(document(name)) for name in STRUCT_BY_TYPE}
    texts["docs/_gen/asyncapi.yaml"] = _HEADER + _yaml(asyncapi())
    texts["docs/_gen/openapi.yaml"] = _HEADER + _yaml(openapi())
    texts["streams/producer/_gen/helpers.py"] = helpers.render()
    return texts


def check_evolution(root: Path) -> None:
    """Compare the schemas with those that were last generated below ``root``.

    Raises:
        BreakingChangeError: a schema takes back what a published one allowed.
    """
    changes = breaking_changes(_published(root), {n: document(n) for n in STRUCT_BY_TYPE})
    if changes:
        raise BreakingChangeError(changes)


def _published(root: Path) -> dict[str, Mapping[str, Any]]:
    """Return the schemas as they were last generated."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in (root / EVENTS).glob("*.json")
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


class _Plain(yaml.SafeDumper):
    """Writes everything out: a reader of the document should not have to follow anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the signature is yaml's
        return True


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)
