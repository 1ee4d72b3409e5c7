"""Readings of outside figures: what each differs by from the one before, in order of time.

::

    read        100        80    130             at the last end: 130
    changed    +100       -20    +50             summed up since the beginning: 130
    late             120
    changed    +100  +20  -40    +50             the one after it is taken back and told anew

A kind of reading is its type and every dimension of its fact: an account, a keyword in a network.
Of a kind all readings are kept that a late one can still come before, and the last one for ever.
"""

from __future__ import annotations

from bisect import insort
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import READINGS
from processors.getters import field_getter
from processors.keyed.base import NEVER_MS, Emit, Processor

_JOIN = "\x1f"
_STRUCTS: dict[str, type[facts.ReadingFact]] = {
    "balance": facts.BalanceChanged,
    "market_impressions": facts.MarketImpressionsChanged,
    "social_reach": facts.SocialReachChanged,
    "keyword_rank": facts.KeywordRankChanged,
    "fx_rate": facts.FxRateChanged,
    "target_set": facts.TargetChanged,
}
_COMMON = frozenset(facts.ReadingFact.__struct_fields__)


class Mark(msgspec.Struct, array_like=True, order=True, gc=False):
    """One reading."""

    ts: int
    offset: int
    micro: int


class ReadingState(msgspec.Struct, array_like=True):
    """The readings of one kind by (ts, offset).

    ``founded`` tells whether the first one kept is the first one ever.
    """

    key: str
    type: str = ""
    dimensions: tuple[str | None, ...] = ()
    marks: list[Mark] = []
    founded: bool = True
    due_ms: int = NEVER_MS


class ReadingProcessor(Processor):
    """Keeps readings by kind."""

    name: ClassVar[str] = "reading"
    state_type: ClassVar[type] = ReadingState
    types: ClassVar[tuple[str, ...]] = tuple(sorted(READINGS))

    def __init__(self, *, horizon_ms: int) -> None:
        self.lateness_ms = horizon_ms
        self._dimensions: dict[type, tuple[str, Any]] = {}

    def key(self, event: Any) -> str | None:
        """Return the kind of reading."""
        kind, values = self._kind(event)
        return _JOIN.join((kind, *(value or "" for value in values)))

    def new(self, key: str) -> ReadingState:
        """Return a kind that was never read."""
        return ReadingState(key)

    def take(self, state: ReadingState, event: Any, offset: int, emit: Emit) -> None:
        """Add a reading; tell what it differs by, and anew what the next one does."""
        if not state.type:
            state.type, state.dimensions = self._kind(event)
        marks = state.marks
        mark = Mark(event.ts, offset, event.micro)
        insort(marks, mark)
        at = marks.index(mark)
        after = marks[at + 1] if at + 1 < len(marks) else None
        before = marks[at - 1] if at else None
        if after is not None:
            self._tell(state, before, after, -1, emit)
            self._tell(state, mark, after, 1, emit)
        self._tell(state, before, mark, 1, emit)
        if len(marks) > 1:
            state.due_ms = min(state.due_ms, marks[1].ts + self.lateness_ms)

    def close(self, state: ReadingState, watermark_ms: int, emit: Emit) -> bool:
        """Forget readings that none can come before any more, but for the last."""
        del emit
        marks = state.marks
        kept = 0
        while kept + 1 < len(marks) and marks[kept + 1].ts + self.lateness_ms <= watermark_ms:
            kept += 1
        if kept:
            state.marks = marks[kept:]
            state.founded = False
        marks = state.marks
        state.due_ms = marks[1].ts + self.lateness_ms if len(marks) > 1 else NEVER_MS
        return True

    def _kind(self, event: Any) -> tuple[str, tuple[str | None, ...]]:
        struct = event.__class__
        found = self._dimensions.get(struct)
        if found is None:
            kind = str(struct.__struct_config__.tag)
            names = [n for n in _STRUCTS[kind].__struct_fields__ if n not in _COMMON]
            found = self._dimensions[struct] = kind, field_getter(struct, names)
        kind, getter = found
        return kind, getter(event)

    def _tell(
        self, state: ReadingState, before: Mark | None, mark: Mark, weight: int, emit: Emit
    ) -> None:
        known = int(before is None and state.founded)
        micro = mark.micro - (0 if before is None else before.micro)
        if micro or known:
            struct: Any = _STRUCTS[state.type]
            emit(struct(mark.ts, weight, micro, known, *state.dimensions))
