"""A bounded cache concludes and stores what a dict of every state would, however it lets go."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.state import Entry, StateCache, state_id

_WAIT_MS = 15_000
_KEYS = "abcdefgh"

Item = tuple[int, str]
"""(time, whose): nothing is concluded of what is somebody's, as nothing is of memberships"""


def _due_ms(item: Item) -> int:
    return NEVER_MS if item[1] else item[0] + _WAIT_MS


def _is_left(item: Item, watermark_ms: int) -> bool:
    return _due_ms(item) > watermark_ms


class Pile(msgspec.Struct):
    """A key's items that nothing is concluded of yet."""

    key: str
    items: list[Item] = []
    due_ms: int = NEVER_MS


class Piles(Processor):
    """Concludes nobody's items a while after their time; erasing takes somebody's out."""

    name: ClassVar[str] = "pile"
    state_type: ClassVar[type] = Pile
    holds: ClassVar[frozenset[str]] = frozenset({"whose"})
    types: ClassVar[tuple[str, ...]] = ()
    lateness_ms = 0

    def key(self, event: Any) -> str | None:
        """Nothing is asked for: the test says which key."""
        raise NotImplementedError

    def new(self, key: str) -> Pile:
        """Nothing yet."""
        return Pile(key)

    def take(self, state: Pile, event: Item, offset: int, emit: Emit) -> None:
        """Add an item."""
        state.items.append(event)
        state.due_ms = min(state.due_ms, _due_ms(event))

    def close(self, state: Pile, watermark_ms: int, emit: Emit) -> bool:
        """Conclude what has waited long enough."""
        for item in state.items:
            if not _is_left(item, watermark_ms):
                emit((state.key, item))
        state.items = [item for item in state.items if _is_left(item, watermark_ms)]
        state.due_ms = min(map(_due_ms, state.items), default=NEVER_MS)
        return bool(state.items)

    def erased(self, state: Pile, identity: str) -> Pile | None:
        """Take somebody's items out, without what they make due."""
        left = [item for item in state.items if item[1] != identity]
        if len(left) == len(state.items):
            return state
        return Pile(state.key, left, state.due_ms) if left else None


class Model:
    """Every state in a dict; all that is due is concluded at once."""

    def __init__(self) -> None:
        self.piles: dict[str, list[Item]] = {}
        self.facts: Counter[Any] = Counter()

    def take(self, key: str, item: Item) -> None:
        """Add an item."""
        self.piles.setdefault(key, []).append(item)

    def conclude(self, watermark_ms: int, keys: list[str]) -> None:
        """Conclude what is due; a key without items is gone."""
        for key in keys:
            items = self.piles.pop(key, [])
            self.facts.update((key, item) for item in items if not _is_left(item, watermark_ms))
            if left := [item for item in items if _is_left(item, watermark_ms)]:
                self.piles[key] = left

    def erase(self, whose: str) -> None:
        """Take somebody's items out."""
        for key in list(self.piles):
            self.piles[key] = [item for item in self.piles[key] if item[1] != whose]
            if not self.piles[key]:
                del self.piles[key]


class Bounded:
    """The cache with its table, used as a partition's pipeline does."""

    def __init__(self, states_max: int) -> None:
        self.cache = StateCache(Piles(), states_max)
        self.states: dict[bytes, bytes] = {}
        self.timers: dict[bytes, int] = {}
        self.facts: Counter[Any] = Counter()

    def emit(self, fact: Any) -> None:
        """Take what is concluded."""
        self.facts[fact] += 1

    def chunk(self, steps: list[tuple[str, str, int, str]], watermark_ms: int) -> None:
        """Work off a chunk of takings, repetitions and requests to forget, then fire."""
        cache, fresh = self.cache, dict[str, Entry]()
        work: list[tuple[Entry, str, Item, str]] = []
        for what, key, ts, whose in steps:
            entry = cache.entries.get(key) or fresh.get(key)
            if entry is None:
                entry = Entry(key)
                if what in {"take", "repeated"}:
                    fresh[key] = entry
            work.append((entry, what, (ts, whose), whose))
        stored = dict(self.states)
        for entry in fresh.values():
            cache.load(entry, stored.get(entry.identity))
        for entry, what, item, whose in work:
            if what == "take":
                cache.take_anew([(entry, item, 0)], self.emit)
            elif what == "forget":
                cache.forget(entry.key, stored.get(entry.identity), watermark_ms, self.emit)
            elif what == "erase" and whose:
                found = [blob for blob in stored.values() if whose.encode() in blob]
                cache.erase(whose, found)
        cache.fire_hot(watermark_ms, self.emit)

    def checkpoint(self, watermark_ms: int) -> None:
        """Fire what the table finds due, and store what changed."""
        due = [i for i, due_ms in self.timers.items() if due_ms <= watermark_ms]
        self.cache.fire_cold([self.states[i] for i in due], watermark_ms, self.emit)
        states, timers = self.cache.drain()
        for identity, state in states.items():
            _store(self.states, identity, state)
        for identity, due_ms in timers.items():
            _store(self.timers, identity, due_ms)


def _store(table: dict[bytes, Any], identity: bytes, value: Any) -> None:
    if value is None:
        table.pop(identity, None)
    else:
        table[identity] = value


_STEP = st.tuples(
    st.sampled_from(["take", "take", "take", "repeated", "forget", "erase"]),
    st.sampled_from(_KEYS),
    st.integers(-2, 3),
    st.sampled_from(["", "", "who1", "who2"]),
)
_CHUNKS = st.lists(
    st.tuples(st.lists(_STEP, max_size=6), st.integers(0, 3), st.booleans()), max_size=25
)


_TAKE, _REPEATED, _FORGET = ((what, "a", 0, "") for what in ("take", "repeated", "forget"))


@example(  # dropped by a timer, loaded again for nothing, and forgotten: concluded once
    chunks=[([_TAKE], 0, True), ([], 3, False), ([_REPEATED, _FORGET], 0, True)], states_max=1
)
@example(  # forgotten twice: what the table still has does not come back
    chunks=[
        ([_TAKE], 0, True),
        ([_FORGET], 0, False),
        ([_REPEATED, _FORGET], 0, False),
        ([_TAKE], 0, True),
    ],
    states_max=4,
)
@settings(max_examples=300, deadline=None)
@given(chunks=_CHUNKS, states_max=st.integers(1, 6))
def test_what_is_let_go_changes_nothing(
    chunks: list[tuple[list[tuple[str, str, int, str]], int, bool]], states_max: int
) -> None:
    """After every checkpoint, facts and stored states are a dict's, and no state lacks a timer."""
    model, bounded, now_ms = Model(), Bounded(states_max), 1_000_000
    for steps, seconds, is_checkpoint in [*chunks, ([], 30, True)]:
        timed = [
            (what, key, now_ms + 5_000 * at + number, whose)
            for number, (what, key, at, whose) in enumerate(steps)
        ]
        now_ms += 7_000 * seconds
        for what, key, ts, whose in timed:
            if what == "take":
                model.take(key, (ts, whose))
            elif what == "forget":
                model.conclude(now_ms, [key])
                model.piles.pop(key, None)
            elif what == "erase" and whose:
                model.erase(whose)
        bounded.chunk(timed, now_ms)
        if is_checkpoint:
            model.conclude(now_ms, list(model.piles))
            bounded.checkpoint(now_ms)
            stored = [msgspec.msgpack.decode(blob, type=Pile) for blob in bounded.states.values()]
            assert bounded.facts == model.facts
            kept = {one.key: sorted(one.items) for one in stored if one.items}
            assert kept == {key: sorted(items) for key, items in model.piles.items()}
            for key, items in model.piles.items():
                assert bounded.timers.get(state_id(key), NEVER_MS) <= min(map(_due_ms, items))
