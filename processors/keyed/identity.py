"""Identities: whose session and cart a purchase belongs to that only a backend knew of.

::

    identify      v1 ----------- v2                         v3
    purchases        p1 (v1)        p2 (v2)      p0 held --^ within the gap: v3

A customer's purchase is owed to the visitor of the latest link at or before it, else of the
earliest after it, at most a gap later. Where none is known when it is read, it is held until one
is. Here the order of the log decides: what was handed over is not taken back. So that neither the
cut of the log nor a timer does, everything is judged by the watermark before each event.
"""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import Any, ClassVar, Final

import msgspec

from processors.bundles import Emission, Sold
from processors.event import CustomerBought, CustomerForgotten, CustomerLinked
from processors.keyed.base import NEVER_MS, Emit, Processor

LINKS_MAX: Final = 8  # of a customer, the latest: devices, and logins while events come late
HELD_MAX: Final = 100  # of a customer, the latest: no identity is everybody's
_NOBODY: Final = "\x00"  # where a visitor is forgotten, and no customer


class Link(msgspec.Struct, array_like=True, gc=False):
    """One ``identify``."""

    ts: int
    event_id: str
    visitor_id: str


class Held(msgspec.Struct, array_like=True, gc=False):
    """A purchase that found no link; once it is handed over nothing was ``sold``."""

    ts: int
    event_id: str
    micro: int
    currency: str
    sold: Sold | None


class IdentityState(msgspec.Struct, array_like=True):
    """A customer's links, and the purchases that found none, both by (ts, event_id)."""

    key: str
    links: list[Link] = []
    held: list[Held] = []
    due_ms: int = NEVER_MS


_at = attrgetter("ts", "event_id")


class IdentityProcessor(Processor):
    """Keeps links by customer, and hands purchases over to visitors.

    Args:
        gap_ms: how much later a link may be than the purchase.
        lateness_ms: how late sessions take a purchase.
        horizon_ms: how long a link is known.
    """

    name: ClassVar[str] = "identity"
    state_type: ClassVar[type] = IdentityState
    keyed_by: ClassVar[frozenset[str]] = frozenset({"customer_id"})
    holds: ClassVar[frozenset[str]] = frozenset({"visitor_id"})
    hands_over: ClassVar[bool] = True
    types: ClassVar[tuple[str, ...]] = ("_customer_bought", "_customer_linked")

    def __init__(self, *, gap_ms: int, lateness_ms: int, horizon_ms: int) -> None:
        self.lateness_ms = lateness_ms
        self._gap_ms, self._horizon_ms = gap_ms, horizon_ms
        self._hold_ms = gap_ms + lateness_ms

    def key(self, event: Any) -> str | None:
        """Return the customer, of what only a backend knew of; nobody's where one is forgotten."""
        kind = event.__class__
        if kind is CustomerForgotten:
            return event.customer_id or _NOBODY
        if kind is CustomerBought and event.sold is None:
            return None
        return event.customer_id or None

    def new(self, key: str) -> IdentityState:
        """Return a customer of whom nothing is known."""
        return IdentityState(key)

    def take(self, state: IdentityState, event: Any, offset: int, emit: Emit) -> None:
        """Note a link or a purchase; emit what is handed over to whom."""
        self._let_go(state, event.watermark_ms)
        if event.__class__ is CustomerLinked:
            self._link(state, event, offset, emit)
        else:
            self._buy(state, event, offset, emit)
        self._schedule(state)

    def _link(self, state: IdentityState, event: Any, offset: int, emit: Emit) -> None:
        if event.ts + self._horizon_ms <= event.watermark_ms:
            return
        insort(state.links, Link(event.ts, event.event_id, event.visitor_id), key=_at)
        del state.links[:-LINKS_MAX]
        for one in state.held:
            if one.sold is not None and event.ts - one.ts <= self._gap_ms:
                emit(_handed(offset, one, state.key, event.visitor_id))
                one.sold = None

    def _buy(self, state: IdentityState, event: Any, offset: int, emit: Emit) -> None:
        one = Held(event.ts, event.event_id, event.micro, event.currency, event.sold)
        visitor_id = self._whose(state, event.ts)
        if visitor_id is not None:
            emit(_handed(offset, one, state.key, visitor_id))
        elif event.ts + self._hold_ms > event.watermark_ms:
            insort(state.held, one, key=_at)
            del state.held[:-HELD_MAX]

    def _whose(self, state: IdentityState, ts: int) -> str | None:
        """Return the visitor of the latest link at or before a time, else of the one after it."""
        before = [link for link in state.links if link.ts <= ts]
        if before:
            return before[-1].visitor_id
        if state.links and state.links[0].ts - ts <= self._gap_ms:
            return state.links[0].visitor_id
        return None

    def _let_go(self, state: IdentityState, watermark_ms: int) -> None:
        if state.links and state.links[0].ts + self._horizon_ms <= watermark_ms:
            known_ms = watermark_ms - self._horizon_ms
            state.links = [one for one in state.links if one.ts > known_ms]
        if state.held and state.held[0].ts + self._hold_ms <= watermark_ms:
            held_ms = watermark_ms - self._hold_ms
            state.held = [one for one in state.held if one.ts > held_ms]

    def _schedule(self, state: IdentityState) -> None:
        state.due_ms = NEVER_MS
        if state.links:
            state.due_ms = state.links[0].ts + self._horizon_ms
        if state.held:
            state.due_ms = min(state.due_ms, state.held[0].ts + self._hold_ms)

    def close(self, state: IdentityState, watermark_ms: int, emit: Emit) -> bool:
        """Let go what nothing can need any more."""
        del emit
        self._let_go(state, watermark_ms)
        self._schedule(state)
        return bool(state.links or state.held)

    def erased(self, state: IdentityState, identity: str) -> IdentityState | None:
        """Return a state without the links of a visitor."""
        links = [one for one in state.links if one.visitor_id != identity]
        if len(links) == len(state.links):
            return state
        if not links and not state.held:
            return None
        return IdentityState(state.key, links, state.held, state.due_ms)


def _handed(offset: int, one: Held, customer_id: str, visitor_id: str) -> Emission:
    return Emission(
        offset, 0, one.event_id, one.ts, customer_id, False, one.micro, one.currency, (),
        visitor_id=visitor_id, sold=one.sold,
    )  # fmt: skip
