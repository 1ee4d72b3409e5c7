"""What is printed: a row a contender, each figure the difference of its longer and shorter log.

A difference leaves out what every process spends once: imports, a virtual machine's start, the
group's first join, and the wait for the last commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan, nan
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from benchmarks.peers.measure import Run


SECONDS_MIN: Final = 1.0


@dataclass
class Row:
    """A contender's figures, one of each a round.

    Attributes:
        failure: why there are none.
        missing: whether it could not be installed here.
        short_s: of the whole shorter run.
    """

    name: str
    version: str = ""
    failure: str = ""
    missing: bool = False
    events_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    broker_us: list[float] = field(default_factory=list)
    redis_us: list[float] = field(default_factory=list)
    short_s: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)

    def add(self, short: Run, long: Run) -> None:
        """Add a round."""
        events = long.events - short.events
        seconds = long.seconds - short.seconds
        # On a busy machine the starts may differ by more than the logs: then no rate can be told.
        self.events_s.append(events / seconds if seconds > SECONDS_MIN else nan)
        self.cpu_us.append(1e6 * (long.cpu_s - short.cpu_s) / events)
        self.broker_us.append(1e6 * (long.broker_cpu_s - short.broker_cpu_s) / events)
        self.redis_us.append(1e6 * (long.redis_cpu_s - short.redis_cpu_s) / events)
        self.short_s.append(short.seconds)
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
            "Redis us", "broker us", "memory MiB", "short run s", "rounds, events/s")  # fmt: skip
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
    rate, cpu = _rate(row), median(row.cpu_us)
    whole = cpu + median(row.redis_us)
    times = cost = ""
    if ours is not None and ours is not row:
        times = f"{_rate(ours) / rate:,.1f}x" if rate > 0 else ""
        cost = f"{whole / (median(ours.cpu_us) + median(ours.redis_us)):,.1f}x"
    return (
        row.name,
        row.version,
        _shown(rate),
        times,
        f"{cpu:.2f}",
        cost,
        f"{median(row.redis_us):.2f}",
        f"{median(row.broker_us):.2f}",
        f"{median(row.peak_mib):,.0f}",
        f"{median(row.short_s):.1f}",
        " / ".join(_shown(found) for found in row.events_s),
    )


def _rate(row: Row) -> float:
    return median([rate for rate in row.events_s if not isnan(rate)] or [nan])


def _shown(rate: float) -> str:
    return "-" if isnan(rate) else f"{rate:,.0f}"
