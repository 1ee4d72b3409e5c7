"""Tickets: how long until the first answer of an agent, and until the solution that held.

::

    opened ----- customer ----- agent ----- agent ---- resolved -- reopened -- resolved
       |------ first response ----|                        |           |          |
       |------- due, unless it is answered before          |           |          |
       |--------------------------- time to resolution ---------------------------|
       +1 open                                            -1          +1         -1

A reopening takes the resolution before it back. Figures fall in the pane of the event that ends
them, with its dimensions, and the opening's where it has none. A ticket is due at its first answer
or, where that comes later or is still owed, at its deadline. What is open is counted with the
opening's dimensions, so that it comes back to nothing in each of them. A ticket waits until an
agent first replies to it, or resolves it without (processors/keyed/waiting.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import TicketOpened, TicketReopened, TicketReplied, TicketResolved
from processors.getters import field_getter
from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.keyed.marks import Mark, at, emit_difference, filled, first_possible, first_since
from processors.keyed.waiting import Wait

DIMENSIONS = ("priority", "team", "channel", "agent")


class Status(Mark, array_like=True, gc=False):
    """A resolution, or a reopening."""

    solved: bool = False


class TicketState(msgspec.Struct, array_like=True):
    """A ticket: its opening, the agent replies that may be the first, its statuses.

    ``seen_ms`` is the watermark up to which deadlines were concluded. ``waits`` and ``opens`` tell
    whether its waiting, and that it is open, were counted from the beginning; states from before
    there was ``opens`` were.
    """

    key: str
    opened: Mark | None = None
    replies: list[Mark] = []
    statuses: list[Status] = []
    seen_ms: int = 0
    drop_ms: int = 0
    due_ms: int = NEVER_MS
    waits: bool = False
    opens: bool = True


class TicketProcessor(Processor):
    """Keeps tickets by id.

    Args:
        retention_ms: how long a ticket is known after its last event, and how late events may be.
        sla_ms: within how long a first reply is owed.
        ages_ms: ages that waiting tickets are told apart by; none: nobody asks.
        counts_open: whether anybody asks which are open.
    """

    name: ClassVar[str] = "ticket"
    state_type: ClassVar[type] = TicketState
    types: ClassVar[tuple[str, ...]] = (
        "ticket_opened",
        "ticket_replied",
        "ticket_resolved",
        "ticket_reopened",
    )

    def __init__(
        self,
        *,
        retention_ms: int,
        sla_ms: int = 3_600_000,
        ages_ms: tuple[int, ...] = (),
        counts_open: bool = True,
    ) -> None:
        self.lateness_ms = retention_ms
        self._counts_open = counts_open
        self._ages_ms = ages_ms
        self._sla_ms = sla_ms
        self._dimensions = field_getter(TicketOpened, DIMENSIONS)

    def key(self, event: Any) -> str | None:
        """Return the ticket."""
        return event.ticket_id or None

    def new(self, key: str) -> TicketState:
        """Return a ticket of which nothing is known."""
        return TicketState(key, opens=self._counts_open)

    def take(self, state: TicketState, event: Any, offset: int, emit: Emit) -> None:
        """Add the event; emit the figures that it makes, moves or takes back."""
        # What began before anybody asked would only be counted as it ends: less than nothing.
        state.waits = bool(self._ages_ms) and (state.waits or state.opened is None)
        state.opens = self._counts_open and state.opens
        if not _says_nothing(state, event, offset):
            before = self._figures(state)
            self._note(state, event, offset)
            emit_difference(before, self._figures(state), emit)
        state.drop_ms = max(state.drop_ms, event.ts + self.lateness_ms)
        state.due_ms = self._due_ms(state)

    def _note(self, state: TicketState, event: Any, offset: int) -> None:
        """Keep what an event says; the opening may arrive after its replies."""
        kind = event.__class__
        dimensions = self._dimensions(event)
        if kind is TicketOpened:
            mark = Mark(event.ts, offset, dimensions)
            if state.opened is None or at(mark) < at(state.opened):
                state.opened = mark
        elif kind is TicketReplied:
            mark = Mark(event.ts, offset, dimensions)
            state.replies = first_possible([*state.replies, mark], state.opened)
        elif kind in (TicketResolved, TicketReopened):
            status = Status(event.ts, offset, dimensions, kind is TicketResolved)
            state.statuses = sorted([*state.statuses, status], key=at)

    def close(self, state: TicketState, watermark_ms: int, emit: Emit) -> bool:
        """Conclude a deadline that has passed; forget a ticket whose retention has."""
        state.waits = state.waits and bool(self._ages_ms)
        state.opens = state.opens and self._counts_open
        opened, seen_ms = state.opened, max(state.seen_ms, watermark_ms)
        if opened is None:
            state.seen_ms = seen_ms
        else:
            reply = first_since(state.replies, opened)
            before = self._timed(state, opened, reply)
            state.seen_ms = seen_ms
            emit_difference(before, self._timed(state, opened, reply), emit)
        state.due_ms = self._due_ms(state)
        return state.drop_ms > watermark_ms

    def _due_ms(self, state: TicketState) -> int:
        """Return when a deadline is missed, a class of age reached, or the ticket forgotten."""
        due_ms = state.drop_ms
        opened = state.opened
        if opened is not None:
            reply = first_since(state.replies, opened)
            if state.waits:
                moves_ms = self._wait(state, opened, reply).due_ms(self._ages_ms, state.seen_ms)
                due_ms = due_ms if moves_ms is None else min(due_ms, moves_ms)
            deadline_ms = opened.ts + self._sla_ms
            if deadline_ms > state.seen_ms and (reply is None or reply.ts > deadline_ms):
                return min(deadline_ms, due_ms)
        return due_ms

    def _wait(self, state: TicketState, opened: Mark, reply: Mark | None) -> Wait:
        until_ms = None if reply is None else reply.ts
        solved = first_since([status for status in state.statuses if status.solved], opened)
        if solved is not None and (until_ms is None or solved.ts < until_ms):
            until_ms = solved.ts
        return Wait(opened, until_ms, self.lateness_ms)

    def _figures(self, state: TicketState) -> list[facts.TicketFact]:
        """Return everything that is concluded so far."""
        opened = state.opened
        if opened is None:
            return []
        figures: list[facts.TicketFact] = [facts.TicketStarted(opened.ts, 1, *opened.dimensions)]
        reply = first_since(state.replies, opened)
        if reply is not None:
            figures.append(_figure(facts.TicketAnswered, reply, opened))
        last = state.statuses[-1] if state.statuses else None
        if last is not None and last.solved and last.ts >= opened.ts:
            figures.append(_figure(facts.TicketSolved, last, opened))
        if state.opens:
            figures += _openness(opened, state.statuses)
        figures += self._timed(state, opened, reply)
        return figures

    def _timed(
        self, state: TicketState, opened: Mark, reply: Mark | None
    ) -> list[facts.TicketFact]:
        """Return what hangs on the time that has passed: the promise, and the waiting."""
        figures = self._promised(state, opened, reply)
        if state.waits:
            wait = self._wait(state, opened, reply)
            figures += wait.facts(self._ages_ms, state.seen_ms)
        return figures

    def _promised(
        self, state: TicketState, opened: Mark, reply: Mark | None
    ) -> list[facts.TicketFact]:
        """Return the promise that fell due, and whether it was broken."""
        deadline_ms = opened.ts + self._sla_ms
        if reply is not None and reply.ts <= deadline_ms:
            return [facts.TicketDue(reply.ts, 1, *opened.dimensions)]
        if deadline_ms > state.seen_ms:
            return []
        return [
            facts.TicketDue(deadline_ms, 1, *opened.dimensions),
            facts.TicketBreached(deadline_ms, 1, *opened.dimensions),
        ]


def _says_nothing(state: TicketState, event: Any, offset: int) -> bool:
    """Tell whether an event is a reply that answers nothing: a customer's, or not the first."""
    if event.__class__ is not TicketReplied:
        return False
    if event.by != "agent":
        return True
    first = None if state.opened is None else first_since(state.replies, state.opened)
    return first is not None and at(first) < (event.ts, offset)


def _openness(opened: Mark, statuses: list[Status]) -> list[facts.TicketFact]:
    """Return each time that the ticket became open or was closed, since its opening."""
    found: list[facts.TicketFact] = [facts.TicketBecameOpen(opened.ts, 1, *opened.dimensions)]
    is_open = True
    for status in statuses:
        if at(status) < at(opened) or status.solved != is_open:
            continue  # before it was known, or nothing new: resolved twice, reopened while open
        is_open = not is_open
        struct = facts.TicketBecameOpen if is_open else facts.TicketBecameClosed
        found.append(struct(status.ts, 1, *opened.dimensions))
    return found


def _figure(struct: Callable[..., Any], mark: Mark, opened: Mark) -> facts.TicketFact:
    dimensions = filled(mark.dimensions, opened.dimensions)
    figure: facts.TicketFact = struct(mark.ts, 1, *dimensions, duration_ms=mark.ts - opened.ts)
    return figure
