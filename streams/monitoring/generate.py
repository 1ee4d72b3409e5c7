"""The files that monitoring generates from the catalogue, by path."""

from __future__ import annotations

from processors.catalog.model import Catalog
from streams.monitoring.alertmanager import alertmanager_yaml
from streams.monitoring.rule_files import rules_yaml, tests_yaml, weekly_tests_yaml
from streams.monitoring.runbook import runbook

RULES = "deploy/prometheus/_gen/kpi-rules.yml"
RULE_TESTS = "deploy/prometheus/_gen/kpi-rules-test.yml"
WEEKLY_TESTS = "deploy/prometheus/_gen/kpi-rules-week-test.yml"
ALERTMANAGER = "deploy/alertmanager/_gen/alertmanager.yml"
RUNBOOK = "deploy/runbook.md"


def monitoring_files(catalog: Catalog) -> dict[str, str]:
    """Return path -> text of every generated file."""
    return {
        RULES: rules_yaml(catalog),
        RULE_TESTS: tests_yaml(catalog, "kpi-rules.yml"),
        WEEKLY_TESTS: weekly_tests_yaml(catalog, "kpi-rules.yml"),
        ALERTMANAGER: alertmanager_yaml(catalog, {}),
        RUNBOOK: runbook(catalog),
    }
