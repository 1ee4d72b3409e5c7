"""The catalogue that the simulations run: the presets and what they leave out."""

from __future__ import annotations

from pathlib import Path

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.model import Catalog
from streams.catalog_files import preset_sources


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Return the presets and the measures of everything.yaml."""
    more = Path(__file__).with_name("everything.yaml")
    return load_catalog([*preset_sources(), (more.name, more.read_text())])
