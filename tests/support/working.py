"""A real worker process beside a test, and ``kpi query`` as a person would ask it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from streams.embedded.servers import Addresses

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60


class Worker:
    """A worker for one namespace; a context manager that ends it with SIGTERM."""

    def __init__(self, servers: Addresses, namespace: str, directory: Path) -> None:
        self._env = {
            **os.environ,
            **servers.environment(),
            "KPI_NAMESPACE": namespace,
            "KPI_REBALANCE_TIMEOUT_MS": "1000",
            "PYTHONPATH": str(ROOT),
        }
        self._directory = directory
        self.log_path = directory / "worker.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                self._command("worker"), stdout=log, stderr=log, cwd=directory, env=self._env
            )

    def __enter__(self) -> Self:
        """Return it at once: a query waits for what it has counted."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def query(self, kpi: str, *arguments: str) -> list[dict[str, Any]]:
        """Return the rows of ``kpi query``."""
        done = subprocess.run(
            self._command("query", kpi, "--format", "json", *arguments),
            capture_output=True, env=self._env, cwd=self._directory, check=False, timeout=60,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(done.stderr.decode() + self.log_path.read_text())
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def until(self, kpi: str, value: object, *arguments: str) -> None:
        """Wait until a KPI's only row has a value.

        Raises:
            AssertionError: it has another at the deadline.
        """
        deadline = time.monotonic() + DEADLINE_S
        while True:
            rows = self.query(kpi, *arguments)
            if [row["value"] for row in rows] == [value]:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{kpi}: {rows}, not {value}; {self.log_path.read_text()}")
            time.sleep(0.5)

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "streams.cli.main", *arguments]
