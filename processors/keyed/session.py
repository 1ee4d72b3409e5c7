"""Sessionization: runs of a visitor's events without a gap of inactivity.

::

    events     *  * *        *            *   *
    sessions   |-----|--gap->|            |---|--gap->
                     ^ end   ^ < gap: the same session

A producer's ``session_id`` decides the boundaries where it is present. Facts fall in the pane of
the session's start and carry the dimensions of its first event by (ts, offset); a late event that
extends, merges or re-dates sessions takes their facts back and concludes them anew.

With them, from the same state, because each further state a visitor costs as much again: how far
the session came in the funnel (processors/keyed/funnel.py), and whether it began with the first
event ever seen of the visitor (processors/keyed/stays.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import STRUCT_BY_TYPE, PageView, Purchase
from processors.getters import field_getter, interned
from processors.keyed import stays
from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.keyed.funnel import Funnel, StepMark
from processors.keyed.stays import Stay

DIMENSIONS = ("source", "medium", "campaign", "landing_page", "device", "country")
SESSION_ID_GAP_MS = 86_400_000  # how long a producer's session_id goes on meaning the same session
NEW, RETURNING = "new", "returning"


class Session(msgspec.Struct, array_like=True, gc=False):
    """One session; ``first_offset`` breaks ties of the first event's time."""

    start_ms: int
    first_offset: int
    end_ms: int
    pages: int
    others: int
    purchases: int
    dimensions: tuple[str | None, ...]
    session_id: str | None = None
    closed: bool = False
    engaged: bool = False
    audience: str | None = None
    reached: int = 0  # steps of the funnel
    funnel: Funnel | None = None


class SessionState(msgspec.Struct, array_like=True):
    """A visitor's sessions that a late event can still touch, and their stays if anybody asks."""

    key: str
    sessions: list[Session]
    due_ms: int = NEVER_MS
    stays: list[Stay] = []


class SessionProcessor(Processor):
    """Keeps sessions by visitor.

    Args:
        gap_ms: inactivity that ends a session.
        lateness_ms: how late events may be.
        engaged_ms, engaged_pages: as long or as many pages make a session engaged.
        horizon_ms: who was not seen for that long is new; 0: nobody asks who is.
        steps: event types of the funnel in order; none: nobody asks.
    """

    name: ClassVar[str] = "session"
    state_type: ClassVar[type] = SessionState
    keyed_by: ClassVar[frozenset[str]] = frozenset({"visitor_id"})
    takes_linked: ClassVar[bool] = True
    types: ClassVar[tuple[str, ...]] = (
        "page_view",
        "add_to_cart",
        "remove_from_cart",
        "checkout_started",
        "purchase",
        "goal_completed",
    )

    def __init__(
        self,
        *,
        gap_ms: int,
        lateness_ms: int,
        engaged_ms: int = 10_000,
        engaged_pages: int = 2,
        horizon_ms: int = 0,
        steps: Sequence[str] = (),
    ) -> None:
        self.gap_ms = gap_ms
        self.lateness_ms = lateness_ms
        self._engaged_ms, self._engaged_pages = engaged_ms, engaged_pages
        self._horizon_ms = horizon_ms
        self._names = tuple(steps)
        self._steps = {STRUCT_BY_TYPE[name]: number for number, name in enumerate(steps)}
        self._dimensions: dict[type, Any] = {}

    def key(self, event: Any) -> str | None:
        """Return the visitor: a backend's purchase belongs to none until it is handed over."""
        return event.visitor_id or None

    def new(self, key: str) -> SessionState:
        """Return a visitor without sessions."""
        return SessionState(key, [])

    def take(self, state: SessionState, event: Any, offset: int, emit: Emit) -> None:
        """Extend the last session, or open, merge and re-date sessions."""
        ts = event.ts
        if state.sessions:
            last = state.sessions[-1]
            if (
                not last.closed
                and last.end_ms <= ts < last.end_ms + self.gap_ms
                and last.session_id == (event.session_id or None)
            ):
                last.end_ms = ts
                self._count(last, event, offset, emit)
                return
            self._merge(state, event, offset, emit)
        else:
            self._begin(state, event, offset, emit)

    def _begin(self, state: SessionState, event: Any, offset: int, emit: Emit) -> None:
        """Open a session where there is none: nothing to merge, nothing to take back."""
        session = self._opened(event, offset)
        if self._horizon_ms:
            if state.stays:
                self._see(state, [], session, (event.ts, offset), emit)
            else:
                state.stays = [Stay(event.ts, offset, event.ts)]
                session.audience = NEW
        session.engaged = self._is_engaged(session)
        state.sessions = [session]
        self._conclude(session, 1, emit)
        state.due_ms = min(state.due_ms, session.end_ms + self.gap_ms)

    def _opened(self, event: Any, offset: int) -> Session:
        """Return a session of one event."""
        ts, kind = event.ts, event.__class__
        is_page = kind is PageView
        session = Session(
            ts,
            offset,
            ts,
            int(is_page),
            int(not is_page),
            int(kind is Purchase),
            self._dimensions_of(event),
            event.session_id or None,  # an empty one says as little as none
        )
        step = self._steps.get(kind)
        if step is not None:
            _step(session, StepMark(ts, offset, step))
        return session

    def _count(self, session: Session, event: Any, offset: int, emit: Emit) -> None:
        kind = event.__class__
        if kind is PageView:
            session.pages += 1
        else:
            session.others += 1
            if kind is Purchase:
                session.purchases += 1
                if session.purchases == 1:
                    emit(_fact(facts.SessionConverted, session, 1))
        if not session.engaged and self._is_engaged(session):
            session.engaged = True
            emit(_fact(facts.SessionEngaged, session, 1))
        step = self._steps.get(kind)
        if step is not None and step >= session.reached:
            before = session.reached
            _step(session, StepMark(event.ts, offset, step))
            self._conclude_steps(session, before, 1, emit)

    def _is_engaged(self, session: Session) -> bool:
        return (
            session.pages >= self._engaged_pages
            or session.end_ms - session.start_ms >= self._engaged_ms
            or session.purchases > 0
        )

    def _merge(self, state: SessionState, event: Any, offset: int, emit: Emit) -> None:
        merged = self._opened(event, offset)
        ts, session_id = merged.start_ms, merged.session_id
        gap_ms = self._join_gap_ms(session_id)
        apart = []
        for session in state.sessions:
            touches = (
                session.session_id == session_id
                and session.start_ms - gap_ms < ts < session.end_ms + gap_ms
            )
            if not touches:
                apart.append(session)
                continue
            self._conclude(session, -1, emit)
            _absorb(merged, session)
        merged.engaged = self._is_engaged(merged)
        if self._horizon_ms:
            self._see(state, apart, merged, (ts, offset), emit)
        apart.append(merged)
        apart.sort(key=_order)
        state.sessions = apart
        self._conclude(merged, 1, emit)
        state.due_ms = min(state.due_ms, merged.end_ms + self.gap_ms)

    def _see(
        self,
        state: SessionState,
        apart: list[Session],
        merged: Session,
        event: tuple[int, int],
        emit: Emit,
    ) -> None:
        """Note an event of the visitor, and tell anew which sessions are a new visitor's."""
        self._note_ends(state)
        state.stays = stays.seen(state.stays, *event, self._horizon_ms)
        firsts = {stay.first for stay in state.stays}
        merged.audience = NEW if _first(merged) in firsts else RETURNING
        for session in apart:
            audience = NEW if _first(session) in firsts else RETURNING
            if audience != session.audience:
                self._conclude(session, -1, emit)
                session.audience = audience
                self._conclude(session, 1, emit)

    def _note_ends(self, state: SessionState) -> None:
        for session in state.sessions:
            stays.lasts(state.stays, session.start_ms, session.end_ms)

    def close(self, state: SessionState, watermark_ms: int, emit: Emit) -> bool:
        """Close sessions whose gap has passed; drop those that nothing can touch any more."""
        kept = []
        due_ms = NEVER_MS
        if self._horizon_ms:
            self._note_ends(state)
        for session in state.sessions:
            close_ms = session.end_ms + self.gap_ms
            drop_ms = session.end_ms + self._join_gap_ms(session.session_id) + self.lateness_ms
            if close_ms <= watermark_ms and not session.closed:
                session.closed = True
                self._conclude_closed(session, 1, emit)
            if drop_ms <= watermark_ms:
                continue
            if session.funnel is not None:
                session.funnel.settle(watermark_ms - self.lateness_ms)
            kept.append(session)
            due_ms = min(due_ms, drop_ms if session.closed else close_ms)
        forget_ms = self._horizon_ms + self.lateness_ms
        state.stays = [stay for stay in state.stays if stay.last_ms + forget_ms > watermark_ms]
        for stay in state.stays:
            due_ms = min(due_ms, stay.last_ms + forget_ms)
        state.sessions = kept
        state.due_ms = due_ms
        return bool(kept or state.stays)

    def _join_gap_ms(self, session_id: str | None) -> int:
        return self.gap_ms if session_id is None else SESSION_ID_GAP_MS

    def _dimensions_of(self, event: Any) -> tuple[str | None, ...]:
        getter = self._dimensions.get(event.__class__)
        if getter is None:
            getter = self._dimensions[event.__class__] = field_getter(event.__class__, DIMENSIONS)
        return interned(getter(event))

    def _conclude(self, session: Session, weight: int, emit: Emit) -> None:
        emit(_fact(facts.SessionStarted, session, weight))
        if session.purchases:
            emit(_fact(facts.SessionConverted, session, weight))
        if session.engaged:
            emit(_fact(facts.SessionEngaged, session, weight))
        self._conclude_steps(session, 0, weight, emit)
        if session.closed:
            self._conclude_closed(session, weight, emit)

    def _conclude_steps(self, session: Session, since: int, weight: int, emit: Emit) -> None:
        """Conclude the steps reached from one on; the step before them was passed as well."""
        names = self._names
        for number in range(since, session.reached):
            emit(_step_fact(facts.FunnelReached, session, names[number], weight))
            if number + 1 < len(names):
                emit(_step_fact(facts.FunnelEntered, session, names[number], weight))
            if number:
                emit(_step_fact(facts.FunnelPassed, session, names[number - 1], weight))

    def _conclude_closed(self, session: Session, weight: int, emit: Emit) -> None:
        emit(_fact(facts.SessionClosed, session, weight))
        if session.pages == 1 and not session.others:
            emit(_fact(facts.SessionBounced, session, weight))
        ended = _fact(facts.SessionEnded, session, weight)
        ended.ts = session.end_ms
        ended.duration_ms = session.end_ms - session.start_ms
        emit(ended)


def _order(session: Session) -> tuple[int, int]:
    return session.end_ms, session.first_offset


def _first(session: Session) -> tuple[int, int]:
    return session.start_ms, session.first_offset


def _step(session: Session, mark: StepMark) -> None:
    if session.funnel is None:
        session.funnel = Funnel()
    session.funnel.add(mark)
    session.reached = session.funnel.reached


def _absorb(merged: Session, other: Session) -> None:
    if _first(other) < _first(merged):
        merged.start_ms, merged.first_offset = _first(other)
        merged.dimensions = other.dimensions
    merged.end_ms = max(merged.end_ms, other.end_ms)
    merged.pages += other.pages
    merged.others += other.others
    merged.purchases += other.purchases
    if other.funnel is not None:
        if merged.funnel is None:
            merged.funnel = Funnel()
        merged.funnel.absorb(other.funnel)
        merged.reached = merged.funnel.reached


def _fact(struct: Callable[..., Any], session: Session, weight: int) -> Any:
    """Build a fact at the session's start; DIMENSIONS are its fields after ts and weight."""
    return struct(session.start_ms, weight, *session.dimensions, session.audience)


def _step_fact(struct: Callable[..., Any], session: Session, step: str, weight: int) -> Any:
    return struct(session.start_ms, weight, *session.dimensions, session.audience, step)
