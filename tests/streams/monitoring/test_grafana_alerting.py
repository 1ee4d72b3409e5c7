"""Grafana's contact points and notification policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from streams.cli.main import main
from streams.monitoring.generate import GRAFANA, monitoring_files
from tests.processors.catalog.presets import presets


def test_every_policy_names_a_contact_point_and_every_family_has_one() -> None:
    """Alerts made in Grafana reach the Alertmanager that docker-compose.yml runs."""
    files = monitoring_files(presets())
    points = yaml.safe_load(files[f"{GRAFANA}/contact-points.yml"])["contactPoints"]
    (policy,) = yaml.safe_load(files[f"{GRAFANA}/policies.yml"])["policies"]

    def receivers(route: dict[str, Any]) -> set[str]:
        return {route["receiver"]}.union(*map(receivers, route.get("routes", [])))

    assert receivers(policy) == {point["name"] for point in points}
    families = {route["object_matchers"][0][2] for route in policy["routes"]}
    assert families == {m.family for m in presets().metrics.values()} | {"pipeline"}


def test_kpi_generate_writes_the_receivers_of_the_settings(tmp_path: Path) -> None:
    """Alertmanager reads no environment, so its file is written from it."""
    path = tmp_path / "alertmanager.yml"
    url = "http://127.0.0.1:1/"
    assert main(["generate", "--alertmanager", str(path), "--alert-webhook-url", url]) == 0
    everybody = yaml.safe_load(path.read_text())["receivers"][0]
    assert everybody["webhook_configs"][0]["url"] == url
