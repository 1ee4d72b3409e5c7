"""States of one keyed processor in one partition: a bounded cache with timers.

A key's :class:`Entry` is found once an event; what the cache knows of the key is then at hand
without another look-up. Turns bound the memory without a step per access: states that were not
touched since the last turn are let go once a checkpoint holds them. Timers are lazy: a state's due
time may move on while its timer stays; firing early only re-schedules.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.schema import SCHEMA, Codec, Schema

_BUCKET_MS = 10_000


def state_id(key: str) -> bytes:
    """Return the 16-byte digest under which a key's state is stored."""
    return blake2b(key.encode(), digest_size=16).digest()


class Entry:
    """A key's place in a cache.

    Attributes:
        identity: under which the state is stored.
        state: None before it is loaded, and once it is dropped.
        changed: whether the table does not have it yet.
        scheduled_ms: when the cache looks at it again; NEVER_MS if it does not.
        retimed: whether ``timer_ms`` (None: no timer any more) is new to the table.
        turn: in which it was last touched.
    """

    __slots__ = (
        "changed", "identity", "key", "retimed", "scheduled_ms", "state", "timer_ms", "turn",
    )  # fmt: skip

    def __init__(self, key: str) -> None:
        self.key = key
        self.identity = state_id(key)
        self.state: Any = None
        self.changed = self.retimed = False
        self.scheduled_ms = NEVER_MS
        self.timer_ms: int | None = None
        self.turn = -1


class StateCache:
    """The hot states of one processor.

    Args:
        processor: whose states these are.
        states_max: how many states may stay in memory between checkpoints.
        schema: in which they are stored.
    """

    def __init__(self, processor: Processor, states_max: int, schema: Schema = SCHEMA) -> None:
        self.processor = processor
        self._codec = Codec(processor, schema)
        self._half = max(1, states_max // 2)
        self._entries: dict[str, Entry] = {}
        self._dropped: set[str] = set()  # since the last drain: what the table has is not theirs
        self._changed: list[Entry] = []
        self._turn = self._touched = 0
        self._wheel: dict[int, list[str]] = {}
        self._buckets: list[int] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    @property
    def entries(self) -> dict[str, Entry]:
        """The states in memory, by key: the cache's own, as it goes on."""
        return self._entries

    def load(self, entry: Entry, encoded: bytes | None) -> None:
        """Bring a state in from the table; None where the table has none."""
        key = entry.key
        if encoded is None or key in self._dropped:
            entry.state = self.processor.new(key)
        else:
            entry.state = self._codec.decode(encoded)
            self._schedule(entry, entry.state.due_ms)
        self._put(entry)

    def take(self, work: Iterable[tuple[Entry, Any, int]], emit: Emit) -> None:
        """Hand events to their states, which must be loaded: (entry, event, offset) each."""
        take, changed = self.processor.take, self._changed
        for entry, event, offset in work:
            state = entry.state
            before_ms = state.due_ms
            take(state, event, offset, emit)
            if not entry.changed:
                entry.changed = True
                changed.append(entry)
            due_ms = state.due_ms
            if due_ms != before_ms and due_ms < entry.scheduled_ms:
                self._schedule(entry, due_ms)
                entry.timer_ms, entry.retimed = due_ms, True

    def take_anew(self, work: Iterable[tuple[Entry, Any, int]], emit: Emit) -> None:
        """Do the same with states that may have been dropped since they were loaded."""
        for taken in work:
            if taken[0].state is None:
                self.load(taken[0], None)
            self.take((taken,), emit)

    def fire_hot(self, watermark_ms: int, emit: Emit) -> None:
        """Fire the timers of hot states that are due at the watermark."""
        last = watermark_ms // _BUCKET_MS
        while self._buckets and self._buckets[0] <= last:
            bucket = heapq.heappop(self._buckets)
            early = []
            for key in self._wheel.pop(bucket):
                entry = self._entries.get(key)
                # Fired, dropped or re-scheduled since; of who was let go the table has the timer.
                if entry is None or entry.scheduled_ms // _BUCKET_MS != bucket:
                    continue
                if entry.scheduled_ms > watermark_ms:
                    early.append(key)
                else:
                    self._close(entry, watermark_ms, emit)
            if early:
                again = self._wheel.get(bucket)
                if again is None:
                    self._wheel[bucket] = early
                    heapq.heappush(self._buckets, bucket)
                else:  # a close above has scheduled into this bucket, and pushed it
                    again.extend(early)
                return

    def fire_cold(self, encoded: Iterable[bytes], watermark_ms: int, emit: Emit) -> None:
        """Fire states whose timers the table found due; a hot one wins over its stored form."""
        for blob in encoded:
            stored = self._codec.decode(blob)
            entry = self._entries.get(stored.key)
            if entry is None:
                if stored.key in self._dropped:
                    continue
                entry = self._put(Entry(stored.key), stored)
            self._close(entry, watermark_ms, emit)

    def forget(self, key: str, stored: bytes | None, watermark_ms: int | None, emit: Emit) -> int:
        """Drop a state and its timer; return how many there were, 1 or 0.

        What is due at the watermark is concluded first, so that it does not matter how soon timers
        fire; what would be concluded later never is.

        Args:
            key: whose.
            stored: what the table has; not asked for where the state is in the cache.
            watermark_ms: where the log says to forget.
            emit: takes what is concluded.
        """
        entry = self._entries.get(key)
        if entry is None:
            if stored is None or key in self._dropped:
                return 0
            entry = self._put(Entry(key), self._codec.decode(stored))
        is_there = entry.state != self.processor.new(key)
        if is_there and watermark_ms is not None:
            self.processor.close(entry.state, watermark_ms, emit)
        if is_there or entry.changed:
            self._drop(entry)
        else:
            del self._entries[key]
            entry.state, entry.scheduled_ms = None, NEVER_MS
        return int(is_there)

    def erase(self, identity: str, stored: Iterable[bytes]) -> int:
        """Take somebody out of every state that holds them; return how many states changed.

        Args:
            identity: whom.
            stored: the states in the table that may hold them; a hot one wins over its stored form.
        """
        erased = self.processor.erased
        for blob in stored:
            state = self._codec.decode(blob)
            if state.key not in self._entries and state.key not in self._dropped:
                entry = self._put(Entry(state.key), state)
                self._schedule(entry, state.due_ms)
        changed = 0
        for entry in list(self._entries.values()):
            left = erased(entry.state, identity)
            if left is entry.state:
                continue
            changed += 1
            if left is None:
                self._drop(entry)
            else:
                entry.state = left
                self._note(entry)
        return changed

    def _put(self, entry: Entry, state: Any = None) -> Entry:
        """Have an entry in memory, with a state that is given or that it has."""
        if state is not None:
            entry.state = state
        entry.turn = self._turn
        self._touched += 1
        self._entries[entry.key] = entry
        return entry

    def _note(self, entry: Entry) -> None:
        if not entry.changed:
            entry.changed = True
            self._changed.append(entry)

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self._dropped.add(entry.key)
        entry.state = entry.timer_ms = None
        entry.scheduled_ms, entry.retimed = NEVER_MS, True
        self._note(entry)

    def _close(self, entry: Entry, watermark_ms: int, emit: Emit) -> None:
        state = entry.state
        if not self.processor.close(state, watermark_ms, emit):
            self._drop(entry)
            return
        self._note(entry)
        due_ms = state.due_ms
        self._schedule(entry, due_ms)
        entry.timer_ms, entry.retimed = None if due_ms == NEVER_MS else due_ms, True

    def _schedule(self, entry: Entry, due_ms: int) -> None:
        entry.scheduled_ms = due_ms
        if due_ms == NEVER_MS:
            return
        bucket = due_ms // _BUCKET_MS
        keys = self._wheel.get(bucket)
        if keys is None:
            self._wheel[bucket] = [entry.key]
            heapq.heappush(self._buckets, bucket)
        else:
            keys.append(entry.key)

    @property
    def dirty(self) -> bool:
        """Whether anything changed since the last drain."""
        return bool(self._changed)

    def drain(self) -> tuple[dict[bytes, bytes | None], dict[bytes, int | None]]:
        """Return changed states and timers by state id, and let old states go if there are many."""
        encode, turn = self._codec.encode, self._turn
        states: dict[bytes, bytes | None] = {}
        timers: dict[bytes, int | None] = {}
        for entry in self._changed:  # in order: who came back after a drop has the last word
            state = entry.state
            states[entry.identity] = None if state is None else encode(state)
            if entry.retimed:
                timers[entry.identity] = entry.timer_ms
                entry.retimed = False
            entry.changed = False
            if entry.turn != turn:
                entry.turn = turn
                self._touched += 1
        self._changed.clear()
        self._dropped.clear()
        if self._touched > self._half:
            self._entries = {k: entry for k, entry in self._entries.items() if entry.turn == turn}
            self._turn, self._touched = turn + 1, 0
        return states, timers
