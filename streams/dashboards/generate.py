"""The files that Grafana is provisioned with, by path."""

from __future__ import annotations

from typing import Final

from processors.catalog.model import Catalog
from streams.dashboards.boards import dashboards

FOLDER: Final = "deploy/grafana/_gen"


def dashboard_files(catalog: Catalog) -> dict[str, str]:
    """Return path -> JSON of every dashboard."""
    return {f"{FOLDER}/{uid}.json": text for uid, text in dashboards(catalog).items()}
