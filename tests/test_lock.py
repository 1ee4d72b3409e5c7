"""requirements.lock is what pyproject.toml asks for, and nothing that only this place knows."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "requirements.lock").read_text("utf-8").splitlines()


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    """All extras; `make lock` renews it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = {pin.name.lower(): pin for pin in map(Requirement, LINES)}
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in map(Requirement, itertools.chain(*lists)):
        pin = pins[requirement.name.lower()]
        (version,) = [each.version for each in pin.specifier]
        assert requirement.specifier.contains(version, prereleases=True), f"{pin}: {requirement}"


def test_every_line_is_an_exact_pin() -> None:
    """No index, host, path or range: any package index will do."""
    for line in LINES:
        requirement = Requirement(line)
        assert requirement.url is None
        assert [each.operator for each in requirement.specifier] == ["=="], line
