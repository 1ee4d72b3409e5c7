"""One supervised process: its own process group, ended with its supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

from streams.supervisor import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from streams.supervisor.policy import RestartPolicy

_GUARD: Final = guard.__file__
_TAIL_BYTES: Final = 4_096


@dataclass(frozen=True)
class ChildSpec:
    """What to run and how it starts and ends.

    Attributes:
        name: what messages call it.
        argv: the command; the first element is a path.
        env: added to the supervisor's environment.
        restart: None where the child's death ends the whole tree.
        ready: tells whether the child serves; None: at once.
        stop_signal: what asks it to end; SIGKILL follows after ``stop_timeout_ms``.
        log_path: gets the output; None: the supervisor's own output.
        exit_code: the tree's exit code when this child's death ends it; None: the child's own.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    restart: RestartPolicy | None = None
    ready: Callable[[], bool] | None = None
    ready_timeout_ms: int = 30_000
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_ms: int = 10_000
    log_path: Path | None = None
    exit_code: int | None = None


class Child:
    """A running child. Must be started by a thread that lives as long as the supervisor."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self._process = self._spawn()

    @property
    def pid(self) -> int:
        """The process id, which is also its process group's."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return the exit code, None while it runs, negative where a signal ended it."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Signal the whole process group; a group that is gone is fine."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end and tell whether it came."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> str:
        """Return the last line of the log, empty where there is none."""
        path = self.spec.log_path
        if path is None or not path.exists():
            return ""
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-I", "-S", _GUARD, str(os.getpid()), *self.spec.argv)
        with contextlib.ExitStack() as stack:
            output: IO[bytes] | None = None
            if self.spec.log_path is not None:
                output = stack.enter_context(self.spec.log_path.open("ab"))
            return subprocess.Popen(  # noqa: S603  # argv is built by us, there is no shell
                command,
                env={**os.environ, **self.spec.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                process_group=0,
            )
