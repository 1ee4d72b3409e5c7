"""Every expression of every dashboard and rule, executed by a real Prometheus."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from processors import names
from streams.dashboards.boards import dashboards
from streams.monitoring import generate
from tests.processors.catalog.presets import presets
from tests.streams.monitoring.watched import OFFSETS, WINDOWS, Watched, watched
from tests.support.prometheus import SELECTOR, selectors, tool, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processors.catalog.model import Catalog
    from streams.embedded.servers import Addresses

pytestmark = pytest.mark.servers
RECORDED = re.compile(r"kpi:(\w+):max(\{[^}]*\})( offset \w+)?")
COMPANIONS = ("numerator", "denominator", "samples", names.CHANGE_RATIO)
# Customers of the window before, and money in two currencies without a rate between them.
NOT_COVERED = {"customer_retention_rate", "customer_lifetime_value", "clv_to_cac"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return presets()


@pytest.fixture(scope="module")
def rules(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the generated rule files."""
    folder = tmp_path_factory.mktemp("rules")
    for path, text in generate.monitoring_files(catalog).items():
        if path.endswith(".rules.yml"):
            (folder / path.rpartition("/")[2]).write_text(text)
    return folder


@pytest.fixture(scope="module")
def site(
    servers: Addresses, rules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    with watched(servers, tmp_path_factory.mktemp("watched"), rules) as site:
        yield site


def panels(catalog: Catalog) -> Iterator[str]:
    """Yield every panel's expressions, with every choice of its dashboard's variables."""
    for text in dashboards(catalog).values():
        board = json.loads(text)
        choices = {
            variable["name"]: [option["value"] for option in variable["options"]]
            for variable in board["templating"]["list"]
            if variable["type"] == "custom"
        }
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                for window in WINDOWS if "$window" in target["expr"] else ("",):
                    for by in choices["by"] if "$by" in target["expr"] else ("",):
                        yield target["expr"].replace("$window", window).replace("$by", by)


def alerts(rules: Path) -> Iterator[str]:
    """Yield every rule's expression, with what it reads of recordings written out."""
    for path in sorted(rules.glob("*.rules.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            kept = [rule["expr"] for rule in group["rules"] if "record" in rule]
            yield from kept
            for rule in group["rules"]:
                if "alert" in rule:
                    yield RECORDED.sub(partial(written_out, kept), rule["expr"])


def written_out(kept: list[str], found: re.Match[str]) -> str:
    """Return the recording rule's own expression, of as long ago as it is read."""
    name, labels, past = found.groups()
    series = f"(kpi_{name}{labels})"
    (one,) = [expression for expression in kept if expression.endswith(series)]
    return one.removesuffix(")") + (past or "") + ")"


def names_of(catalog: Catalog) -> dict[str, str]:
    """Return metric name -> KPI, companions and final values among them."""
    found = {}
    for metric in catalog.metrics.values():
        for final in (False, True):
            found[names.metric_name(metric.id, metric.unit, final=final)] = metric.id
            for which in COMPANIONS:
                found[names.companion_name(metric.id, which, final=final)] = metric.id
            buckets = names.companion_name(metric.id, "distribution_seconds", final=final)
            found[f"{buckets}_bucket"] = metric.id
    return found


def expected(catalog: Catalog, covered: set[tuple[str, str, str]], expression: str) -> bool:
    """Tell whether the traffic covers all that an expression reads."""
    kpis = names_of(catalog)
    for name, labels, offset in selectors(expression):
        if offset and offset not in OFFSETS:
            return False
        if name in kpis and (kpis[name], labels["window"], labels["by"]) not in covered:
            return False
    return True


def test_the_traffic_covers_the_kpis(catalog: Catalog, site: Watched) -> None:
    """What follows is about (nearly) every KPI of the catalogue."""
    assert set(catalog.metrics) - {kpi for kpi, _, _ in site.covered()} == NOT_COVERED


def test_promtool_has_nothing_to_say_of_any_page(site: Watched) -> None:
    """Names, types and help of the live pages pass Prometheus' own linter."""
    for page in site.pages.values():
        done = subprocess.run(
            [tool("promtool"), "check", "metrics"],
            input=page, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_panel_is_wrong_or_empty(catalog: Catalog, site: Watched) -> None:
    """Every panel's expression has a result wherever the traffic covers what it reads."""
    covered = site.covered()
    asked = list(dict.fromkeys(panels(catalog)))
    empty = [
        expression
        for expression in asked
        if not site.prometheus.query(expression, site.now_s)
        and expected(catalog, covered, expression)
    ]
    assert not empty, f"{len(empty)} of {len(asked)}: {empty[:20]}"


def test_no_rule_is_wrong_or_reads_what_is_not_there(
    catalog: Catalog, rules: Path, site: Watched
) -> None:
    """A rule's expression is taken, and every series that it reads exists."""
    covered = site.covered()
    missing = []
    for expression in alerts(rules):
        site.prometheus.query(expression)
        for found in SELECTOR.finditer(expression):
            series = found[0]
            if expected(catalog, covered, series) and not site.prometheus.query(series, site.now_s):
                missing.append(series)
    assert not missing, Counter(missing)


def test_prometheus_takes_every_rule(rules: Path, site: Watched) -> None:
    """Loaded, evaluated, healthy."""

    def states() -> list[dict[str, Any]]:
        groups = site.prometheus.get("/api/v1/rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    until(lambda: all(rule["health"] != "unknown" for rule in states()), "all rules are evaluated")
    assert {rule["health"] for rule in states()} == {"ok"}, states()
    assert len(states()) == len(list(alerts(rules)))


def test_every_panel_reads_what_its_kpi_has(catalog: Catalog) -> None:
    """No panel is empty for good: its KPI has the window, or the choice of one, and the set."""
    metrics = names_of(catalog)
    for expression in dict.fromkeys(_unfilled(catalog)):
        for name, labels, _ in selectors(expression):
            if name in metrics:
                metric = catalog.metrics[metrics[name]]
                windows = {w.name for w in metric.windows} | {"$window"}
                sets = {names.by_value(dims) for dims in metric.dimension_sets} | {"$by"}
                assert labels["window"] in windows, expression
                assert labels["by"] in sets, expression


def _unfilled(catalog: Catalog) -> Iterator[str]:
    for text in dashboards(catalog).values():
        for panel in json.loads(text)["panels"]:
            yield from (target["expr"] for target in panel.get("targets", []))


def test_what_is_added_up_is_first_taken_once(catalog: Catalog, rules: Path) -> None:
    """No sum stands before what makes one series of the replicas'."""
    once = re.compile(r"sum by \([a-z, ]+\) \(max without \(instance, job, ")
    for expression in (*_unfilled(catalog), *alerts(rules)):
        assert expression.count("sum ") == len(once.findall(expression)), expression
        assert "avg " not in expression


def test_two_exporters_do_not_count_twice(catalog: Catalog, rules: Path, site: Watched) -> None:
    """What two replicas serve gives what one of them gives, in every panel and rule."""
    a_week_ago_s = site.start_s - OFFSETS["1w"]
    asked = dict.fromkeys((*panels(catalog), *alerts(rules)))
    different = []
    for expression in asked:
        alone = SELECTOR.sub(_without_the_twin, expression)
        both = site.prometheus.query(expression, a_week_ago_s)
        if both != site.prometheus.query(alone, a_week_ago_s):
            different.append(expression)
    assert not different, f"{len(different)} of {len(asked)}: {different[:20]}"


def _without_the_twin(found: re.Match[str]) -> str:
    name, braces, offset = found.groups()
    inside = ",".join(filter(None, ((braces or "{}")[1:-1].strip(","), 'instance!="b"')))
    return f"{name}{{{inside}}}" + (f" offset {offset}" if offset else "")
