"""Windows: where they start and end, and which panes they are read from.

::

    time          |····|····|····|····|··w·|··n·|        w: watermark, n: now
    final         |-------------------|                  ends at the last pane before w
    live                    |-------------------|        ends with the pane that holds n

Ends lie between panes of the rung by which the window slides. Calendar windows move by whole local
days: ``month_to_date`` ending at a midnight runs from the first of the month that holds the day
before; on the first of a month its final value is therefore the whole month before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from processors.catalog.requirements import window_rungs
from processors.ladder import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from processors.catalog.model import Window
    from processors.ladder import Ladder, Rung


class Run(NamedTuple):
    """Neighbouring panes of one rung: those that start in [start, end)."""

    rung: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Span:
    """What a row says about the time it stands for.

    Attributes:
        provisional: the window's end is past the watermark: events in order can still change it.
        watermark_ms: of the slowest partition that is read, None where none is known; what matures
            after the window's end is provisional until it has passed that too.
        complete: every pane of the window was counted since before the window began.
    """

    start_ms: int
    end_ms: int
    provisional: bool = False
    complete: bool = True
    watermark_ms: int | None = None


def live_end(window: Window, now_ms: int, ladder: Ladder) -> int:
    """Return the end of the window whose last pane holds ``now_ms``."""
    rung = ladder.rung(window.rung)
    return ladder.pane_end(rung, ladder.pane_start(rung, now_ms))


def final_end(window: Window, watermark_ms: int, ladder: Ladder) -> int:
    """Return the last end at or before the watermark."""
    return ladder.pane_start(ladder.rung(window.rung), watermark_ms)


def window_start(window: Window, end_ms: int, ladder: Ladder) -> int:
    """Return the start of the window that ends at ``end_ms``."""
    if not window.calendar:
        return end_ms - window.size_ms
    return ladder.days.midnight(_period_start(window, ladder.days.local_date(end_ms - 1)))


def previous_span(window: Window, end_ms: int, ladder: Ladder) -> tuple[int, int]:
    """Return (start, end) of the window just before, which a change is measured against.

    A calendar window is held against as many days of the period before, where that has them.
    """
    start_ms = window_start(window, end_ms, ladder)
    if not window.calendar:
        return start_ms - window.size_ms, start_ms
    days = ladder.days
    first = _period_start(window, days.local_date(start_ms - 1))
    elapsed = days.local_date(end_ms - 1) - days.local_date(start_ms) + timedelta(days=1)
    return days.midnight(first), min(days.midnight(first + elapsed), start_ms)


def ends(window: Window, after_ms: int, until_ms: int, ladder: Ladder) -> Iterator[int]:
    """Yield the window's grid: every end in (after_ms, until_ms]."""
    rung = ladder.rung(window.rung)
    end_ms = ladder.pane_start(rung, after_ms)
    while (end_ms := ladder.pane_end(rung, end_ms)) <= until_ms:
        yield end_ms


def cover(
    window: Window, end_ms: int, ladder: Ladder, rungs: Sequence[str] | None = None
) -> list[Run]:
    """Return the panes that make up the window that ends at ``end_ms``, in order of time.

    ::

        1d (1m, 1h)   1m|1m|    1h    |    1h    | ... |    1h    |1m|1m|1m
                      head        whole hours                     tail

    Args:
        window: what is read.
        end_ms: between two panes of the finest rung in use.
        ladder: pane sizes and local days.
        rungs: rungs that may be read; those that every measure of the window is stored in if None.

    Raises:
        ValueError: the window is not a whole number of panes of the finest rung.
    """
    names = window_rungs(window, ladder) if rungs is None else tuple(rungs)
    return cover_span(window_start(window, end_ms, ladder), end_ms, names, ladder)


def cover_span(start_ms: int, end_ms: int, rungs: Sequence[str], ladder: Ladder) -> list[Run]:
    """Return the panes that make up a span, in order of time.

    Raises:
        ValueError: the span is not a whole number of panes of the finest rung.
    """
    usable = sorted((ladder.rung(name) for name in rungs), key=lambda rung: -rung.size_ms)
    runs = _cover(start_ms, end_ms, usable, ladder)
    if runs is None:
        raise ValueError(
            f"the window [{start_ms}, {end_ms}) is not a whole number of panes of "
            f"{', '.join(rungs)}: panes would be counted in part"
        )
    return runs


def _cover(start_ms: int, end_ms: int, rungs: Sequence[Rung], ladder: Ladder) -> list[Run] | None:
    """Cover a span from coarse to fine; None where the finest rung's panes do not fit."""
    if start_ms >= end_ms:
        return []
    if not rungs:
        return None
    rung, finer = rungs[0], rungs[1:]
    first = ladder.pane_start(rung, start_ms)
    if first < start_ms:
        first = ladder.pane_end(rung, first)
    last = ladder.pane_start(rung, end_ms)
    if first < last:
        head = _cover(start_ms, first, finer, ladder)
        tail = _cover(last, end_ms, finer, ladder)
        if head is not None and tail is not None:
            return [*head, Run(rung.name, first, last), *tail]
    # A coarse pane may fit nowhere between finer ones: half-hour zones cut days across hours.
    return _cover(start_ms, end_ms, finer, ladder)


def _period_start(window: Window, day: date) -> date:
    match window.name:
        case "day_to_date":
            return day
        case "month_to_date":
            return day.replace(day=1)
        case "quarter_to_date":
            return date(day.year, day.month - (day.month - 1) % 3, 1)
    return date(day.year, 1, 1)


def pane_starts(run: Run, ladder: Ladder) -> Iterator[int]:
    """Yield the starts of a run's panes."""
    rung = ladder.rung(run.rung)
    if rung.size_ms != DAY_MS:
        yield from range(run.start_ms, run.end_ms, rung.size_ms)
        return
    start_ms = run.start_ms
    while start_ms < run.end_ms:
        yield start_ms
        start_ms = ladder.pane_end(rung, start_ms)
