"""The files that monitoring generates from the catalogue, by path."""

from __future__ import annotations

from processors.catalog.model import Catalog
from streams.monitoring.alertmanager import alertmanager_yaml
from streams.monitoring.rule_files import rule_files, test_files
from streams.monitoring.runbook import runbook
from streams.settings import Settings

RULES = "deploy/prometheus/_gen"
ALERTMANAGER = "deploy/alertmanager/_gen/alertmanager.yml"
RUNBOOK = "deploy/runbook.md"


def monitoring_files(catalog: Catalog) -> dict[str, str]:
    """Return path -> text of every generated file; alerts have no receivers yet."""
    files = {f"{RULES}/{name}.rules.yml": text for name, text in rule_files(catalog).items()}
    cases = test_files(catalog, "{}.rules.yml".format)
    files |= {f"{RULES}/{name}.test.yml": text for name, text in cases.items()}
    return files | {ALERTMANAGER: alertmanager_yaml(catalog, Settings()), RUNBOOK: runbook(catalog)}
