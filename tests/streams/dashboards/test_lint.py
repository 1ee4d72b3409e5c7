"""The rules of Grafana's dashboard linter, and of readable dashboards.

https://github.com/grafana/dashboard-linter/tree/main/docs/rules: that linter is a Go program which
package registries do not carry, so each of its rules is written here, with what stands instead of
those that do not apply: targets select by KPI, not by ``job`` and ``instance``, because every
figure is one logical series of any number of exporters.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from processors import names
from processors.catalog.load import load_catalog
from streams.catalog_files import preset_sources
from streams.dashboards.boards import dashboards
from streams.monitoring.runbook import runbook
from tests.processors.catalog.presets import presets

if TYPE_CHECKING:
    from collections.abc import Iterator

BOARDS: dict[str, dict[str, Any]] = {
    uid: json.loads(text) for uid, text in dashboards(presets()).items()
}
ADDRESS = "https://wiki.example.com/runbook"
OWN = load_catalog([*preset_sources(), ("own.yaml", f"runbook: {ADDRESS}")])
LINKED = {uid: json.loads(text) for uid, text in dashboards(OWN).items()}
HEADINGS = {heading.lower() for heading in re.findall(r"^### (\w+)$", runbook(OWN), re.MULTILINE)}
pytestmark = pytest.mark.parametrize("uid", sorted(BOARDS))


def panels(uid: str) -> Iterator[dict[str, Any]]:
    """Yield every panel but the rows."""
    for panel in BOARDS[uid]["panels"]:
        if panel["type"] != "row":
            yield panel


def targets(uid: str) -> Iterator[dict[str, Any]]:
    """Yield every query of every panel."""
    for panel in panels(uid):
        yield from panel["targets"]


def variables(uid: str) -> dict[str, dict[str, Any]]:
    """Return name -> template variable."""
    return {variable["name"]: variable for variable in BOARDS[uid]["templating"]["list"]}


def test_template_datasource(uid: str) -> None:
    """template-datasource-rule: one variable of the type datasource, named and labelled."""
    (source,) = [v for v in variables(uid).values() if v["type"] == "datasource"]
    assert (source["name"], source["label"], source["query"]) == (
        "datasource",
        "Data source",
        "prometheus",
    )


def test_panel_datasource(uid: str) -> None:
    """panel-datasource-rule: every panel and every query reads from the variable."""
    for one in (*panels(uid), *targets(uid)):
        assert one["datasource"] == {"type": "prometheus", "uid": "$datasource"}


def test_panel_title_description(uid: str) -> None:
    """panel-title-description-rule: every panel says what it is, and what that means."""
    for panel in panels(uid):
        assert panel["title"].strip()
        assert panel.get("description", "").strip(), panel["title"]


def test_panel_units(uid: str) -> None:
    """panel-units-rule: every number has a unit."""
    for panel in panels(uid):
        if panel["type"] == "heatmap":
            assert panel["options"]["yAxis"]["unit"], panel["title"]
        else:
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_panel_no_targets(uid: str) -> None:
    """panel-no-targets-rule: every panel has queries, told apart by their letters."""
    for panel in panels(uid):
        letters = [target["refId"] for target in panel["targets"]]
        assert letters
        assert len(set(letters)) == len(letters)
        assert all(letters)


def test_target_promql(uid: str) -> None:
    """target-promql-rule: queries are not empty, and name only variables that there are.

    That each parses and has a result is tests/streams/monitoring/test_executed.py's.
    """
    known = set(variables(uid))
    for target in targets(uid):
        assert target["expr"].strip()
        assert set(re.findall(r"\$(\w+)", target["expr"])) <= known
        assert target["legendFormat"].strip()


def test_target_rate_and_increase(uid: str) -> None:
    """target-rate-interval-rule and target-counter-agg-rule: counters are read as rates.

    The range is at least four of docker-compose.yml's scrape intervals, as $__rate_interval is.
    """
    ranges = {"1m", "5m", "10m"}
    for target in targets(uid):
        for name, found in re.findall(r"(\w+_total)(\[\w+\])?", target["expr"]):
            assert found.strip("[]") in ranges, name
            assert re.search(rf"(rate|increase)\({name}\[", target["expr"])


def test_template_on_time_change_reload(uid: str) -> None:
    """template-on-time-change-reload-rule: no variable is queried, so none can be out of date."""
    assert {v["type"] for v in variables(uid).values()} <= {"datasource", "custom"}


def test_template_labels(uid: str) -> None:
    """template-label-promql-rule's neighbour: each variable has a label and a value in force."""
    for variable in variables(uid).values():
        assert variable["label"]
        if variable["type"] == "custom":
            values = [option["value"] for option in variable["options"]]
            assert variable["current"]["value"] in values
            assert len(set(values)) == len(values)


def test_what_is_shown_at_first_is_not_empty(uid: str) -> None:
    """Every KPI that is read in the picked window has the one that is picked at first."""
    metrics = presets().metrics
    picked = variables(uid).get("window", {"current": {"value": ""}})["current"]["value"]
    for target in targets(uid):
        for metric in metrics.values():
            name = names.metric_name(metric.id, metric.unit)
            if f'{name}{{window="$window"' in target["expr"]:
                assert picked in {window.name for window in metric.windows}, metric.id


def test_uneditable_dashboard(uid: str) -> None:
    """uneditable-dashboard: what is generated is not edited by hand; a push would undo it."""
    assert BOARDS[uid]["editable"] is False


def test_panels_do_not_overlap(uid: str) -> None:
    """Every panel has a place of its own within the grid of 24 columns, and a number."""
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[uid]["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_links_lead_to_the_catalogues_runbook(uid: str) -> None:
    """Every dashboard has a link to the runbook, every KPI's course one to its heading."""
    found = LINKED[uid]
    assert [link["url"] for link in found["links"]] == [ADDRESS]
    for panel in found["panels"]:
        for link in panel.get("links") or ():
            assert link["url"].removeprefix(f"{ADDRESS}#") in HEADINGS
    if uid != "kpi-pipeline":
        assert any(panel.get("links") for panel in found["panels"])
