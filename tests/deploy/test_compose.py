"""Laws of docker-compose.yml and what it mounts, as far as they can be told without Docker."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.cli.registry import COMMANDS
from streams.settings import env_name, setting_names

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"topics", "receivers"}
# Kafka's image writes its configuration beside its programs when it starts.
WRITABLE = {"kafka"}


def test_it_is_what_the_compose_specification_describes() -> None:
    """The published schema of the Compose specification finds no fault."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_hardened_and_watched(name: str) -> None:
    """No privileges to gain, loopback ports only, a health check, a pinned image."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert service.get("read_only", False) == (name not in WRITABLE)
    assert ("healthcheck" in service) == (name not in ONE_SHOT)
    assert re.search(r":(local|v?\d+\.\d+)", service["image"])


def test_every_setting_passed_is_a_setting() -> None:
    """A misspelt name would have no effect."""
    known = {env_name(name) for name in setting_names()}
    passed = {name for s in SERVICES.values() for name in s.get("environment", {})}
    assert {name for name in passed if name.startswith("KPI_")} <= known


def test_every_command_is_a_command() -> None:
    """What runs in the product's image exists."""
    ours = [s["command"][0] for s in SERVICES.values() if s["image"] == "kpi-streams:local"]
    assert {"worker", "exporter", "collector"} <= set(ours)
    assert set(ours) <= {command.name for command in COMMANDS}


def test_no_secret_is_written_down() -> None:
    """Every secret comes from the environment, and .env.example names all of them, empty."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    wanted = set(re.findall(r"\$\{(\w+):\?", text))
    wanted |= {secret["environment"] for secret in COMPOSE["secrets"].values()}
    example = (ROOT / ".env.example").read_text("utf-8")
    assert wanted == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))


def test_everything_mounted_exists() -> None:
    """Files that containers read from the repository, and volumes that are declared."""
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source[0] == "." else source in COMPOSE["volumes"]


def test_prometheus_accepts_its_configuration() -> None:
    """Promtool finds no fault, and the rule files are there."""
    path = ROOT / "deploy/prometheus/prometheus.yml"
    for rules in yaml.safe_load(path.read_text("utf-8"))["rule_files"]:
        assert list(path.parent.glob(rules))
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [promtool, "check", "config", "--syntax-only", str(path)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_what_is_locked() -> None:
    """It installs under the lock's pins, and every file that it copies exists."""
    dockerfile = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    assert " -c requirements.lock ." in dockerfile
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        for name in copied.split():
            assert (ROOT / name).exists()
            assert f"!{name}" in ignored
