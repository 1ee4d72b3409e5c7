"""Data source, folder and dashboards: created where they are missing, updated where they differ.

Whether a dashboard differs is seen by its latest version's message, which holds a digest of what
was pushed: Grafana stores dashboards in a form of its own, and an edit by hand makes a new version
without it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from streams.dashboards.boards import dashboards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.catalog.model import Catalog
    from streams.grafana.client import Grafana

FOLDER_UID: Final = "kpi-streams"
FOLDER_TITLE: Final = "KPIs"
SOURCE_UID: Final = "kpi-streams-prometheus"
SOURCE_NAME: Final = "KPI Prometheus"
_MESSAGE: Final = "kpi grafana push "


class Action(StrEnum):
    """What is to be done with a thing, or was."""

    CREATE = "create"
    UPDATE = "update"
    KEEP = "keep"


@dataclass(frozen=True)
class Change:
    """One thing in Grafana, and what happens to it.

    Attributes:
        kind: ``data source``, ``folder`` or ``dashboard``.
    """

    kind: str
    uid: str
    title: str
    action: Action


@dataclass(frozen=True)
class Push:
    """Brings one Grafana to what the catalogue yields.

    Args:
        grafana: the one.
        catalog: what the dashboards show.
        prometheus_url: of the data source, as Grafana's server reaches it; empty: leave alone.
        dry_run: only look.
    """

    grafana: Grafana
    catalog: Catalog
    prometheus_url: str = ""
    dry_run: bool = False

    def run(self) -> Iterator[Change]:
        """Yield each thing once it is done: a push that is cut short can be begun again.

        Raises:
            UnreachableError: Grafana is away, or refuses.
        """
        if self.prometheus_url:
            yield self._source()
        yield self._folder()
        for uid, text in dashboards(self.catalog).items():
            yield self._dashboard(uid, json.loads(text))

    def _source(self) -> Change:
        wanted: dict[str, Any] = {
            "uid": SOURCE_UID,
            "name": SOURCE_NAME,
            "type": "prometheus",
            "access": "proxy",
            "url": self.prometheus_url,
            "jsonData": {"timeInterval": "5s", "httpMethod": "POST"},
        }
        path = f"/datasources/uid/{SOURCE_UID}"
        found = self.grafana.find("reading the data source", lambda face: face.api.GET(path))
        action = _action(found, wanted)
        if found is None and not self.dry_run:
            self.grafana.ask(
                "creating the data source", lambda face: face.datasource.create_datasource(wanted)
            )
        elif found is not None and action is Action.UPDATE and not self.dry_run:
            # What was set by hand beside it stays: login, certificates, whether it is the default.
            settings = {**(found.get("jsonData") or {}), **wanted["jsonData"]}
            merged = {**found, **wanted, "jsonData": settings}
            self.grafana.ask(
                "updating the data source", lambda face: face.api.PUT(path, json=merged)
            )
        return Change("data source", SOURCE_UID, SOURCE_NAME, action)

    def _folder(self) -> Change:
        found = self.grafana.find(
            "reading the folder", lambda face: face.folder.get_folder(FOLDER_UID)
        )
        action = _action(found, {"title": FOLDER_TITLE})
        if action is Action.CREATE and not self.dry_run:
            self.grafana.ask(
                f"creating the folder {FOLDER_TITLE}",
                lambda face: face.folder.create_folder(FOLDER_TITLE, FOLDER_UID),
            )
        if action is Action.UPDATE and not self.dry_run:
            self.grafana.ask(
                f"naming the folder {FOLDER_TITLE}",
                lambda face: face.folder.update_folder(FOLDER_UID, FOLDER_TITLE, overwrite=True),
            )
        return Change("folder", FOLDER_UID, FOLDER_TITLE, action)

    def _dashboard(self, uid: str, board: dict[str, Any]) -> Change:
        message = _MESSAGE + _digest(board)
        latest = self.grafana.find(
            f"reading the dashboard {uid}",
            lambda face: face.api.GET(f"/dashboards/uid/{uid}/versions?limit=1"),
        )
        action = _action(latest, {"message": message}) if latest is None else _told(latest, message)
        if action is not Action.KEEP and not self.dry_run:
            body = {
                "dashboard": {**board, "id": None},
                "folderUid": FOLDER_UID,
                "message": message,
                "overwrite": True,
            }
            self.grafana.ask(
                f"{action.removesuffix('e')}ing the dashboard {uid}",
                lambda face: face.dashboard.update_dashboard(body),
            )
        return Change("dashboard", uid, str(board["title"]), action)


def _action(found: dict[str, Any] | None, wanted: dict[str, Any]) -> Action:
    """Return what is to be done where something is wanted."""
    if found is None:
        return Action.CREATE
    return Action.KEEP if _holds(found, wanted) else Action.UPDATE


def _holds(found: Any, wanted: Any) -> bool:
    """Tell whether everything wanted is there; Grafana adds fields of its own."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(found.get(k), v) for k, v in wanted.items())
    return bool(found == wanted)


def _told(latest: Any, message: str) -> Action:
    """Return what is to be done by the latest version; Grafana 11 put the list into an object."""
    versions = latest.get("versions", []) if isinstance(latest, dict) else latest
    same = bool(versions) and versions[0].get("message") == message
    return Action.KEEP if same else Action.UPDATE


def _digest(board: dict[str, Any]) -> str:
    return sha256(json.dumps(board, sort_keys=True).encode()).hexdigest()[:16]
