"""Who is on which list: each recipient's last word by time.

::

    events      + +        -   -     +          + subscribed, - unsubscribed
    concluded   joined     left      joined     the same word again changes nothing

A recipient who leaves without ever having joined was on the list before anything was counted: that
is a leaving too, from the opening size. Of a recipient and list every word is kept that a late one
can still come before, and the last one for ever.
"""

from __future__ import annotations

from bisect import insort
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import Subscribed
from processors.getters import field_getter
from processors.keyed.base import NEVER_MS, Emit, Processor

DIMENSIONS = ("campaign", "list", "form")
_JOIN = "\x1f"


class Word(msgspec.Struct, array_like=True, order=True, gc=False):
    """One subscription, or the end of one."""

    ts: int
    offset: int
    joined: bool
    dimensions: tuple[str | None, ...]


class MembershipState(msgspec.Struct, array_like=True):
    """What a recipient said of a list, by (ts, offset)."""

    key: str
    words: list[Word] = []
    due_ms: int = NEVER_MS


class MembershipProcessor(Processor):
    """Keeps recipients by list."""

    name: ClassVar[str] = "membership"
    state_type: ClassVar[type] = MembershipState
    holds: ClassVar[frozenset[str]] = frozenset({"recipient_id"})
    types: ClassVar[tuple[str, ...]] = ("subscribed", "unsubscribed")

    def __init__(self, *, lateness_ms: int) -> None:
        self.lateness_ms = lateness_ms
        self._dimensions = field_getter(Subscribed, DIMENSIONS)

    def key(self, event: Any) -> str | None:
        """Return the recipient and the list."""
        return f"{event.recipient_id}{_JOIN}{event.list or ''}" if event.recipient_id else None

    def erased(self, state: MembershipState, identity: str) -> MembershipState | None:
        """Drop what a recipient said of any list."""
        return None if state.key.startswith(identity + _JOIN) else state

    def new(self, key: str) -> MembershipState:
        """Return a recipient who has said nothing."""
        return MembershipState(key)

    def take(self, state: MembershipState, event: Any, offset: int, emit: Emit) -> None:
        """Add a word; conclude where it and the next one change anything."""
        words = state.words
        word = Word(event.ts, offset, event.__class__ is Subscribed, self._dimensions(event))
        insort(words, word)
        at = words.index(word)
        before = words[at - 1] if at else None
        after = words[at + 1] if at + 1 < len(words) else None
        if after is not None:
            _conclude(before, after, -1, emit)
            _conclude(word, after, 1, emit)
        _conclude(before, word, 1, emit)
        if len(words) > 1:
            state.due_ms = min(state.due_ms, words[1].ts + self.lateness_ms)

    def close(self, state: MembershipState, watermark_ms: int, emit: Emit) -> bool:
        """Forget words that none can come before any more, but for the last."""
        del emit
        words = state.words
        while len(words) > 1 and words[1].ts + self.lateness_ms <= watermark_ms:
            del words[0]
        state.due_ms = words[1].ts + self.lateness_ms if len(words) > 1 else NEVER_MS
        return True


def _conclude(before: Word | None, word: Word, weight: int, emit: Emit) -> None:
    if before is None or before.joined != word.joined:
        struct: Any = facts.SubscriberJoined if word.joined else facts.SubscriberLeft
        emit(struct(word.ts, weight, *word.dimensions))
