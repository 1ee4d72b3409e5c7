"""Generated files are those of the catalogue, and what is left over goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.model import Catalog
from processors.errors import CheckFailedError
from streams import generated
from streams.catalog_files import preset_sources

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(preset_sources())


def test_committed_files_are_those_of_the_catalogue(catalog: Catalog) -> None:
    """Whoever changes a definition commits what it yields."""
    generated.check(catalog, ROOT)


def test_writing_twice_changes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    """Generation is a function of the catalogue; files of KPIs that are gone are deleted."""
    assert generated.write(catalog, tmp_path)
    left_over = tmp_path / generated.GENERATED_FOLDERS[0] / "gone.rules.yml"
    left_over.write_text("groups: []\n")
    with pytest.raises(CheckFailedError, match=r"gone\.rules\.yml"):
        generated.check(catalog, tmp_path)
    assert generated.write(catalog, tmp_path) == [str(left_over.relative_to(tmp_path))]
    generated.check(catalog, tmp_path)
