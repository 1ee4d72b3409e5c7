"""The files that monitoring generates from the catalogue, by path."""

from __future__ import annotations

from processors.catalog.model import Catalog
from streams.monitoring.alertmanager import alertmanager_yaml
from streams.monitoring.grafana_alerting import contact_points_yaml, policies_yaml
from streams.monitoring.rule_files import prometheus_rule, rule_files, test_files
from streams.monitoring.runbook import runbook
from streams.settings import Settings

RULES = "deploy/prometheus/_gen"
ALERTMANAGER = "deploy/alertmanager/_gen/alertmanager.yml"
GRAFANA = "deploy/grafana/provisioning/alerting"
KUBERNETES = "deploy/kubernetes/base/_gen"
RUNBOOK = "deploy/runbook.md"


def monitoring_files(catalog: Catalog) -> dict[str, str]:
    """Return path -> text of every generated file; alerts have no receivers yet."""
    files = {f"{RULES}/{name}.rules.yml": text for name, text in rule_files(catalog).items()}
    cases = test_files(catalog, "{}.rules.yml".format)
    files |= {f"{RULES}/{name}.test.yml": text for name, text in cases.items()}
    files[f"{KUBERNETES}/prometheus-rules.yaml"] = prometheus_rule(catalog)
    files = {
        path: text.replace(f"{RUNBOOK}#", f"{catalog.runbook}#") for path, text in files.items()
    }
    return files | {
        ALERTMANAGER: alertmanager_yaml(catalog, Settings()),
        f"{GRAFANA}/contact-points.yml": contact_points_yaml(),
        f"{GRAFANA}/policies.yml": policies_yaml(catalog),
        RUNBOOK: runbook(catalog),
    }
