"""Laws of ``kpi demo``, run whole: real broker, Valkey, worker, exporter and traffic."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
LIVE = "Ctrl-C ends everything"  # the status line of live traffic
DEADLINE_S = 120.0
COMMAND = [sys.executable, "-m", "streams.cli.main", "demo"]
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc"),
]


def alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Demo:
    """A running demo."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "--port", "0", "--rate", "1", *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def text(self) -> str:
        """Return the output so far."""
        return self.log.read_text()

    def children(self) -> dict[str, int]:
        """Return its children: a word of the command line -> process id."""
        pid = self.process.pid
        words = ("tansu", "valkey", "worker", "exporter")
        found = {}
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found.update({word: int(child) for word in words if word in command})
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Return a function that starts a demo."""
    started: list[Demo] = []

    def start(*arguments: str) -> Demo:
        started.append(Demo(tmp_path / "demo.log", *arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()  # only where the test has failed: its children end with it
        each.process.wait()


def test_it_ends_by_itself_with_figures_shown(
    demo: Callable[..., Demo], eventually: Callable[..., None], tmp_path: Path
) -> None:
    """--seconds: exit code 0, KPIs and a second terminal's settings shown, no process left."""
    own = tmp_path / "my kpis"
    own.mkdir()
    (own / "own.yaml").write_text("metrics: {page_views: {target: 1}}\n")
    run = demo("--seconds", "5", "--catalog-dir", str(own))
    eventually(lambda: LIVE in run.text(), DEADLINE_S)
    children = run.children()
    assert set(children) == {"tansu", "valkey", "worker", "exporter"}
    assert run.process.wait(DEADLINE_S) == 0, run.text()
    for shown in ("/api/v1/kpis", "conversion rate: 5m", "click through rate: 5m"):
        assert shown in run.text()
    assert f"export KPI_CATALOG_DIR='{own}'" in run.text()
    assert not any(map(alive, children.values()))


def test_a_signal_ends_it_early_too(
    demo: Callable[..., Demo], eventually: Callable[..., None]
) -> None:
    """SIGTERM while history is being published: exit code 0, no process left."""
    run = demo()
    eventually(lambda: "publishing" in run.text(), DEADLINE_S)
    children = run.children()
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(DEADLINE_S) == 0, run.text()
    assert not any(map(alive, children.values()))


def test_a_killed_worker_is_started_again_and_ctrl_c_ends_all(
    demo: Callable[..., Demo], eventually: Callable[..., None]
) -> None:
    """The demo goes on with another worker process; SIGINT: exit code 0, no process left."""
    run = demo()
    eventually(lambda: LIVE in run.text(), DEADLINE_S)
    old = run.children()["worker"]
    os.kill(old, signal.SIGKILL)
    eventually(lambda: run.children().get("worker", old) != old, DEADLINE_S)
    assert "the worker was ended by signal 9; starting it again" in run.text()
    children = run.children()
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(DEADLINE_S) == 0, run.text()
    assert not any(map(alive, children.values()))


def test_a_dead_broker_ends_it_with_one_clear_line(
    demo: Callable[..., Demo], eventually: Callable[..., None]
) -> None:
    """Exit code 3, the server named, no traceback, no process left."""
    run = demo()
    eventually(lambda: LIVE in run.text(), DEADLINE_S)
    children = run.children()
    os.kill(children["tansu"], signal.SIGKILL)
    assert run.process.wait(DEADLINE_S) == 3, run.text()
    assert "kpi: the embedded broker was ended by signal 9\n" in run.text()
    assert "Traceback" not in run.text()
    assert not any(map(alive, children.values()))


def test_a_killed_demo_leaves_nothing(
    demo: Callable[..., Demo], eventually: Callable[..., None]
) -> None:
    """SIGKILL of the demo itself: its children end with it."""
    run = demo()
    eventually(lambda: LIVE in run.text(), DEADLINE_S)
    children = run.children()
    assert len(children) == 4
    run.process.kill()
    run.process.wait(DEADLINE_S)
    eventually(lambda: not any(map(alive, children.values())), what="its children are gone")


def test_a_port_in_use_is_refused_at_once() -> None:
    """Exit code 2 and one line that names port and flag, before anything is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert port in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize("arguments", [["--rate", "0"], ["--rate", "1e9"], ["--seconds", "nan"]])
def test_unusable_numbers_are_usage(arguments: list[str], tmp_path: Path) -> None:
    """Exit code 2."""
    run = Demo(tmp_path / "log", *arguments)
    assert run.process.wait(DEADLINE_S) == 2
    assert run.text().startswith("kpi: --")
