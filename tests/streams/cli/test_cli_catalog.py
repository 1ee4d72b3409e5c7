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


def test_explain_needs_no_redis(capsys: pytest.CaptureFixture[str]) -> None:
    """Without Redis the words and the example stay; the present value is unknown, and why."""
    nowhere = ("--redis-url", "redis://127.0.0.1:1/0")
    assert main(["catalog", "explain", "cost_per_click", *nowhere, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["computed"]["reads"]["ad_clicks"] == "count of ad_click"
    assert found["example"]["gives"]
    assert found["now"] is None
    assert "unreachable" in found["unreachable"]
    assert main(["catalog", "explain", "cost_per_click", *nowhere]) == 0
    assert "formula   ad spend / clicks" in capsys.readouterr().out


def test_explain_says_what_an_event_would_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Events a line each; an invalid one is named and the exit code is 1."""
    good = {"event_id": "1", "type": "ad_impression", "ts": 1, "campaign": "spring"}
    file = tmp_path / "events.json"
    file.write_text(json.dumps({**good, "ts": "2026-01-01T00:00:00Z"}))
    assert main(["catalog", "explain", "--event", str(file), "--format", "json"]) == 0
    effects = json.loads(capsys.readouterr().out)["effects"]
    assert {"kpi": "ad_impressions", "when": "at once", "parts": {"ad_impressions": 1}} in effects
    file.write_text(f'{json.dumps(good)}\n{{"type": "ad_click", "ts": 1}}\n')
    assert main(["catalog", "explain", "--event", str(file)]) == 1
    assert "event 2 would be a dead letter: missing_field: event_id" in capsys.readouterr().err


def test_explain_says_of_a_backend_s_purchase_whose_session_it_is_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the visitor's login nobody can tell: it is said, and that is no error."""
    bought = {"event_id": "1", "type": "purchase", "ts": "2026-01-01T00:00:00Z", "order_id": "o"}
    file = tmp_path / "events.json"
    file.write_text(json.dumps({**bought, "customer_id": "c", "value": 1, "currency": "EUR"}))
    assert main(["catalog", "explain", "--event", str(file)]) == 0
    assert "kpi: event 1 names no visitor: it counts as well" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [(), ("orders", "--event", "x.json"), ("--event", "/nowhere.json"), ("nonsense",)],
)
def test_explain_of_nothing_is_usage(arguments: tuple[str, ...]) -> None:
    """One KPI or one file, and they exist."""
    assert main(["catalog", "explain", *arguments]) == 2


CASE = """\
story: two checkouts, one of them on a phone
events:
  - {at: "0:01", type: checkout_started, visitor_id: v1, cart_id: c1, device: mobile}
  - {at: "0:02", type: checkout_started, visitor_id: v2, cart_id: c2, device: desktop}
expect:
  - {window: 5m, end: "0:05", value: 2}
  - {window: 5m, end: "0:05", by: {device: mobile}, value: 1}
  - {window: 5m, end: "0:05", by: {device: tablet}, absent: true}
"""


def write_case(own: Path, text: str, kpi: str = "checkouts") -> None:
    """Lay a golden case beside the README's KPI."""
    (own / "golden").mkdir(exist_ok=True)
    (own / "golden" / f"{kpi}.yaml").write_text(text)


def test_an_own_kpis_golden_case_needs_no_python(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One YAML entry and one case beside it: the command works it out, without any server."""
    write_case(own, CASE)
    assert main(["catalog", "test", str(own), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert [case["kpi"] for case in found["cases"]] == ["checkouts"]
    assert found["without_a_case"] == []


def test_a_value_other_than_expected_fails_with_both(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1; file, window, and what was found beside what was expected."""
    write_case(own, CASE.replace("value: 2", "value: 3"))
    assert main(["catalog", "test", str(own)]) == 1
    told = capsys.readouterr().err
    assert f"{own}/golden/checkouts.yaml: two checkouts, one of them on a phone: " in told
    assert "5m to 0:05, value: value is 2, expected 3" in told


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("value: 2", "valeu: 2", "did you mean value?"),
        ("{window: 5m", "{window: 7m", "no window '7m': it has 5m, 1h"),
        ("device: tablet", "campaign: a", "not kept by ['campaign']: there is none; device"),
        ('end: "0:05"', "end: 1:05", "in quotes"),
        ('end: "0:05"', 'end: "0:05:03"', "end: 0:05:03: "),
        ("type: checkout_started", "type: checkout_start", "did you mean checkout_started?"),
        ("visitor_id: v1, ", "", "would be a dead letter"),
        ("story: two", "stories: two", "a case has story, events and expect"),
        ("value: 1}", "stat: p90, value: 1}", "no 'p90': it has value"),
        ("absent: true", "value: 1", "there is no row; rows: "),
        ("value: 2}", "by: [}", "while parsing"),
    ],
)
def test_a_faulty_case_says_what_is_wrong(
    own: Path, right: str, wrong: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typo in a case is told, and never passes as a case that holds."""
    assert right in CASE
    write_case(own, CASE.replace(right, wrong, 1))
    assert main(["catalog", "test", str(own)]) == 1
    assert told in capsys.readouterr().err


def test_a_case_of_no_kpi_fails_and_a_kpi_of_no_case_is_named(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file's name is the KPI; what nobody tests is said."""
    write_case(own, CASE, "checkout")
    assert main(["catalog", "test", str(own)]) == 1
    told = capsys.readouterr().err
    assert "there is no KPI 'checkout': did you mean checkouts?" in told
    assert "kpi: without a case: checkouts" in told


def test_no_case_at_all_is_usage(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, with where the first one goes."""
    assert main(["catalog", "test", str(own)]) == 2
    assert f"write {own}/golden/KPI.yaml" in capsys.readouterr().err
    assert main(["catalog", "test"]) == 2
