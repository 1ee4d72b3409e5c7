"""The exporter as a process: starts, says why it cannot, and ends on SIGTERM."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from streams.embedded.ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "streams.cli.main", "exporter", "--namespace", "processes")
TIMEOUT_S = 60


@pytest.fixture
def environment() -> dict[str, str]:
    """Return this process's environment without settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KPI_")}


@pytest.fixture
def serving(
    valkey: str, environment: dict[str, str], tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run an exporter on a free port; its process and URL."""
    process = subprocess.Popen(
        [*COMMAND, "--redis-url", valkey, "--exporter-port", "0"],
        env=environment | {"PYTHONPATH": str(Path.cwd())},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"serving on (http://\S+)", line):
                yield process, found[1]
                break
        else:
            pytest.fail("it never served")
    finally:
        process.kill()
        process.wait()


def refused(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run an exporter that cannot start, and return its exit code and what it said."""
    ended = subprocess.run(
        [*COMMAND, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_signals_end_it_cleanly(serving: tuple[subprocess.Popen[str], str], name: str) -> None:
    """It serves until the signal, then ends with 0 and no traceback, streams open or not."""
    process, url = serving
    with urlopen(f"{url}/healthz", timeout=TIMEOUT_S) as response:  # noqa: S310  # loopback
        assert response.read() == b"ok\n"
    with urlopen(f"{url}/api/v1/stream", timeout=TIMEOUT_S) as stream:  # noqa: S310
        assert stream.readline() == b"event: kpis\n"
        process.send_signal(signal.Signals[name])
        _, said = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_unreachable_redis_is_one_line(environment: dict[str, str]) -> None:
    """Without Redis it ends at once with 3 and one line that names the address."""
    address = f"{LOOPBACK}:{free_port()}"
    code, said = refused(environment, "--redis-url", f"redis://{address}/0", "--exporter-port", "0")
    assert code == 3
    assert len(said.splitlines()) == 1
    assert address in said


def test_network_without_a_token_is_refused(environment: dict[str, str]) -> None:
    """Beyond loopback it does not start without a token: 2, and how to give one."""
    code, said = refused(environment, "--exporter-host", "0.0.0.0")  # noqa: S104
    assert code == 2
    assert "KPI_EXPORTER_TOKEN_FILE" in said


def test_taken_port_is_one_line(valkey: str, environment: dict[str, str]) -> None:
    """A port in use ends it with 3 and the port."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(environment, "--redis-url", valkey, "--exporter-port", str(port))
    assert code == 3
    assert len(said.splitlines()) == 1
    assert f"{LOOPBACK}:{port}" in said
