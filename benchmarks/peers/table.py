"""What is printed: a row a contender, each figure the difference of its longer and shorter log.

A difference leaves out what every process spends once: imports, a virtual machine's start, the
group's first join, and the wait for the last commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.peers.measure import Run


@dataclass
class Row:
    """A contender's figures, one of each a round.

    Attributes:
        failure: why there are none.
        missing: whether it could not be installed here.
        start_s: what is left of the shorter run at the measured rate: start and last commit.
    """

    name: str
    version: str = ""
    failure: str = ""
    missing: bool = False
    events_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    broker_us: list[float] = field(default_factory=list)
    redis_us: list[float] = field(default_factory=list)
    start_s: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)

    def add(self, short: Run, long: Run) -> None:
        """Add a round."""
        events = long.events - short.events
        seconds = max(long.seconds - short.seconds, 1e-3)
        self.events_s.append(events / seconds)
        self.cpu_us.append(1e6 * (long.cpu_s - short.cpu_s) / events)
        self.broker_us.append(1e6 * (long.broker_cpu_s - short.broker_cpu_s) / events)
        self.redis_us.append(1e6 * (long.redis_cpu_s - short.redis_cpu_s) / events)
        self.start_s.append(short.seconds - short.events / self.events_s[-1])
        self.peak_mib.append(long.peak_bytes / 2**20)


def print_rows(machine: dict[str, Any], rows: list[Row], first: str) -> None:
    """Print the machine and a table; ratios are to the contender named ``first``."""
    print(
        f"{machine['processor']}, {machine['cores']} cores (2 used), {machine['memory_gib']} GiB,"
        f" {machine['system']}, Python {machine['python']};"
        f" load {machine['load_before']:.1f} before, {machine['load_after']:.1f} after"
    )
    print()
    head = ("contender", "version", "events/s", "ours is", "CPU us/event", "ours is",
            "Redis us", "broker us", "memory MiB", "start s", "rounds, events/s")  # fmt: skip
    ours = next((row for row in rows if row.name == first and row.events_s), None)
    lines = [head, tuple("---" for _ in head)]
    lines += [_line(row, ours) for row in rows if row.events_s and not row.failure]
    for line in lines:
        print("| " + " | ".join(line) + " |")
    for row in rows:
        if row.failure:
            what = "cannot run here" if row.missing else "FAILED"
            print(f"\n{row.name} {row.version}: {what}: {row.failure}")


def _line(row: Row, ours: Row | None) -> tuple[str, ...]:
    rate, cpu = median(row.events_s), median(row.cpu_us)
    whole = cpu + median(row.redis_us)
    times = cost = ""
    if ours is not None and ours is not row:
        times = f"{median(ours.events_s) / rate:,.1f}x"
        cost = f"{whole / (median(ours.cpu_us) + median(ours.redis_us)):,.1f}x"
    return (
        row.name,
        row.version,
        f"{rate:,.0f}",
        times,
        f"{cpu:.2f}",
        cost,
        f"{median(row.redis_us):.2f}",
        f"{median(row.broker_us):.2f}",
        f"{median(row.peak_mib):,.0f}",
        f"{median(row.start_s):.1f}",
        " / ".join(f"{rate:,.0f}" for rate in row.events_s),
    )
