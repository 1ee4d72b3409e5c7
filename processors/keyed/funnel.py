"""Funnels: how many steps of an ordered list one session reached.

::

    page_view   add_to_cart   page_view   purchase   checkout_started   purchase
    step 1      step 2        -           too soon   step 3             step 4

A step is reached by the first event of its type at or after the step before, by (ts, offset). What
a later event can never change is not kept: once a step is reached, only an earlier time for it
could matter, and that makes everything after it possible that was possible before.
"""

from __future__ import annotations

import msgspec


class StepMark(msgspec.Struct, array_like=True, order=True, gc=False):
    """One event of a step's type; ``step`` counts from 0."""

    ts: int
    offset: int
    step: int


class Funnel(msgspec.Struct, array_like=True, gc=False):
    """How far a session came, and the events by which late ones can move that.

    ``settled`` steps were reached before anything that can still arrive.
    """

    reached: int = 0
    settled: int = 0
    marks: list[StepMark] = []

    def add(self, mark: StepMark) -> None:
        """Take one event into account."""
        if self.marks and mark < self.marks[-1]:
            self.marks = sorted([*self.marks, mark])
            self._work_out()
        elif mark.step >= self.reached:  # it comes after everything that is known: nothing moves
            self.marks.append(mark)
            self.reached += mark.step == self.reached

    def absorb(self, other: Funnel) -> None:
        """Take another session's events into account: the two were one."""
        self.settled = max(self.settled, other.settled)
        self.marks = sorted([*self.marks, *other.marks])
        self._work_out()

    def settle(self, before_ms: int) -> None:
        """Forget the events before a time; none will ever come before it any more."""
        if self.marks and self.marks[0].ts < before_ms:
            late = [mark for mark in self.marks if mark.ts >= before_ms]
            early = Funnel(settled=self.settled, marks=[m for m in self.marks if m not in late])
            early._work_out()
            self.settled, self.marks = early.reached, late

    def _work_out(self) -> None:
        self.reached = self.settled
        kept = []
        for mark in self.marks:
            if mark.step < self.reached:
                continue
            kept.append(mark)
            if mark.step == self.reached:
                self.reached += 1
        self.marks = kept
