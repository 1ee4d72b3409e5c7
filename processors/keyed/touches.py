"""Touches of a visitor: clicks, and the beginnings of visits that campaigns brought."""

from __future__ import annotations

import msgspec

from processors.keyed.base import NEVER_MS
from processors.keyed.marks import at


class Touch(msgspec.Struct, array_like=True, order=True, gc=False):
    """A click, or a visit's first event.

    ``converted_ms`` is when the first purchase was that is owed to it; ``settled`` tells that this
    can never change.
    """

    ts: int
    offset: int
    click: bool
    dimensions: tuple[str | None, ...]
    converted_ms: int | None = None
    settled: bool = False


class Run(msgspec.Struct, array_like=True, gc=False):
    """Events of one campaign without a gap: the first one, and whether that is a click."""

    group: str
    ts: int
    offset: int
    end_ms: int
    click: bool


class TouchState(msgspec.Struct, array_like=True):
    """Touches by (ts, offset), and the runs that a late event can still touch."""

    key: str
    touches: list[Touch] = []
    runs: list[Run] = []
    due_ms: int = NEVER_MS

    def is_last(self, ts: int) -> bool:
        """Tell whether no event of a run, and so no touch, is later than a time."""
        return all(run.end_ms <= ts for run in self.runs)

    def goes_on(self, group: str, ts: int, gap_ms: int) -> bool:
        """Extend the group's run where an event simply goes on with it; tell whether it did."""
        for run in reversed(self.runs):
            if run.group == group:
                if run.end_ms <= ts < run.end_ms + gap_ms:
                    run.end_ms = ts
                    return True
                return False
        return False

    def joined(self, group: str, fresh: Run, gap_ms: int) -> tuple[set[tuple[int, int]], bool]:
        """Put an event, given as a run of its own, into the runs of its group.

        Returns:
            Where visits are that are no touches any more; and whether the event begins its run.
        """
        gone: set[tuple[int, int]] = set()
        apart = []
        first, ts, click = at(fresh), fresh.ts, fresh.click
        begun: list[tuple[tuple[int, int], bool]] = [(first, click)]
        for run in self.runs:
            if run.group == group and run.ts - gap_ms < ts < run.end_ms + gap_ms:
                begun.append(((run.ts, run.offset), run.click))
                fresh.end_ms = max(fresh.end_ms, run.end_ms)
            else:
                apart.append(run)
        (fresh.ts, fresh.offset), fresh.click = min(begun)
        for where, was_click in begun[1:]:
            if not was_click and where != (fresh.ts, fresh.offset):
                gone.add(where)
        self.runs = sorted([*apart, fresh], key=lambda run: (run.end_ms, run.ts, run.offset))
        return gone, (fresh.ts, fresh.offset) == first

    def forget(self, before_ms: int, *, gap_ms: int, lookback_ms: int) -> None:
        """Drop what events from a time on can neither join nor be owed to."""
        self.runs = [run for run in self.runs if run.end_ms + gap_ms > before_ms]
        self.touches = [touch for touch in self.touches if touch.ts + lookback_ms >= before_ms]
