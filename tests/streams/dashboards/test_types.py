"""Dashboards are what Grafana's published schema types say that a dashboard is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from streams.dashboards.boards import dashboards
from tests.processors.catalog.presets import presets

HERE = Path(__file__).parent / "types"
ROOT = Path(__file__).parents[3]
TIMEOUT_S = 300


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the types and the compiler, pinned; skip without Node, but not in CI."""
    npm = shutil.which("npm")
    if npm is None:
        if os.environ.get("CI"):
            pytest.fail("npm is missing: .ci/run installs it")
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("types")
    for path in HERE.iterdir():
        shutil.copy(path, folder)
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        install, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def compiled(project: Path, boards: dict[str, str]) -> str:
    """Return what the compiler says of dashboards, each written out as a literal."""
    lines = ['import type { Board } from "./board.js";']
    lines += [f"export const b{n}: Board = {text};" for n, text in enumerate(boards.values())]
    (project / "boards.ts").write_text("\n".join(lines))
    done = subprocess.run(
        ["npx", "--no-install", "tsc", "-p", "."],
        cwd=project, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    return done.stdout


def test_every_dashboard_is_of_grafanas_types(project: Path) -> None:
    """The compiler finds no field too many, none missing and none of another type."""
    assert compiled(project, dashboards(presets())) == ""


def test_a_wrong_dashboard_is_noticed(project: Path) -> None:
    """An unknown field and a wrong value are faults, in a panel's own options too."""
    (text, *_) = dashboards(presets()).values()
    faults: tuple[tuple[tuple[str | int, ...], object], ...] = (
        (("graphTooltipp",), 1),
        (("panels", 0, "title"), 5),
        (("panels", 0, "options", "graphMode"), "areaa"),
    )
    wrong = {}
    for path, value in faults:
        board = json.loads(text)
        place = board
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        wrong[str(path)] = json.dumps(board)  # one line each, below the import's
    lines = set(re.findall(r"boards\.ts\((\d+),", compiled(project, wrong)))
    assert lines == {str(number + 2) for number in range(len(faults))}


def test_the_types_are_those_of_the_grafana_that_is_run() -> None:
    """docker-compose.yml and the types name one version."""
    wanted = json.loads((HERE / "package.json").read_text())["devDependencies"]["@grafana/schema"]
    compose = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"image: grafana/grafana:(\S+)", compose) == [wanted]
