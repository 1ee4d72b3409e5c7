"""Writes the contract's documents, or checks that they are up to date and break no producer."""

from __future__ import annotations

import json
from pathlib import Path
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

ROOT: Final = Path(__file__).parents[2]
EVENTS: Final = Path("docs/_gen/events")
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


def documents() -> dict[Path, str]:
    """Return every generated file: path below the repository -> text."""
    texts = {EVENTS / f"{name}.json": _json(document(name)) for name in STRUCT_BY_TYPE}
    texts[Path("docs/_gen/asyncapi.yaml")] = _HEADER + _yaml(asyncapi())
    texts[Path("docs/_gen/openapi.yaml")] = _HEADER + _yaml(openapi())
    texts[Path("streams/producer/_gen/helpers.py")] = helpers.render()
    return texts


def generate(*, check: bool, root: Path = ROOT, accept_breaking: bool = False) -> list[str]:
    """Write the documents, or only compare them.

    Args:
        check: compare, write nothing.
        root: the repository.
        accept_breaking: write although producers that publish today would stumble.

    Returns:
        The files that differed, relative to ``root``.

    Raises:
        BreakingChangeError: a schema takes back what a published one allowed.
        CheckFailedError: ``check`` found files that differ.
    """
    texts = documents()
    changes = breaking_changes(_published(root), {n: document(n) for n in STRUCT_BY_TYPE})
    if changes and not accept_breaking:
        raise BreakingChangeError(changes)
    stale = [path for path, text in texts.items() if _read(root / path) != text]
    left = [
        path.relative_to(root)
        for path in sorted((root / EVENTS).glob("*.json"))
        if path.relative_to(root) not in texts
    ]
    differing = [str(path) for path in (*stale, *left)]
    if check:
        if differing:
            raise CheckFailedError(
                f"not up to date: {', '.join(differing)}: run kpi generate and commit"
            )
        return []
    for path in stale:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts[path], "utf-8")
    for path in left:
        (root / path).unlink()
    return differing


def _published(root: Path) -> dict[str, Mapping[str, Any]]:
    """Return the schemas as they were last generated."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in (root / EVENTS).glob("*.json")
    }


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


class _Plain(yaml.SafeDumper):
    """Writes everything out: a reader of the document should not have to follow anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the signature is yaml's
        return True


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)
