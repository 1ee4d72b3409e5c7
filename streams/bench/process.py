"""What a process has cost so far: processor time and memory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """Processor seconds since the process began, and its resident memory (bytes)."""

    cpu_s: float
    rss_bytes: int


def usage(pid: int) -> Usage | None:
    """Return a process's usage; None once it is gone."""
    proc = Path(f"/proc/{pid}")
    try:
        if not Path("/proc/self/stat").exists():
            return _from_ps(pid)
        # The name (second field) may hold spaces: count from behind its bracket.
        fields = (proc / "stat").read_text().rpartition(") ")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        pages = int((proc / "statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def _from_ps(pid: int) -> Usage | None:
    """Ask ``ps``, where there is no /proc (macOS)."""
    done = subprocess.run(  # noqa: S603
        ["ps", "-o", "time=,rss=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    time_text, _, rss_kib = done.stdout.strip().partition(" ")
    if done.returncode or not rss_kib:
        return None
    seconds = 0.0
    for part in time_text.replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return Usage(seconds, int(rss_kib) * 1024)
