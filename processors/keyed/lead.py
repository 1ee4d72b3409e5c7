"""Leads: what became of each, told in the pane of its creation, and how soon sales called.

::

    created ------ contacted ---- accepted ---- qualified ---- won
       |-- response --|                                         |
       |------------------ in the agreed time? -----------------|

Of each kind the first event at or after the creation counts. Cohort facts fall at the creation and
carry its dimensions, so a window holds the leads created in it, however long ago that was.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import LeadCreated, LeadStatus, SalesContacted
from processors.getters import field_getter
from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.keyed.marks import Mark, at, emit_difference, filled, first_possible, first_since

DIMENSIONS = ("source", "campaign", "owner", "direction", "network", "device")
_CONTACTED = "contacted"
_COHORT: dict[str, type[facts.LeadFact]] = {
    "accepted": facts.LeadAccepted,
    "qualified": facts.LeadQualified,
    "won": facts.LeadWon,
}


class LeadState(msgspec.Struct, array_like=True):
    """A lead: its creation, and by kind the events that may be the first after it."""

    key: str
    created: Mark | None = None
    steps: dict[str, list[Mark]] = {}
    due_ms: int = NEVER_MS


class LeadProcessor(Processor):
    """Keeps leads by id.

    Args:
        retention_ms: how long a lead is known after its last event, and how late events may be.
        agreed_ms: a lead is won in time when it is won no later than this after its creation.
    """

    name: ClassVar[str] = "lead"
    state_type: ClassVar[type] = LeadState
    types: ClassVar[tuple[str, ...]] = ("lead_created", "lead_status", "sales_contacted")

    def __init__(self, *, retention_ms: int, agreed_ms: int) -> None:
        self.lateness_ms = retention_ms
        self._agreed_ms = agreed_ms
        self._dimensions = field_getter(LeadCreated, DIMENSIONS)

    def key(self, event: Any) -> str | None:
        """Return the lead."""
        return event.lead_id or None

    def new(self, key: str) -> LeadState:
        """Return a lead of which nothing is known."""
        return LeadState(key)

    def take(self, state: LeadState, event: Any, offset: int, emit: Emit) -> None:
        """Add the event; emit the figures that it makes, moves or takes back."""
        before = self._figures(state)
        mark = Mark(event.ts, offset, self._dimensions(event))
        kind = event.__class__
        if kind is LeadCreated:
            if state.created is None or at(mark) < at(state.created):
                state.created = mark
        elif kind is SalesContacted:
            self._step(state, _CONTACTED, mark)
        elif kind is LeadStatus and event.status in _COHORT:
            self._step(state, event.status, mark)
        emit_difference(before, self._figures(state), emit)
        known_ms = 0 if state.due_ms == NEVER_MS else state.due_ms
        state.due_ms = max(known_ms, event.ts + self.lateness_ms)

    def close(self, state: LeadState, watermark_ms: int, emit: Emit) -> bool:
        """Forget a lead whose retention has passed; figures stay as they are."""
        del emit
        return state.due_ms > watermark_ms

    def _step(self, state: LeadState, kind: str, mark: Mark) -> None:
        marks = [*state.steps.get(kind, ()), mark]
        state.steps = {**state.steps, kind: first_possible(marks, state.created)}

    def _figures(self, state: LeadState) -> list[facts.LeadFact]:
        created = state.created
        if created is None:
            return []
        figures: list[facts.LeadFact] = [_cohort(facts.LeadStarted, created)]
        for kind, marks in state.steps.items():
            step = first_since(marks, created)
            if step is None:
                continue
            waited_ms = step.ts - created.ts
            if kind == _CONTACTED:
                dimensions = filled(step.dimensions, created.dimensions)
                contacted: Any = facts.LeadContacted
                figures.append(contacted(step.ts, 1, *dimensions, duration_ms=waited_ms))
                continue
            figures.append(_cohort(_COHORT[kind], created))
            if kind == "won" and waited_ms <= self._agreed_ms:
                figures.append(_cohort(facts.LeadWonInTime, created))
        return figures


def _cohort(struct: Any, created: Mark) -> facts.LeadFact:
    fact: facts.LeadFact = struct(created.ts, 1, *created.dimensions)
    return fact
