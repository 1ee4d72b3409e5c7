"""What a load needs, from the costs of one event, one commit, one cell and one series.

::

    cores of workers = events/s * (pipeline_us + transport_us) / 1e6 / BUSY
    partitions       = workers * PARTITIONS_A_WORKER, spread evenly
    Redis cores      = partitions * commits/s * commit(cells) / 1e6 / BUSY_REDIS
    commit(cells)    = fixed_us + cells * cell_us
    Redis bytes      = cells kept * cell_bytes + states * state_bytes
    series           = sum over KPIs, sets, windows of min(values, values_max) * samples
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BUSY: Final = 0.7  # what a worker may be busy: the rest catches up after a restart
BUSY_REDIS: Final = 0.5  # a script holds up everybody else
PARTITIONS_A_WORKER: Final = 2


@dataclass(frozen=True)
class Line:
    """A straight line through measured points, by least squares."""

    fixed: float
    slope: float

    def at(self, x: float) -> float:
        """Return what the line says."""
        return self.fixed + self.slope * x

    def worst(self, points: Sequence[tuple[float, float]]) -> float:
        """Return the largest deviation from a point, as a share of the largest measured value."""
        scale = max(y for _, y in points)
        return max(abs(self.at(x) - y) for x, y in points) / scale


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """Fit a line.

    Raises:
        ValueError: all points have the same x.
    """
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread == 0:
        raise ValueError("no line goes through points of one x")
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return Line(mean_y - slope * mean_x, slope)


@dataclass(frozen=True)
class Need:
    """What a load needs of Kafka and of workers."""

    workers: int
    partitions: int

    def redis_busy(self, commit_us: float, commits_s: float) -> float:
        """Return how many cores of Redis are busy.

        Args:
            commit_us: of one partition's commit.
            commits_s: of one partition.
        """
        return self.partitions * commits_s * commit_us / 1e6


def need(events_s: float, event_us: float) -> Need:
    """Return what a load needs.

    Args:
        events_s: of all topics.
        event_us: of a worker's processor, an event: transport, pipeline and commit.
    """
    workers = ceil(events_s * event_us / 1e6 / BUSY)
    return Need(workers, workers * PARTITIONS_A_WORKER)


def shards(redis_busy: float) -> int:
    """Return how many primaries so many busy cores need: one runs scripts on one core."""
    return max(1, ceil(redis_busy / BUSY_REDIS))
