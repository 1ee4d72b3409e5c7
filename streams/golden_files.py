"""Reading golden cases: ``golden/KPI.yaml`` beside a catalogue's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from processors.errors import SettingsError
from processors.golden import CaseError, make_case

if TYPE_CHECKING:
    from processors.golden import Case

FOLDER: Final = "golden"


def case_files(catalog_dir: str) -> list[Path]:
    """Return the files of the cases beside a user's catalogue.

    Raises:
        SettingsError: no directory is named, or it has none: nothing would be tested, silently.
    """
    if not catalog_dir:
        raise SettingsError("catalog_dir: name the directory of your KPIs")
    folder = Path(catalog_dir).expanduser() / FOLDER
    found = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not found:
        raise SettingsError(
            f"catalog_dir: there is no case: write {folder}/KPI.yaml (docs/catalogue.md)"
        )
    return found


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a file, which is named by their KPI.

    Raises:
        CaseError: it cannot be read, or one is no case.
    """
    try:
        documents = [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one is not None]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CaseError(" ".join(str(error).split())) from None
    if not documents:
        raise CaseError("there is no case in it")
    return [make_case(path.stem, document) for document in documents]
