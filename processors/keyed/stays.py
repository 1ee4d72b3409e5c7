"""Stays: from a visitor's first event until nothing was seen of them for a long time.

::

    events   *  *      *   *                                    *   *
    stays    |-------------|------------- horizon ------------->|---|
             new                                                new

Who comes back after the horizon is new again: a state that is kept for ever would never be full.
"""

from __future__ import annotations

import msgspec


class Stay(msgspec.Struct, array_like=True, gc=False):
    """The first event of a stay, and its last so far."""

    first_ms: int
    first_offset: int
    last_ms: int

    @property
    def first(self) -> tuple[int, int]:
        """The first event's (ts, offset)."""
        return self.first_ms, self.first_offset


def seen(stays: list[Stay], ts: int, offset: int, horizon_ms: int) -> list[Stay]:
    """Return the stays once an event is added; one between two makes them one."""
    joined = Stay(ts, offset, ts)
    apart = []
    for stay in stays:
        if stay.first_ms - horizon_ms < ts < stay.last_ms + horizon_ms:
            joined.first_ms, joined.first_offset = min(joined.first, stay.first)
            joined.last_ms = max(joined.last_ms, stay.last_ms)
        else:
            apart.append(stay)
    return [*apart, joined]


def lasts(stays: list[Stay], start_ms: int, end_ms: int) -> None:
    """Note that the visitor was seen from one time to another, which lie in one stay."""
    for stay in stays:
        if stay.first_ms <= start_ms <= stay.last_ms < end_ms:
            stay.last_ms = end_ms
