"""A real Prometheus beside a test, asked over its HTTP API."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import yaml

from streams.embedded.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

DEADLINE_S = 60.0
POLL_S = 0.1
SELECTOR = re.compile(r"\b(kpi_[a-z0-9_]+|up)\b(\{[^}]*\})?(?: offset (\w+))?")


def tool(name: str) -> str:
    """Return a program's path; skip without it, but not in CI, which installs it."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing: .ci/run installs it")
        pytest.skip(f"{name} is not installed")
    return found


def until(holds: Callable[[], object], what: str, timeout_s: float = DEADLINE_S) -> None:
    """Wait until something holds, and fail at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(POLL_S)


def selectors(expression: str) -> Iterable[tuple[str, dict[str, str], str]]:
    """Yield (name, labels, offset) of every series that an expression of ours reads."""
    for name, braces, offset in SELECTOR.findall(expression):
        yield name, dict(re.findall(r'(\w+)="([^"]*)"', braces)), offset


class Server:
    """A process with a ready page on loopback; a context manager that ends it with SIGTERM."""

    def __init__(self, directory: Path, program: str, *arguments: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = directory / f"{program}.log"
        command = [tool(program), f"--web.listen-address=127.0.0.1:{self.port}", *arguments]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)

    def __enter__(self) -> Self:
        """Return it once it is ready."""
        until(self._ready, f"{self.url} is ready")
        return self

    def __exit__(self, *_error: object) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(DEADLINE_S)

    def log(self) -> str:
        """Return what it has said."""
        return self._log.read_text()

    def get(self, path: str, **arguments: object) -> Any:
        """Return the ``data`` of an API's answer.

        Raises:
            AssertionError: it answers with an error.
        """
        body = urlencode(arguments).encode() or None
        try:
            request = Request(f"{self.url}{path}", data=body)  # noqa: S310  # always http
            with urlopen(request, timeout=DEADLINE_S) as answer:  # noqa: S310  # as above
                return json.load(answer)["data"]
        except HTTPError as error:
            raise AssertionError(f"{arguments}: {error.read().decode()}") from error

    def _ready(self) -> bool:
        assert self._process.poll() is None, self.log()
        try:
            with urlopen(f"{self.url}/-/ready", timeout=DEADLINE_S):  # noqa: S310  # as above
                return True
        except (URLError, OSError):
            return False


class Prometheus(Server):
    """A server with a configuration; ``data`` below the directory may hold blocks already."""

    def __init__(self, directory: Path, config: dict[str, Any]) -> None:
        path = directory / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        super().__init__(
            directory,
            "prometheus",
            f"--config.file={path}",
            f"--storage.tsdb.path={directory / 'data'}",
            "--storage.tsdb.retention.time=1y",
        )

    def query(self, expression: str, time_s: float | None = None) -> list[dict[str, Any]]:
        """Return the result of an instant query."""
        when = {} if time_s is None else {"time": time_s}
        found: list[dict[str, Any]] = self.get("/api/v1/query", query=expression, **when)["result"]
        return found
