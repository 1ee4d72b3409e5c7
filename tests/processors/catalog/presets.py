"""The preset catalogue, as text and loaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import processors.catalog
from processors.catalog.load import load_catalog

if TYPE_CHECKING:
    from processors.catalog.model import Catalog

FOLDER = Path(processors.catalog.__file__).parent


@cache
def sources() -> tuple[tuple[str, str], ...]:
    """Return (file name, text) of every preset file."""
    return tuple((path.name, path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yaml")))


@cache
def presets(zone: str = "") -> Catalog:
    """Return the presets, loaded."""
    return load_catalog(sources(), zone=zone)


def loaded(text: str, zone: str = "") -> Catalog:
    """Return one document, loaded by itself."""
    return load_catalog([("test.yaml", text)], zone=zone)
