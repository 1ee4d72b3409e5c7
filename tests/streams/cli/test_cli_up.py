"""Laws of ``kpi up``, run whole."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams.launch import answers

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
DEADLINE_S = 120.0


@pytest.mark.servers
def test_up_embedded_serves_until_sigterm(tmp_path: Path, eventually: Callable[..., None]) -> None:
    """Topics are created, metrics are served, SIGTERM ends all with 0, and the limits are told."""
    log = tmp_path / "log"
    with log.open("wb") as output:
        up = subprocess.Popen(
            [sys.executable, "-m", "streams.cli.main", "up", "--embedded", "--exporter-port", "0"],
            cwd=ROOT,
            stderr=output,
        )
    try:
        eventually(lambda: "KPIs on http" in log.read_text(), DEADLINE_S)
        url = re.findall(r"KPIs on (http://\S+)", log.read_text())[0]
        assert answers(f"{url}/healthz")
        assert "created topic tracking.visitor with 4 partitions" in log.read_text()
        assert "never trims" in log.read_text()
        up.send_signal(signal.SIGTERM)
        assert up.wait(DEADLINE_S) == 0, log.read_text()
    finally:
        up.kill()
        up.wait()
    assert "Traceback" not in log.read_text()


def test_up_without_a_broker_is_3() -> None:
    """One line that names the broker; nothing stays behind."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "up", "--exporter-port", "0"],
        cwd=ROOT,
        env={**os.environ, "KPI_BROKER": "127.0.0.1:1", "KPI_REDIS_URL": "redis://127.0.0.1:1/0"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("kpi: broker: 127.0.0.1:1: ")
