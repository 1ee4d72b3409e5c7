"""``kpi grafana``: what it does to a Grafana, and what it says where it cannot.

The server is played from Grafana's documentation; with ``KPI_TEST_GRAFANA`` (an address) and
``KPI_TEST_GRAFANA_TOKEN`` the same tests run against a real one, which they change.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from streams.cli.main import main
from streams.dashboards.boards import dashboards
from streams.embedded.ports import free_port
from streams.grafana.push import FOLDER_UID, SOURCE_UID
from tests.processors.catalog.presets import presets
from tests.streams.grafana.playing import EDITOR, VIEWER, PlayedGrafana

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROMETHEUS = "http://prometheus:9090"


@dataclass
class Target:
    """A Grafana, played or real."""

    url: str
    editor: str
    viewer: str

    def get(self, path: str) -> Any:
        """Return what its API answers."""
        headers = {"Authorization": f"Bearer {self.editor}"}
        request = Request(f"{self.url}/api/{path}", headers=headers)  # noqa: S310  # http always
        with urlopen(request, timeout=60) as answer:  # noqa: S310  # as above
            return json.load(answer)


@pytest.fixture
def grafana() -> Iterator[Target]:
    """Return the real one, where an address is given, else a fresh one that is played."""
    if real := os.environ.get("KPI_TEST_GRAFANA"):
        viewer = os.environ.get("KPI_TEST_GRAFANA_VIEWER_TOKEN", "")
        yield Target(real.rstrip("/"), os.environ["KPI_TEST_GRAFANA_TOKEN"], viewer)
        return
    with PlayedGrafana() as played:
        yield Target(played.url, EDITOR, VIEWER)


@pytest.fixture
def kpi(
    grafana: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs ``kpi grafana`` and returns exit code, output and complaint."""
    monkeypatch.setenv("KPI_GRAFANA_URL", grafana.url)
    monkeypatch.setenv("KPI_GRAFANA_TOKEN", grafana.editor)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["grafana", *arguments])
        return code, *capsys.readouterr()

    return run


def pushed(kpi: Callable[..., tuple[int, str, str]], *arguments: str) -> dict[str, str]:
    """Push, and return uid -> what happened."""
    code, said, complaint = kpi("push", "--format", "json", *arguments)
    assert code == 0, complaint
    return {change["uid"]: change["action"] for change in json.loads(said)}


def test_everything_is_created_then_kept(
    grafana: Target, kpi: Callable[..., tuple[int, str, str]]
) -> None:
    """Data source, folder and every dashboard of the catalogue; again: nothing changes."""
    boards = {uid: json.loads(text) for uid, text in dashboards(presets()).items()}
    first = pushed(kpi, "--prometheus-url", PROMETHEUS)
    assert set(first) == {SOURCE_UID, FOLDER_UID, *boards}
    assert grafana.get(f"datasources/uid/{SOURCE_UID}")["url"] == PROMETHEUS
    for uid, board in boards.items():
        stored = grafana.get(f"dashboards/uid/{uid}")
        assert stored["meta"]["folderUid"] == FOLDER_UID
        assert stored["dashboard"]["title"] == board["title"]
        assert len(stored["dashboard"]["panels"]) == len(board["panels"])
    versions = {uid: grafana.get(f"dashboards/uid/{uid}")["dashboard"]["version"] for uid in boards}
    assert set(pushed(kpi, "--prometheus-url", PROMETHEUS).values()) == {"keep"}
    for uid, version in versions.items():
        assert grafana.get(f"dashboards/uid/{uid}")["dashboard"]["version"] == version


def test_what_was_changed_is_put_right(
    grafana: Target, kpi: Callable[..., tuple[int, str, str]]
) -> None:
    """A dashboard edited by hand and a data source that points elsewhere are updated, alone."""
    pushed(kpi, "--prometheus-url", PROMETHEUS)
    board = grafana.get("dashboards/uid/kpi-overview")["dashboard"] | {"title": "Mine"}
    body = {"dashboard": board, "folderUid": FOLDER_UID, "overwrite": True, "message": "by hand"}
    headers = {"Authorization": f"Bearer {grafana.editor}", "Content-Type": "application/json"}
    content = json.dumps(body).encode()
    request = Request(f"{grafana.url}/api/dashboards/db", content, headers)  # noqa: S310
    with urlopen(request, timeout=60) as answer:  # noqa: S310  # http always
        assert answer.status == 200
    again = pushed(kpi, "--prometheus-url", "http://elsewhere:9090")
    changed = {uid for uid, action in again.items() if action == "update"}
    assert changed == {"kpi-overview", SOURCE_UID}
    assert grafana.get("dashboards/uid/kpi-overview")["dashboard"]["title"] == "KPI overview"
    assert grafana.get(f"datasources/uid/{SOURCE_UID}")["url"] == "http://elsewhere:9090"


def test_a_dry_run_changes_nothing(kpi: Callable[..., tuple[int, str, str]]) -> None:
    """It says what a push then does, and the data source is left alone unless it is asked for."""
    expected = pushed(kpi, "--dry-run")
    assert pushed(kpi, "--dry-run") == expected
    assert SOURCE_UID not in expected
    assert pushed(kpi) == expected
    code, table, _ = kpi("push", "--dry-run")
    assert code == 0
    assert table.count("as it is") == len(expected)


def test_an_annotation_is_made_once(
    grafana: Target, kpi: Callable[..., tuple[int, str, str]]
) -> None:
    """It carries the tag that the dashboards ask for; the same one again is the same one."""
    text = f"release {uuid4().hex}"
    span = ("--at", "2026-01-31T12:00:00Z", "--until", "2026-02-01T12:00:00Z")
    arguments = ("annotate", text, "--kind", "campaign", *span, "--tag", "spring")
    code, said, complaint = kpi(*arguments, "--format", "json")
    assert code == 0, complaint
    assert json.loads(said)["made"] is True
    code, said, _ = kpi(*arguments)
    assert (code, "was there already" in said) == (0, True)
    found = grafana.get("annotations?from=1769860800000&to=1769947200000&tags=kpi-streams")
    (mark,) = [mark for mark in found if mark["text"] == text]
    assert (mark["time"], mark["timeEnd"]) == (1769860800000, 1769947200000)
    assert set(mark["tags"]) == {"kpi-streams", "campaign", "spring"}


def test_a_wrong_token_is_named_and_not_shown(
    kpi: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, and what to do."""
    monkeypatch.setenv("KPI_GRAFANA_TOKEN", "glsa_wrong")
    code, _, complaint = kpi("push")
    assert code == 3
    assert "does not take the token (401)" in complaint
    assert "glsa_wrong" not in complaint


def test_a_missing_permission_is_named(
    grafana: Target, kpi: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, and which permission Grafana asks for."""
    if not grafana.viewer:
        pytest.skip("KPI_TEST_GRAFANA_VIEWER_TOKEN is not given")
    monkeypatch.setenv("KPI_GRAFANA_TOKEN", grafana.viewer)
    code, _, complaint = kpi("annotate", f"not allowed {uuid4().hex}")
    assert code == 3
    assert "(403)" in complaint
    assert "role Editor" in complaint


def test_a_token_may_come_from_a_file_but_not_from_the_command_line(
    grafana: Target,
    kpi: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Arguments are visible to every user of the machine."""
    with pytest.raises(SystemExit):
        main(["grafana", "push", "--grafana-token", grafana.editor])
    monkeypatch.delenv("KPI_GRAFANA_TOKEN")
    code, _, complaint = kpi("push", "--dry-run")
    assert (code, "KPI_GRAFANA_TOKEN_FILE" in complaint) == (2, True)
    path = tmp_path / "token"
    path.write_text(f"{grafana.editor}\n")
    monkeypatch.setenv("KPI_GRAFANA_TOKEN_FILE", str(path))
    assert kpi("push", "--dry-run")[0] == 0


def test_a_host_that_does_not_answer_is_named(kpi: Callable[..., tuple[int, str, str]]) -> None:
    """Exit code 3, the address, and what was being done."""
    url = f"http://127.0.0.1:{free_port()}"
    code, _, complaint = kpi("push", "--grafana-url", url)
    assert code == 3
    assert f"{url}: reading the folder: it cannot be reached" in complaint


def test_what_is_no_grafana_is_named(kpi: Callable[..., tuple[int, str, str]]) -> None:
    """A page of HTML, as a login proxy gives: exit code 3."""

    class Page(BaseHTTPRequestHandler):
        """Answers everything with a page."""

        def do_GET(self) -> None:
            """Answer."""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>message: log in</html>")

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        code, _, complaint = kpi("push", "--grafana-url", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
    assert code == 3
    assert "no Grafana" in complaint
