"""Tickets: how long until the first answer of an agent, and until the solution that held.

::

    opened ----- customer ----- agent ----- agent ---- resolved -- reopened -- resolved
       |------ first response ----|                                               |
       |--------------------------- time to resolution ---------------------------|

A reopening takes the resolution before it back. Figures fall in the pane of the event that ends
them, with its dimensions, and the opening's where it has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import TicketOpened, TicketReopened, TicketReplied, TicketResolved
from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.measures import field_getter

DIMENSIONS = ("priority", "team", "channel", "agent")


class Mark(msgspec.Struct, array_like=True, order=True, gc=False):
    """One event of a ticket that matters; ``solved`` tells resolved from reopened."""

    ts: int
    offset: int
    dimensions: tuple[str | None, ...]
    solved: bool = False


class TicketState(msgspec.Struct, array_like=True):
    """A ticket: its opening, the agent replies that may be the first, its last status."""

    key: str
    opened: Mark | None = None
    replies: list[Mark] = []
    status: Mark | None = None
    due_ms: int = NEVER_MS


class TicketProcessor(Processor):
    """Keeps tickets by id."""

    name: ClassVar[str] = "ticket"
    types: ClassVar[tuple[str, ...]] = (
        "ticket_opened",
        "ticket_replied",
        "ticket_resolved",
        "ticket_reopened",
    )

    def __init__(self, *, retention_ms: int) -> None:
        self.lateness_ms = retention_ms
        self._dimensions = field_getter(TicketOpened, DIMENSIONS)
        self._decoder = msgspec.msgpack.Decoder(TicketState)
        self._encoder = msgspec.msgpack.Encoder()

    def key(self, event: Any) -> str | None:
        """Return the ticket."""
        return event.ticket_id or None

    def new(self, key: str) -> TicketState:
        """Return a ticket of which nothing is known."""
        return TicketState(key)

    def take(self, state: TicketState, event: Any, offset: int, emit: Emit) -> None:
        """Add the event; emit the figures that it makes, moves or takes back."""
        before = _figures(state)
        mark = Mark(event.ts, offset, self._dimensions(event), event.__class__ is TicketResolved)
        kind = event.__class__
        if kind is TicketOpened:
            if state.opened is None or mark < state.opened:
                state.opened = mark
        elif kind is TicketReplied:
            if event.by == "agent":
                state.replies = _first_possible([*state.replies, mark], state.opened)
        elif kind in (TicketResolved, TicketReopened) and (
            state.status is None or (mark.ts, offset) > (state.status.ts, state.status.offset)
        ):
            state.status = mark
        # The opening may arrive after its replies, or an earlier one after it.
        for fact, weight in _difference(before, _figures(state)):
            fact.weight = weight
            emit(fact)
        known_ms = 0 if state.due_ms == NEVER_MS else state.due_ms
        state.due_ms = max(known_ms, event.ts + self.lateness_ms)

    def close(self, state: TicketState, watermark_ms: int, emit: Emit) -> bool:
        """Forget a ticket whose retention has passed; figures stay as they are."""
        del emit
        return state.due_ms > watermark_ms

    def encode(self, state: TicketState) -> bytes:
        """Encode as msgpack."""
        return self._encoder.encode(state)

    def decode(self, encoded: bytes) -> TicketState:
        """Decode from msgpack."""
        return self._decoder.decode(encoded)


def _first_possible(replies: list[Mark], opened: Mark | None) -> list[Mark]:
    """Keep the replies that can still be the first: none after the one that counts now.

    An opening can only move to an earlier time, so later replies never become the first.
    """
    replies.sort()
    if opened is None:
        return replies
    first = next((i for i, r in enumerate(replies) if _at(r) >= _at(opened)), None)
    return replies if first is None else replies[: first + 1]


def _at(mark: Mark) -> tuple[int, int]:
    return mark.ts, mark.offset


def _figures(state: TicketState) -> list[facts.TicketFact]:
    opened = state.opened
    if opened is None:
        return []
    figures: list[facts.TicketFact] = [facts.TicketStarted(opened.ts, 1, *opened.dimensions)]
    reply = next((r for r in state.replies if _at(r) >= _at(opened)), None)
    if reply is not None:
        figures.append(_figure(facts.TicketAnswered, reply, opened))
    status = state.status
    if status is not None and status.solved and status.ts >= opened.ts:
        figures.append(_figure(facts.TicketSolved, status, opened))
    return figures


def _figure(struct: Callable[..., Any], mark: Mark, opened: Mark) -> facts.TicketFact:
    dimensions = [mine or its for mine, its in zip(mark.dimensions, opened.dimensions, strict=True)]
    figure: facts.TicketFact = struct(mark.ts, 1, *dimensions, duration_ms=mark.ts - opened.ts)
    return figure


def _difference(
    before: list[facts.TicketFact], after: list[facts.TicketFact]
) -> list[tuple[facts.TicketFact, int]]:
    taken_back = [(fact, -1) for fact in before if fact not in after]
    return taken_back + [(fact, 1) for fact in after if fact not in before]
