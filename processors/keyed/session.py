"""Sessionization: runs of a visitor's events without a gap of inactivity.

::

    events     *  * *        *            *   *
    sessions   |-----|--gap->|            |---|--gap->
                     ^ end   ^ < gap: the same session

A producer's ``session_id`` decides the boundaries where it is present. Facts fall in the pane of
the session's start and carry the dimensions of its first event by (ts, offset); a late event that
extends, merges or re-dates sessions takes their facts back and concludes them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import PageView, Purchase
from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.measures import field_getter

DIMENSIONS = ("source", "medium", "campaign", "landing_page", "device", "country")
SESSION_ID_GAP_MS = 86_400_000  # how long a producer's session_id goes on meaning the same session


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


class SessionState(msgspec.Struct, array_like=True):
    """A visitor's sessions that a late event can still touch."""

    key: str
    sessions: list[Session]
    due_ms: int = NEVER_MS


class SessionProcessor(Processor):
    """Keeps sessions by visitor."""

    name: ClassVar[str] = "session"
    types: ClassVar[tuple[str, ...]] = (
        "page_view",
        "add_to_cart",
        "remove_from_cart",
        "checkout_started",
        "purchase",
        "goal_completed",
    )

    def __init__(self, *, gap_ms: int, lateness_ms: int) -> None:
        self.gap_ms = gap_ms
        self.lateness_ms = lateness_ms
        self._dimensions: dict[type, Any] = {}
        self._decoder = msgspec.msgpack.Decoder(SessionState)
        self._encoder = msgspec.msgpack.Encoder()

    def key(self, event: Any) -> str | None:
        """Return the visitor: a purchase known only to a backend belongs to no session."""
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
                and last.session_id == event.session_id
            ):
                last.end_ms = ts
                self._count(last, event, emit)
                return
        self._merge(state, event, offset, emit)

    def _count(self, session: Session, event: Any, emit: Emit) -> None:
        if event.__class__ is PageView:
            session.pages += 1
            return
        session.others += 1
        if event.__class__ is Purchase:
            session.purchases += 1
            if session.purchases == 1:
                emit(_fact(facts.SessionConverted, session, 1))

    def _merge(self, state: SessionState, event: Any, offset: int, emit: Emit) -> None:
        ts, session_id = event.ts, event.session_id
        gap_ms = self._join_gap_ms(session_id)
        is_page, is_purchase = event.__class__ is PageView, event.__class__ is Purchase
        merged = Session(
            ts,
            offset,
            ts,
            int(is_page),
            int(not is_page),
            int(is_purchase),
            self._dimensions_of(event),
            session_id,
        )
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
        apart.append(merged)
        apart.sort(key=_order)
        state.sessions = apart
        self._conclude(merged, 1, emit)
        state.due_ms = min(state.due_ms, merged.end_ms + self.gap_ms)

    def close(self, state: SessionState, watermark_ms: int, emit: Emit) -> bool:
        """Close sessions whose gap has passed; drop those that nothing can touch any more."""
        kept = []
        due_ms = NEVER_MS
        for session in state.sessions:
            close_ms = session.end_ms + self.gap_ms
            drop_ms = session.end_ms + self._join_gap_ms(session.session_id) + self.lateness_ms
            if close_ms <= watermark_ms and not session.closed:
                session.closed = True
                self._conclude_closed(session, 1, emit)
            if drop_ms <= watermark_ms:
                continue
            kept.append(session)
            due_ms = min(due_ms, drop_ms if session.closed else close_ms)
        state.sessions = kept
        state.due_ms = due_ms
        return bool(kept)

    def encode(self, state: SessionState) -> bytes:
        """Encode as msgpack."""
        return self._encoder.encode(state)

    def decode(self, encoded: bytes) -> SessionState:
        """Decode from msgpack."""
        return self._decoder.decode(encoded)

    def _join_gap_ms(self, session_id: str | None) -> int:
        return self.gap_ms if session_id is None else SESSION_ID_GAP_MS

    def _dimensions_of(self, event: Any) -> tuple[str | None, ...]:
        getter = self._dimensions.get(event.__class__)
        if getter is None:
            getter = self._dimensions[event.__class__] = field_getter(event.__class__, DIMENSIONS)
        values: tuple[str | None, ...] = getter(event)
        return values

    def _conclude(self, session: Session, weight: int, emit: Emit) -> None:
        emit(_fact(facts.SessionStarted, session, weight))
        if session.purchases:
            emit(_fact(facts.SessionConverted, session, weight))
        if session.closed:
            self._conclude_closed(session, weight, emit)

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


def _absorb(merged: Session, other: Session) -> None:
    if (other.start_ms, other.first_offset) < (merged.start_ms, merged.first_offset):
        merged.start_ms, merged.first_offset = other.start_ms, other.first_offset
        merged.dimensions = other.dimensions
    merged.end_ms = max(merged.end_ms, other.end_ms)
    merged.pages += other.pages
    merged.others += other.others
    merged.purchases += other.purchases


def _fact(struct: Callable[..., Any], session: Session, weight: int) -> Any:
    """Build a fact at the session's start; DIMENSIONS are its fields after ts and weight."""
    return struct(session.start_ms, weight, *session.dimensions)
