"""Rules from the catalogue: Prometheus takes them, each fires and each is silent where it must."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from processors.catalog.load import load_catalog
from processors.catalog.model import Catalog
from processors.errors import SettingsError
from streams.catalog_files import preset_sources
from streams.dashboards.boards import dashboards
from streams.monitoring import alertmanager, generate
from streams.monitoring.rules import kpi_rules
from streams.settings import Settings
from tests.support.prometheus import tool


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(preset_sources())


@pytest.fixture(scope="module")
def files(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds what monitoring generates."""
    root = tmp_path_factory.mktemp("generated")
    for path, text in generate.monitoring_files(catalog).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_rule_fires_and_is_silent_where_it_must(files: Path) -> None:
    """Promtool works every generated case out, alerts and annotations alike."""
    folder = files / generate.RULES
    rules, tests = sorted(folder.glob("*.rules.yml")), sorted(folder.glob("*.test.yml"))
    run(tool("promtool"), "check", "rules", *map(str, rules))
    run(tool("promtool"), "test", "rules", *map(str, tests))


ADDED = """
family: added
metrics:
  watched_sessions:
    type: simple
    unit: count
    direction: up
    numerator: sessions_started
    stats: [value, change]
    windows: [1h]
    alerts:
      - {severity: info, op: below, threshold: -0.5, window: 1h, stat: change, samples_min: 30}
      - {severity: info, op: rise, threshold: 3, window: 1h, samples_min: 30}
  watched_share:
    type: ratio
    unit: ratio
    direction: up
    numerator: sessions_converted
    denominator: sessions_started
    windows: [1h]
    alerts:
      - {severity: info, op: below, threshold: 0.1, window: 1h, samples_min: 30}
"""


def test_a_kpi_of_ones_own_is_watched_like_the_presets(tmp_path: Path) -> None:
    """Whatever severity and stat it names: its rules come with cases that hold."""
    catalog = load_catalog([*preset_sources(), ("added.yaml", ADDED)])
    made = generate.monitoring_files(catalog)
    mine = {path.rpartition("/")[2]: text for path, text in made.items() if "/added" in path}
    assert set(mine) == {"added.rules.yml", "added.test.yml", "added-week.test.yml"}
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    assert "kpi_watched_sessions_final_change_ratio" in mine["added.rules.yml"]
    run(tool("promtool"), "test", "rules", *map(str, tmp_path.glob("*.test.yml")))


def test_every_rule_has_a_firing_and_a_silent_case(files: Path) -> None:
    """No alert is without a case of each kind."""
    fires: set[str] = set()
    silent: set[str] = set()
    for path in (files / generate.RULES).glob("*.test.yml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                (fires if case["exp_alerts"] else silent).add(case["alertname"])
    assert fires == silent == {rule["alert"] for rule in rules_of(files)}


def rules_of(files: Path) -> list[dict[str, Any]]:
    """Return every generated alert rule."""
    return [
        rule
        for path in sorted((files / generate.RULES).glob("*.rules.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]


def test_what_alerts_watch_is_recorded_once_before_them(files: Path) -> None:
    """Each recorded series that an alert reads has one rule, ahead of it in the same group."""
    for path in sorted((files / generate.RULES).glob("*.rules.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            kept = [rule for rule in group["rules"] if "record" in rule]
            assert group["rules"][: len(kept)] == kept
            found = {
                (name, labels)
                for rule in group["rules"][len(kept) :]
                for name, labels in re.findall(r"(kpi:\w+:max)(\{[^}]*\})", rule["expr"])
            }
            recorded = [
                (rule["record"], re.findall(r"\{[^}]*\}", rule["expr"])[0]) for rule in kept
            ]
            assert len(recorded) == len(set(recorded))
            assert set(recorded) == found


def test_every_alert_links_to_a_heading_of_the_runbook(files: Path) -> None:
    """Whoever is paged finds the page."""
    headings = re.findall(r"^### (\w+)$", (files / generate.RUNBOOK).read_text(), re.MULTILINE)
    for rule in rules_of(files):
        anchor = rule["annotations"]["runbook_url"].partition("#")[2]
        assert anchor in {heading.lower() for heading in headings}


def test_names_of_alerts_are_unique(catalog: Catalog) -> None:
    """Two rules of one name would hide each other in the runbook."""
    names = [rule.name for rule in kpi_rules(catalog)]
    assert len(names) == len(set(names))


RECEIVERS = {
    "alert_webhook_url": "http://127.0.0.1:1/",
    "alert_email_to": "a@example.com",
    "alert_email_from": "b@example.com",
    "alert_smtp": "127.0.0.1:25",
    "alert_smtp_user": "b",
    "alert_smtp_password_path": "/run/secrets/mail",
    "alert_slack_path": "/run/secrets/slack",
}
MAINTENANCE = """
maintenance:
  nightly_import:
    families: [sales]
    days: [saturday, sunday]
    start: "02:00"
    end: "24:00"
    zone: Europe/Berlin
  move:
    dates: [2026-12-24, 2027-01-01]
"""


@pytest.mark.parametrize("receivers", [{}, RECEIVERS])
@pytest.mark.parametrize("more", ["", MAINTENANCE])
def test_alertmanager_takes_every_configuration(
    receivers: dict[str, str], more: str, tmp_path: Path
) -> None:
    """With any receivers and maintenance windows or none, amtool finds no fault."""
    catalog = load_catalog([*preset_sources(), ("more.yaml", more)])
    path = tmp_path / "alertmanager.yml"
    settings = replace(Settings(), **receivers)
    path.write_text(alertmanager.alertmanager_yaml(catalog, settings))
    run(tool("amtool"), "check-config", str(path))
    found = route(path, "sales", "critical"), route(path, "sales", "warning")
    assert found == ("urgent", "everybody")


def route(path: Path, family: str, severity: str) -> str:
    """Return the receiver of such an alert."""
    labels = (f"family={family}", f"severity={severity}")
    file = f"--config.file={path}"
    return run(tool("amtool"), "config", "routes", "test", file, *labels).strip()


def test_every_family_has_its_maintenance(catalog: Catalog) -> None:
    """A window of one family mutes it alone, one without families everything."""
    with_windows = load_catalog([*preset_sources(), ("more.yaml", MAINTENANCE)])
    made = yaml.safe_load(alertmanager.alertmanager_yaml(with_windows, Settings()))
    families = {m.family for m in catalog.metrics.values()} | {"pipeline"}
    mute = {
        one["matchers"][0]: [r["mute_time_intervals"] for r in (one, *one["routes"])]
        for one in made["route"]["routes"]
    }
    both = ["nightly_import", "move"]
    assert mute == {
        f'family="{family}"': [both if family == "sales" else ["move"]] * 2 for family in families
    }


def test_mail_without_a_server_is_refused(catalog: Catalog) -> None:
    """A receiver that could never send is an error, not a silence."""
    with pytest.raises(SettingsError, match="alert_smtp"):
        alertmanager.alertmanager_yaml(catalog, replace(Settings(), alert_email_to="a@b.example"))


def expressions(board: object) -> list[str]:
    """Return every PromQL expression of a dashboard, variables filled in."""
    if isinstance(board, dict):
        own = [board["expr"]] if isinstance(board.get("expr"), str) else []
        return own + [e for value in board.values() for e in expressions(value)]
    if isinstance(board, list):
        return [e for value in board for e in expressions(value)]
    return []


def test_every_expression_of_every_dashboard_parses(catalog: Catalog, tmp_path: Path) -> None:
    """Promtool parses what the panels ask, with the variables at their defaults."""
    found = [e for text in dashboards(catalog).values() for e in expressions(json.loads(text))]
    filled = [e.replace("$window", "1h").replace("$by", "source") for e in dict.fromkeys(found)]
    rules = [{"record": f"x{i}", "expr": e} for i, e in enumerate(filled)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}))
    assert len(rules) > 2 * len(catalog.metrics)
    run(tool("promtool"), "check", "rules", str(path))


def test_dashboards_are_provisionable(catalog: Catalog) -> None:
    """Stable uids, a data source variable, and no input that breaks provisioning."""
    boards = {uid: json.loads(text) for uid, text in dashboards(catalog).items()}
    assert {"kpi-overview", "kpi-pipeline"} <= set(boards)
    assert {f"kpi-{m.family}" for m in catalog.metrics.values()} <= set(boards)
    for uid, board in boards.items():
        text = json.dumps(board)
        assert board["uid"] == uid
        assert "${DS_" not in text
        assert "__inputs" not in board
        assert board["templating"]["list"][0]["type"] == "datasource"
        ids = [p["id"] for p in board["panels"] if "id" in p]
        assert len(ids) == len(set(ids))


def test_every_kpi_has_a_panel(catalog: Catalog) -> None:
    """A KPI of the catalogue is in its family's dashboard."""
    boards = dashboards(catalog)
    for metric in catalog.metrics.values():
        titles = {p.get("title") for p in json.loads(boards[f"kpi-{metric.family}"])["panels"]}
        assert metric.label in titles
