"""Laws of deploy/kubernetes, as far as they can be told without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from streams.cli.registry import COMMANDS
from streams.settings import Settings, env_name, setting_names

BASE = Path(__file__).parents[2] / "deploy/kubernetes/base"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((BASE / "kustomization.yaml").read_text())
DOCUMENTS: list[dict[str, Any]] = [
    document
    for name in KUSTOMIZATION["resources"]
    for document in yaml.safe_load_all((BASE / name).read_text())
]
# Of operators: their schemas are no part of Kubernetes's.
CUSTOM = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
VERSIONS = ("1.30", "1.37")
PORTS = {"kpi-worker": 9466, "kpi-exporter": 9464, "kpi-collector": 9465}


def of(kind: str) -> dict[str, dict[str, Any]]:
    """Return name -> document of a kind."""
    return {d["metadata"]["name"]: d for d in DOCUMENTS if d["kind"] == kind}


def pods() -> dict[str, dict[str, Any]]:
    """Return name -> pod of everything that runs."""
    found = of("Deployment") | of("StatefulSet") | of("Job")
    return {name: document["spec"]["template"]["spec"] for name, document in found.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_document_is_what_kubernetes_describes(version: str) -> None:
    """The published schemas find no field too many and no value of another type."""
    for document in DOCUMENTS:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


def test_every_file_is_a_resource() -> None:
    """What lies in the base is applied, once, and nothing has the name of another."""
    found = {str(path.relative_to(BASE)) for path in BASE.glob("**/*.yaml")}
    assert found - {"kustomization.yaml"} == set(KUSTOMIZATION["resources"])
    names = [(d["kind"], d["metadata"]["name"]) for d in DOCUMENTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", sorted(pods()))
def test_a_pod_is_hardened(name: str) -> None:
    """Not root, nothing to write on, no privileges to gain, no token of the cluster, bounded."""
    pod = pods()[name]
    assert pod["automountServiceAccountToken"] is False
    # Services named kpi-exporter make variables named KPI_EXPORTER_PORT: a setting's name.
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    assert container["image"] in {image["name"] for image in KUSTOMIZATION["images"]}


@pytest.mark.parametrize("name", sorted(pods()))
def test_settings_and_commands_exist(name: str) -> None:
    """A misspelt name would have no effect; what is secret comes from a secret."""
    (container,) = pods()[name]["containers"]
    assert container["args"][0] in {command.name for command in COMMANDS}
    known = {env_name(setting) for setting in setting_names()}
    given = {one["name"]: one for one in container.get("env", [])}
    literals = KUSTOMIZATION["configMapGenerator"][0]["literals"]
    assert {*given, *(literal.split("=")[0] for literal in literals)} <= known
    for secret in ("KPI_REDIS_URL", "KPI_EXPORTER_TOKEN"):
        assert secret not in given or "secretKeyRef" in given[secret]["valueFrom"]


@pytest.mark.parametrize(("name", "port"), sorted(PORTS.items()))
def test_what_serves_is_probed_found_and_not_all_taken_away(name: str, port: int) -> None:
    """Three probes, a service, a disruption budget and a network policy of the same labels."""
    (container,) = pods()[name]["containers"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    label = {"app.kubernetes.io/name": name}
    owner = (of("Deployment") | of("StatefulSet"))[name]
    assert owner["spec"]["template"]["metadata"]["labels"] == label
    assert owner["spec"]["selector"] == {"matchLabels": label}
    assert of("Service")[name]["spec"]["selector"] == label
    assert of("Service")[name]["metadata"]["labels"] == label
    budget = of("PodDisruptionBudget")[name]["spec"]
    assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": label}}
    policy = of("NetworkPolicy")[name]["spec"]
    assert policy["podSelector"] == {"matchLabels": label}


def test_workers_follow_the_lag_of_their_group() -> None:
    """The scaler asks for the workers' group, and for no more of them than partitions."""
    scaler = of("ScaledObject")["kpi-worker"]["spec"]
    assert scaler["scaleTargetRef"]["name"] in of("Deployment")
    literals = dict(
        literal.split("=", 1) for literal in KUSTOMIZATION["configMapGenerator"][0]["literals"]
    )
    (trigger,) = scaler["triggers"]
    assert trigger["type"] == "kafka"
    assert trigger["metadata"]["consumerGroup"] == Settings().group_id
    assert trigger["metadata"]["bootstrapServers"] == literals["KPI_BROKER"]
    # Without a topic the scaler adds up all topics of the group.
    assert "topic" not in trigger["metadata"]
    assert scaler["maxReplicaCount"] <= int(literals["KPI_PARTITIONS"])
    assert "replicas" not in of("Deployment")["kpi-worker"]["spec"]


def test_what_has_metrics_is_scraped_under_the_rules_names() -> None:
    """A job is named as its service; the rules ask for exactly these two."""
    monitors = of("ServiceMonitor")
    assert set(monitors) == {"kpi-worker", "kpi-exporter"}
    for name, monitor in monitors.items():
        (endpoint,) = monitor["spec"]["endpoints"]
        assert (
            monitor["spec"]["selector"]["matchLabels"] == of("Service")[name]["metadata"]["labels"]
        )
        assert endpoint["port"] == of("Service")[name]["spec"]["ports"][0]["name"]
        assert endpoint["authorization"]["credentials"]["key"] == "exporter-token"
    rules = (BASE / "_gen/prometheus-rules.yaml").read_text()
    for name in monitors:
        assert f'job="{name}"' in rules


def test_the_operators_rules_are_prometheus_rules() -> None:
    """The same groups, each once."""
    folder = BASE.parents[1] / "prometheus/_gen"
    plain = [
        group
        for path in sorted(folder.glob("*.rules.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    made = of("PrometheusRule")["kpi-streams"]["spec"]["groups"]
    assert sorted(made, key=lambda g: g["name"]) == sorted(plain, key=lambda g: g["name"])
