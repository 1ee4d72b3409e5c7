"""Starting a worker: nothing happens at import, and what is missing is told at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from streams.embedded.ports import free_port
from streams.settings import Settings
from streams.topics import create_topics

if TYPE_CHECKING:
    from streams.embedded.servers import Addresses


def run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command with settings in its environment."""
    environment = {**os.environ, **{f"KPI_{name.upper()}": v for name, v in settings.items()}}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def kpi_worker(**settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``kpi worker``."""
    return run(sys.executable, "-m", "streams.cli.main", "worker", **settings)


def test_import_reads_no_settings() -> None:
    """Unusable settings are no matter until the app is asked for."""
    done = run(sys.executable, "-c", "import streams.worker.app", partitions="none")  # BAD!
    assert (done.returncode, done.stderr) == (0, "")


def test_faust_finds_an_agent_for_every_event_topic() -> None:
    """Faust's own command line works on the module."""
    faust = [sys.executable, "-m", "faust", "-A", "streams.worker.app", "agents"]
    done = run(*faust, namespace="other")
    assert done.returncode == 0, done.stderr
    for topic in ("visitor", "ads", "support", "leads", "business"):
        assert f"other.tracking.{topic}" in done.stdout


@pytest.mark.servers
def test_missing_service_is_named_and_exits_3(servers: Addresses) -> None:
    """The broker, its topics, Redis: in this order, each with what to do."""
    nowhere = f"127.0.0.1:{free_port()}"
    namespace = f"start{os.getpid()}"
    done = kpi_worker(broker=nowhere, redis_url=servers.redis_url)
    assert done.returncode == 3
    assert nowhere in done.stderr
    done = kpi_worker(broker=servers.broker, redis_url=servers.redis_url, namespace=namespace)
    assert done.returncode == 3
    assert "kpi topics create" in done.stderr
    create_topics(Settings(broker=servers.broker, namespace=namespace))
    done = kpi_worker(broker=servers.broker, redis_url=f"redis://{nowhere}", namespace=namespace)
    assert done.returncode == 3
    assert nowhere in done.stderr
