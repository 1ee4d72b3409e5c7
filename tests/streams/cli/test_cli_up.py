"""Laws of ``kpi up``, run whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from streams.launch import answers

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
DEADLINE_S = 120.0
UP = [
    *(sys.executable, "-m", "streams.cli.main", "up"),
    *("--exporter-port", "0", "--collector-port", "0"),
]


def ask(url: str, body: object = None) -> Any:
    """Return a page's JSON; a body is posted."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})  # noqa: S310  # as below
    with urlopen(request, timeout=DEADLINE_S) as answer:  # noqa: S310  # our own, always http
        return json.load(answer)


@pytest.mark.servers
def test_up_embedded_serves_until_sigterm(tmp_path: Path, eventually: Callable[..., None]) -> None:
    """Topics are made, an event posted is counted, SIGTERM ends all with 0, limits are told."""
    log = tmp_path / "log"
    with log.open("wb") as output:
        up = subprocess.Popen(
            [*UP, "--embedded"],
            cwd=ROOT,
            stderr=output,
        )
    try:
        eventually(lambda: "KPIs on http" in log.read_text(), DEADLINE_S)
        url = re.findall(r"KPIs on (http://[^\s,]+)", log.read_text())[0]
        assert answers(f"{url}/healthz")
        to = re.findall(r"events to (http://\S+)", log.read_text())[0]
        event = {"event_id": "1", "type": "page_view", "visitor_id": "v"}
        ask(to, [event | {"ts": time.time_ns() // 1_000_000}])
        counted = f"{url}/api/v1/kpis/page_views?by=total&window=5m"
        eventually(lambda: ask(counted)[0]["value"] == 1, DEADLINE_S, "the event is counted")
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
        UP,
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
