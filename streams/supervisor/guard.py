"""Runs one command so that it cannot outlive its supervisor, not even a SIGKILLed one.

Started as a script by :mod:`streams.supervisor.child`: ``guard.py SUPERVISOR_PID COMMAND...``. It
imports nothing of ours and runs isolated, so that a child starts in milliseconds.

Linux: the kernel kills the process when the supervisor's thread that started it ends
(PR_SET_PDEATHSIG, kept across exec), so the guard becomes the command. Elsewhere: the guard stays
as the command's parent and watches its own.
"""

from __future__ import annotations

import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL_S = 0.2
GONE = 70  # exit code where the supervisor ended before the command started


def main(argv: list[str]) -> int:
    """Become, or watch over, the command."""
    supervisor, command = int(argv[1]), argv[2:]
    if sys.platform == "linux" and os.environ.get("KPI_GUARD") != "watch":
        _die_with_parent()
        if os.getppid() != supervisor:  # it ended before the kernel was told
            return GONE
        os.execv(command[0], command)  # noqa: S606  # argv comes from the supervisor, no shell
    return _watch(supervisor, command)


def _die_with_parent() -> None:
    import ctypes  # noqa: PLC0415  # not needed elsewhere, and slow to import

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def _watch(supervisor: int, command: list[str]) -> int:
    """Run the command; kill the whole process group when the supervisor is gone."""
    child = os.fork()
    if child == 0:
        os.execv(command[0], command)  # noqa: S606  # as above
    # The supervisor signals the process group: the command decides when it ends, not the guard.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if os.getppid() != supervisor:
            os.killpg(0, signal.SIGKILL)
        time.sleep(WATCH_INTERVAL_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
