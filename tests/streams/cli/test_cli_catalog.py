"""Laws of ``kpi catalog``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from streams.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

OWN = """\
family: site
measures:
  checkouts: {events: [checkout_started], agg: count}
metrics:
  checkouts:
    type: simple
    label: Checkouts
    description: Checkouts started.
    formula: count of checkouts started
    unit: count
    direction: up
    numerator: checkouts
    dimension_sets: [[], [device]]
    windows: [5m, 1h]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a directory with the README's KPI."""
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path


def test_list_names_every_kpi_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Table and JSON list the same KPIs."""
    assert main(["catalog", "list"]) == 0
    table = [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]]
    assert main(["catalog", "list", "--format", "json"]) == 0
    listed = [entry["kpi"] for entry in json.loads(capsys.readouterr().out)]
    assert table == listed
    assert len(set(listed)) == len(listed) >= 10


def test_own_kpis_join_the_presets(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The README's example loads, and says where it is defined."""
    assert (
        main(["catalog", "show", "checkouts", "--catalog-dir", str(own), "--format", "json"]) == 0
    )
    shown = json.loads(capsys.readouterr().out)
    assert shown["by"] == [[], ["device"]]
    assert shown["defined"] == f"{own}/own.yaml:5"
    assert shown["measures"] == [
        {"name": "checkouts", "events": ["checkout_started"], "agg": "count", "of": ""}
    ]


def test_an_unknown_kpi_is_usage_with_the_nearest_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a suggestion."""
    assert main(["catalog", "show", "converson_rate"]) == 2
    assert "did you mean conversion_rate" in capsys.readouterr().err


def test_an_unknown_family_lists_the_families(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and the choice."""
    assert main(["catalog", "list", "--family", "sails"]) == 2
    assert "sales" in capsys.readouterr().err


def test_check_of_a_right_catalogue_is_0(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how much was checked."""
    assert main(["catalog", "check", str(own)]) == 0
    assert "KPIs" in capsys.readouterr().out


def test_check_names_every_fault_and_is_1(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The checked thing is wrong: a line a fault with file and line; JSON has the same."""
    text = OWN.replace("unit: count", "unit: apples").replace(
        "direction: up", "direction: sideways"
    )
    (own / "own.yaml").write_text(text)  # BAD!
    assert main(["catalog", "check", str(own)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert any("apples" in line and f"{own}/own.yaml:" in line for line in lines)
    assert any("sideways" in line for line in lines)
    assert main(["catalog", "check", str(own), "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert not answer["ok"]
    assert {fault["field"] for fault in answer["errors"]} >= {"unit", "direction"}


@pytest.mark.parametrize("content", [None, {}], ids=["missing", "empty"])
def test_a_directory_without_kpis_is_refused(
    content: dict[str, str] | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typo in the path must not silently mean the presets alone."""
    path = tmp_path / "own"
    if content is not None:
        path.mkdir()
    assert main(["catalog", "list", "--catalog-dir", str(path)]) == 2
    assert str(path) in capsys.readouterr().err
