"""Panes and rungs: half-open buckets of event time, [start, start + size), in milliseconds.

::

    10s |--|--|--|--|--|--|      kept 3 h     windows up to 15 m slide by 10 s
    1m  |-----------------|      kept 9 d     windows up to 24 h slide by 1 m
    1h  |------ ... ------|      kept 200 d   windows up to 90 d slide by 1 h
    1d  |------ ... ------ ...   kept 3 y     calendar windows, cut in the catalogue's time zone
    all |------ ... ------ ...   for ever     one pane since the beginning, for levels

Every count is added at the base rung and rolled up: a pane of a coarser rung is the sum of the
base panes inside it. Local days always hold whole base panes: no zone is off by less than 10 s.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from processors.durations import parse_duration_ms

BASE_MS = 10_000
DAY_MS = 86_400_000
ALL = "all"
ALL_MS = 1 << 53  # longer than any time that is told: the one pane starts at 0


@dataclass(frozen=True)
class Rung:
    """One pane size of the ladder.

    ``size_ms`` of the day rung is nominal: local days have 23 or 25 hours twice a year.
    """

    name: str
    size_ms: int
    retention_ms: int


DEFAULT_RUNGS = (
    Rung("10s", BASE_MS, parse_duration_ms("3h")),
    Rung("1m", 60_000, parse_duration_ms("9d")),
    Rung("1h", 3_600_000, parse_duration_ms("200d")),
    Rung("1d", DAY_MS, parse_duration_ms("1096d")),
    Rung(ALL, ALL_MS, ALL_MS),
)


@dataclass
class LocalDays:
    """Boundaries of local days in a time zone, computed once a year of data and cached."""

    zone: ZoneInfo
    _years: dict[int, list[int]] = field(default_factory=dict)

    def start_of(self, ts_ms: int) -> int:
        """Return the start (ms since 1970 UTC) of the local day that holds ``ts_ms``."""
        year = datetime.fromtimestamp(ts_ms / 1000, self.zone).year
        starts = self._starts(year)
        return starts[bisect_right(starts, ts_ms) - 1]

    def midnight(self, day: date) -> int:
        """Return the first instant of a local day (ms since 1970 UTC)."""
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return int(local.astimezone(UTC).timestamp() * 1000)

    def local_date(self, ts_ms: int) -> date:
        """Return the local calendar date of an instant."""
        return datetime.fromtimestamp(ts_ms / 1000, self.zone).date()

    def _starts(self, year: int) -> list[int]:
        starts = self._years.get(year)
        if starts is None:
            first = date(year, 1, 1)
            days = (date(year + 1, 1, 1) - first).days
            starts = [self.midnight(first + timedelta(days=i)) for i in range(days + 1)]
            self._years[year] = starts
        return starts


@dataclass(frozen=True)
class Ladder:
    """The rungs in use and the time zone in which days are cut."""

    rungs: tuple[Rung, ...] = DEFAULT_RUNGS
    zone: str = "UTC"
    _days: LocalDays = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_days", LocalDays(ZoneInfo(self.zone)))

    @property
    def days(self) -> LocalDays:
        """Local day boundaries."""
        return self._days

    @property
    def retention_ms_max(self) -> int:
        """The age (ms) past which no rung keeps a pane of its time."""
        return max(rung.retention_ms for rung in self.rungs if rung.name != ALL)

    def rung(self, name: str) -> Rung:
        """Return a rung by name.

        Raises:
            KeyError: no such rung.
        """
        for rung in self.rungs:
            if rung.name == name:
                return rung
        raise KeyError(name)

    def pane_start(self, rung: Rung, ts_ms: int) -> int:
        """Return the start of the rung's pane that holds ``ts_ms``."""
        if rung.size_ms == DAY_MS:
            return self._days.start_of(ts_ms)
        return ts_ms - ts_ms % rung.size_ms

    def pane_end(self, rung: Rung, start_ms: int) -> int:
        """Return the end (exclusive) of the pane that starts at ``start_ms``."""
        if rung.size_ms == DAY_MS:
            return self._days.midnight(self._days.local_date(start_ms) + timedelta(days=1))
        return start_ms + rung.size_ms

    def without_expiry(self) -> Ladder:
        """Return the same ladder with every pane kept for 200 years (verification, backfill)."""
        forever = 200 * 366 * DAY_MS
        rungs = (Rung(r.name, r.size_ms, max(forever, r.retention_ms)) for r in self.rungs)
        return Ladder(tuple(rungs), self.zone)


Panes = Mapping[int, Mapping[str, "int | frozenset[int]"]]
