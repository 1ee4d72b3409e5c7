"""What catalogue and event types generate, by path: all generators, writing and comparing.

Generated files are committed, marked, and compared by ``kpi generate --check``. A generator is a
function from the catalogue to path -> text, and one line in ``GENERATORS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from processors.catalog.model import Catalog
from processors.errors import CheckFailedError
from processors.reference import reference
from streams.dashboards.generate import dashboard_files
from streams.monitoring.generate import monitoring_files
from streams.schemas.generate import EVENTS, check_evolution, documents

Generator = Callable[[Catalog], Mapping[str, str]]
REFERENCE: Final = "docs/_gen/kpis.md"
GENERATORS: Final[tuple[Generator, ...]] = (
    monitoring_files,
    dashboard_files,
    lambda catalog: {REFERENCE: reference(catalog)},
    lambda _: documents(),
)
GENERATED_FOLDERS: Final = (
    "deploy/prometheus/_gen",
    "deploy/alertmanager/_gen",
    "deploy/grafana/_gen",
    "deploy/kubernetes/base/_gen",
    "deploy/grafana/provisioning/alerting",
    EVENTS,
)
"""Folders that hold nothing else: a file there that nobody generates any more is deleted."""


def texts(catalog: Catalog) -> dict[Path, str]:
    """Return every generated file's path, relative to the project, and its text."""
    found: dict[Path, str] = {}
    for generate in GENERATORS:
        found.update({Path(path): text for path, text in generate(catalog).items()})
    return found


def write(catalog: Catalog, root: Path, *, accept_breaking: bool = False) -> list[str]:
    """Write what differs below ``root``, delete what is left over; return those paths.

    Raises:
        BreakingChangeError: a new schema takes back what the one there allowed, and nobody insists.
    """
    if not accept_breaking:
        check_evolution(root)
    wanted = texts(catalog)
    stale = _stale(wanted, root)
    for path in stale:
        target = root / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(wanted[path])
        else:
            target.unlink()
    return [str(path) for path in stale]


def check(catalog: Catalog, root: Path) -> None:
    """Compare with the files below ``root``.

    Raises:
        CheckFailedError: some differ; they are named.
        BreakingChangeError: a new schema takes back what the one there allows.
    """
    check_evolution(root)
    stale = _stale(texts(catalog), root)
    if stale:
        raise CheckFailedError(
            f"{len(stale)} generated files differ from the catalogue, {stale[0]} among them: "
            "run `kpi generate` and commit what it writes"
        )


def _stale(wanted: Mapping[Path, str], root: Path) -> list[Path]:
    differing = [p for p, text in wanted.items() if _read(root / p) != text]
    present = [
        path.relative_to(root)
        for folder in GENERATED_FOLDERS
        for path in sorted((root / folder).glob("**/*"))
        if path.is_file()
    ]
    return differing + [path for path in present if path not in wanted]


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
