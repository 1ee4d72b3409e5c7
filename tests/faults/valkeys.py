"""A Valkey that can be killed, rolled back, filled and promoted; on one port all the time."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import redis

from streams.embedded.binaries import valkey_binary
from streams.embedded.ports import LOOPBACK, free_port
from streams.embedded.probes import redis_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

START_TIMEOUT_S: Final = 20.0
DURABLE: Final = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")


class Valkey:
    """One server with its own directory.

    Args:
        directory: gets data and log.
        options: of the command line.
    """

    def __init__(self, directory: Path, options: Sequence[str] = DURABLE) -> None:
        self.directory, self._options = directory, options
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """The setting's value."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, on what is in the directory, and wait until it has loaded that."""
        with (self.directory / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(valkey_binary()), "--bind", LOOPBACK, "--port", str(self.port)),
                    *("--dir", str(self.directory), "--maxmemory-policy", "noeviction"),
                    *self._options,
                ],
                stdout=log,
                stderr=log,
                restore_signals=False,  # SIGXFSZ stays ignored: a full disk is an error to it
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not redis_answers(LOOPBACK, self.port):
            assert self._process.poll() is None, (self.directory / "valkey.log").read_text()[-500:]
            assert time.monotonic() < deadline, "Valkey does not come up"
            time.sleep(0.02)

    def stop(self) -> None:
        """End in order: what is in memory goes to disk."""
        self._end("terminate")

    def kill(self) -> None:
        """End at once."""
        self._end("kill")

    def call(self, *command: Any) -> Any:
        """Send one command."""
        with redis.Redis(port=self.port) as client:
            return client.execute_command(*command)  # type: ignore[no-untyped-call]

    def copy_to(self, copy: Path) -> None:
        """Copy the data as it is on disk."""
        shutil.copytree(self.directory / "appendonlydir", copy)

    def put_back(self, copy: Path) -> None:
        """Replace the data by a copy; the server must not run."""
        assert self._process is None
        shutil.rmtree(self.directory / "appendonlydir")
        shutil.copytree(copy, self.directory / "appendonlydir")

    def _end(self, how: str) -> None:
        process, self._process = self._process, None
        if process is not None:
            getattr(process, how)()
            process.wait()
