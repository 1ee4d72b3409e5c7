"""Worker processes as a supervisor runs them: what ends by itself is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streams.settings import Settings

ROOT: Final = Path(__file__).parents[2]
RESTART_S: Final = 0.2
END_TIMEOUT_S: Final = 30.0


class Hand:
    """One place of a worker: a process, and its successor whenever it ends.

    Args:
        module: that runs as ``kpi``.
        command: of ``kpi``.
        env: of the process.
        log: what all of them say.

    Attributes:
        ends: how each process of this place has ended.
    """

    def __init__(self, module: str, command: str, env: dict[str, str], log: Path) -> None:
        self._argv = [sys.executable, "-m", module, command]
        self._env, self.log = env, log
        self._dismissed = threading.Event()
        self.ends: list[int] = []
        self.process = self._spawn()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def kill(self) -> None:
        """SIGKILL; return once another process has taken its place."""
        victim = self.process
        victim.kill()
        while self.process is victim:
            time.sleep(RESTART_S / 10)

    def freeze(self) -> None:
        """SIGSTOP: it lives, but neither works nor answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def dismiss(self) -> int:
        """End the place with SIGTERM; return the exit code."""
        self._dismissed.set()
        self.process.terminate()
        try:
            return self.process.wait(END_TIMEOUT_S)
        finally:
            self.close()

    def close(self) -> None:
        """End the place at once."""
        self._dismissed.set()
        self.process.kill()
        self.process.wait()
        self._keeper.join()

    def said(self, text: str) -> bool:
        """Tell whether a line of the log holds a text."""
        return text in self.log.read_text(errors="replace")

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(self._argv, env=self._env, stdout=log, stderr=log)

    def _keep(self) -> None:
        while True:
            code = self.process.wait()
            if self._dismissed.is_set():
                return
            self.ends.append(code)
            time.sleep(RESTART_S)
            if self._dismissed.is_set():
                return
            self.process = self._spawn()


class Crew:
    """All workers of a case."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._settings, self._directory = settings, directory
        self.hands: list[Hand] = []
        self._hired = 0

    def hire(
        self, command: str = "worker", module: str = "streams.cli.main", **environment: str
    ) -> Hand:
        """Start one more worker, or another of the product's services."""
        self._hired += 1
        env = {**os.environ, **self._settings.environment(), "PYTHONPATH": str(ROOT), **environment}
        hand = Hand(module, command, env, self._directory / f"{command}-{self._hired}.log")
        self.hands.append(hand)
        return hand

    def dismiss(self, hand: Hand) -> int:
        """End one in order."""
        self.hands.remove(hand)
        return hand.dismiss()

    def close(self) -> None:
        """End all at once."""
        for hand in self.hands:
            hand.close()

    def logs(self) -> str:
        """Return the end of what all have said."""
        found = sorted(self._directory.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in found)
