"""Reading the catalogue's files: the presets, and the user's directory merged over them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from processors.catalog.load import load_catalog
from processors.catalog.restrict import restrict
from processors.errors import SettingsError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from processors.catalog.model import Catalog
    from streams.settings import Settings

PRESETS: Final = "processors.catalog"
_SUFFIXES: Final = (".yaml", ".yml")


def read_catalog(settings: Settings) -> Catalog:
    """Load the presets, the user's files over them, in the zone and for the KPIs of the settings.

    Raises:
        SettingsError: ``catalog_dir`` is no directory, or holds no YAML file; ``kpis`` names what
            is no KPI.
        InvalidCatalogError: definitions are wrong.
    """
    catalog = load_catalog(catalog_sources(settings), zone=settings.zone)
    if not settings.kpis:
        return catalog
    try:
        return restrict(catalog, settings.kpis.split(","))
    except ValueError as error:
        raise SettingsError(f"kpis: {error}") from None


def catalog_sources(settings: Settings) -> list[tuple[str, str]]:
    """Return (file name, text) of every file that makes up the catalogue, in order of merging.

    Raises:
        SettingsError: as :func:`user_sources`.
    """
    return preset_sources() + user_sources(settings.catalog_dir)


def preset_sources() -> list[tuple[str, str]]:
    """Return (file name, text) of every preset file, in the order of their names."""
    return _read(files(PRESETS), "")


def user_sources(directory: str) -> list[tuple[str, str]]:
    """Return (path, text) of every YAML file of the user's directory; none where it is empty.

    Raises:
        SettingsError: it is no directory, or holds no YAML file: a typo would be ignored silently.
    """
    if not directory:
        return []
    path = Path(directory).expanduser()
    if not path.is_dir():
        raise SettingsError(
            f"catalog_dir: {directory!r} is not a directory: its KPIs would be missing"
        )
    sources = _read(path, f"{path}/")
    if not sources:
        raise SettingsError(
            f"catalog_dir: {directory!r} holds no .yaml file: its KPIs would be missing"
        )
    return sources


def _read(folder: Traversable | Path, prefix: str) -> list[tuple[str, str]]:
    found = [item for item in folder.iterdir() if item.name.endswith(_SUFFIXES) and item.is_file()]
    try:
        return [(prefix + item.name, item.read_text("utf-8")) for item in sorted(found, key=_name)]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"catalog_dir: {prefix}: cannot be read as UTF-8 text: {error}"
        ) from error


def _name(item: Traversable | Path) -> str:
    return item.name
