"""Laws of the supervised tree, with real child processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams.supervisor.child import ChildSpec
from streams.supervisor.policy import RestartPolicy
from streams.supervisor.tree import ChildFailedError, StopRequested, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
FAST = RestartPolicy(backoff_first_ms=10, backoff_max_ms=20, crashes_max=3)
SLEEPER = "import time\nwhile True: time.sleep(60)"


def python(name: str, code: str, **spec: object) -> ChildSpec:
    """Describe a child that runs Python code."""
    return ChildSpec(name, (sys.executable, "-c", textwrap.dedent(code)), **spec)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def quiet() -> Supervisor:
    """Return a supervisor that reports nothing and leaves pytest its signals."""
    return Supervisor(report=lambda _: None, handle_signals=False)


def test_leaving_ends_children_in_reverse_order(tmp_path: Path) -> None:
    """The last started ends first; each is asked, not killed."""
    code = """
        import signal, sys, time
        def end(*_):
            with open({log!r}, "a") as log: log.write({name!r} + " ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        open({ready!r}, "w").close()
        while True: time.sleep(60)
    """
    log = tmp_path / "order"
    with quiet() as supervisor:
        for name in ("broker", "redis", "worker"):
            ready = tmp_path / name
            text = code.format(log=str(log), name=name, ready=str(ready))
            supervisor.start(python(name, text, ready=ready.exists))
        pids = supervisor.pids()
    assert log.read_text().split() == ["worker", "redis", "broker"]
    assert not any(alive(pid) for pid in pids.values())


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    """SIGKILL follows at the child's deadline."""
    ready = tmp_path / "ready"
    code = f"""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(ready)!r}, "w").close()
        while True: time.sleep(60)
    """
    with quiet() as supervisor:
        supervisor.start(python("stubborn", code, ready=ready.exists, stop_timeout_ms=100))
        pid = supervisor.pids()["stubborn"]
    assert not alive(pid)


def test_a_crashed_worker_is_started_again(tmp_path: Path) -> None:
    """A non-zero exit restarts the child, and says so."""
    marker = tmp_path / "second"
    code = f"""
        import os, sys, time
        if not os.path.exists({str(marker)!r}):
            open({str(marker)!r}, "w").close()
            sys.exit("first run")
        time.sleep(60)
    """
    lines: list[str] = []
    with Supervisor(report=lines.append, handle_signals=False) as supervisor:
        supervisor.start(python("worker", code, restart=FAST, log_path=tmp_path / "log"))
        first = supervisor.pids()["worker"]
        for _ in range(200):
            supervisor.pause(0.05)
            if supervisor.pids().get("worker", first) != first:
                break
        assert alive(supervisor.pids()["worker"])
    assert lines == ["worker ended with exit code 1: first run; starting it again in 10 ms"]


def test_a_worker_that_keeps_crashing_is_given_up(tmp_path: Path) -> None:
    """After the policy's crashes the tree ends with the worker's exit code and its last words."""
    code = "import sys; print('kpi: away'); sys.exit(3)"
    with quiet() as supervisor:
        supervisor.start(python("worker", code, restart=FAST, log_path=tmp_path / "log"))
        with pytest.raises(ChildFailedError, match=r"kpi: away.*given up after 3") as caught:
            supervisor.pause(20)
    assert caught.value.exit_code == 3


def test_a_worker_that_refuses_its_settings_is_not_started_again(tmp_path: Path) -> None:
    """Exit code 2 ends the tree at once, with 2."""
    with quiet() as supervisor:
        supervisor.start(python("worker", "import sys; sys.exit(2)", restart=FAST))
        with pytest.raises(ChildFailedError, match="exit code 2") as caught:
            supervisor.pause(20)
    assert caught.value.exit_code == 2


def test_a_worker_that_never_served_is_not_started_again(tmp_path: Path) -> None:
    """A failure before it was ever ready, for no outside reason, ends the tree at once."""
    code = "import sys; sys.exit('cannot import name')"
    spec = python("worker", code, restart=FAST, ready=lambda: False, log_path=tmp_path / "log")
    with quiet() as supervisor, pytest.raises(ChildFailedError) as caught:
        supervisor.start(spec)
    assert str(caught.value) == "worker ended with exit code 1: cannot import name"


def test_a_dead_server_ends_the_tree() -> None:
    """A child without a restart policy ends all, with its own exit code for the tree."""
    with quiet() as supervisor:
        supervisor.start(python("the worker", SLEEPER, restart=FAST))
        supervisor.start(python("the broker", SLEEPER, exit_code=3))
        pids = supervisor.pids()
        os.kill(pids["the broker"], signal.SIGKILL)
        with pytest.raises(ChildFailedError, match="the broker was ended by signal 9") as caught:
            supervisor.pause(20)
    assert caught.value.exit_code == 3
    assert not any(alive(pid) for pid in pids.values())


def test_a_child_that_never_gets_ready_is_ended() -> None:
    """start() fails at the deadline and leaves no process; others may be started afterwards."""
    with quiet() as supervisor:
        with pytest.raises(ChildFailedError, match="not ready after"):
            supervisor.start(python("slow", SLEEPER, ready=lambda: False, ready_timeout_ms=50))
        assert supervisor.pids() == {}
        supervisor.start(python("next", SLEEPER))


def test_a_request_to_stop_interrupts_waiting() -> None:
    """pause() raises as soon as the end is asked for."""
    with quiet() as supervisor:
        supervisor.start(python("child", SLEEPER))
        supervisor.request_stop()
        with pytest.raises(StopRequested):
            supervisor.pause(60)


TREE = """
import sys
from streams.supervisor.child import ChildSpec
from streams.supervisor.tree import StopRequested, Supervisor
try:
    with Supervisor(report=print) as supervisor:
        for name in ("a", "b"):
            supervisor.start(ChildSpec(name, (sys.executable, "-c", {code!r})))
        print(*supervisor.pids().values(), flush=True)
        supervisor.pause(60)
except StopRequested:
    sys.exit(0)
"""


def run_tree(code: str, **env: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Run a supervisor of two children in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", TREE.format(code=code)],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, [int(pid) for pid in process.stdout.readline().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_tree_with_exit_code_0(number: signal.Signals) -> None:
    """SIGINT, SIGTERM and SIGHUP leave no process behind."""
    process, pids = run_tree(SLEEPER)
    assert len(pids) == 2
    process.send_signal(number)
    assert process.wait(20) == 0
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("guard", ["kernel", "watch"])
def test_a_killed_supervisor_leaves_no_process(guard: str, eventually: Callable[..., None]) -> None:
    """SIGKILL of the supervisor ends its children, by the kernel or by the watching guard."""
    process, pids = run_tree(SLEEPER, KPI_GUARD=guard)
    assert len(pids) == 2
    assert all(alive(pid) for pid in pids)
    process.kill()
    process.wait(20)
    eventually(lambda: not any(alive(pid) for pid in pids), what="children are gone")
