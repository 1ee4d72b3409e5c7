"""States of one keyed processor in one partition: a bounded cache with timers.

Two generations bound the memory without a step per access: what was touched since the last turn
is young, the rest old, and old states are let go once a checkpoint holds them. Timers are lazy: a
state's due time may move on while its timer stays; firing early only re-schedules.
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
        self._young: dict[str, Any] = {}
        self._old: dict[str, Any] = {}
        self._dirty: dict[str, Any] = {}
        self._scheduled: dict[str, int] = {}
        self._timers: dict[str, int | None] = {}
        self._wheel: dict[int, list[str]] = {}
        self._buckets: list[int] = []

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __contains__(self, key: str) -> bool:
        return key in self._young or key in self._old

    @property
    def generations(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The young and the old states, as they are until the next drain."""
        return self._young, self._old

    def load(self, key: str, encoded: bytes | None) -> Any:
        """Bring a state in from the table; None where the table has none."""
        if encoded is None or self._is_dropped(key):
            state = self.processor.new(key)
        else:
            state = self._codec.decode(encoded)
            self._schedule(key, state.due_ms)
        self._young[key] = state
        return state

    def take(self, work: Iterable[tuple[str, Any, int]], emit: Emit) -> None:
        """Hand events to their states, which must be in the cache: (key, event, offset) each."""
        young, old, dirty, scheduled = self._young, self._old, self._dirty, self._scheduled
        take = self.processor.take
        for key, event, offset in work:
            state = young.get(key)
            if state is None:
                state = young[key] = old.pop(key)
            before_ms = state.due_ms
            take(state, event, offset, emit)
            dirty[key] = state
            due_ms = state.due_ms
            if due_ms != before_ms and due_ms < scheduled.get(key, NEVER_MS):
                self._schedule(key, due_ms)
                self._timers[key] = due_ms

    def fire_hot(self, watermark_ms: int, emit: Emit) -> None:
        """Fire the timers of hot states that are due at the watermark."""
        last = watermark_ms // _BUCKET_MS
        while self._buckets and self._buckets[0] <= last:
            bucket = heapq.heappop(self._buckets)
            early = []
            for key in self._wheel.pop(bucket):
                scheduled_ms = self._scheduled.get(key)
                if scheduled_ms is None or scheduled_ms // _BUCKET_MS != bucket:
                    continue  # fired, dropped or re-scheduled since
                if scheduled_ms > watermark_ms:
                    early.append(key)
                    continue
                state = self._young.get(key) or self._old.get(key)
                if state is None:  # let go: its timer in the table fires it
                    del self._scheduled[key]
                else:
                    self._close(key, state, watermark_ms, emit)
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
            key = stored.key
            state = self._young.get(key) or self._old.get(key)
            if state is None:
                if key in self._timers and self._timers[key] is None:
                    continue  # dropped since the last checkpoint
                state = self._young[key] = stored
            self._close(key, state, watermark_ms, emit)

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
        state = self._young.pop(key, None)
        if state is None:
            state = self._old.pop(key, None)
        if state is None and stored is not None and not self._is_dropped(key):
            state = self._codec.decode(stored)
        is_there = state is not None and state != self.processor.new(key)
        if is_there:
            if watermark_ms is not None:
                self.processor.close(state, watermark_ms, emit)
            self._scheduled.pop(key, None)
            self._dirty[key] = None
            self._timers[key] = None
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
            if state.key not in self and not self._is_dropped(state.key):
                self._young[state.key] = state
                self._schedule(state.key, state.due_ms)
        changed = 0
        for key, state in [*self._young.items(), *self._old.items()]:
            left = erased(state, identity)
            if left is state:
                continue
            changed += 1
            self._young.pop(key, None)
            self._old.pop(key, None)
            self._dirty[key] = left
            if left is None:
                self._scheduled.pop(key, None)
                self._timers[key] = None
            else:
                self._young[key] = left
        return changed

    def _is_dropped(self, key: str) -> bool:
        """Tell whether a state is gone, but the table does not know it yet."""
        return key in self._dirty and self._dirty[key] is None

    def _close(self, key: str, state: Any, watermark_ms: int, emit: Emit) -> None:
        if self.processor.close(state, watermark_ms, emit):
            self._dirty[key] = state
            self._schedule(key, state.due_ms)
            self._timers[key] = None if state.due_ms == NEVER_MS else state.due_ms
        else:
            self._young.pop(key, None)
            self._old.pop(key, None)
            self._scheduled.pop(key, None)
            self._dirty[key] = None
            self._timers[key] = None

    def _schedule(self, key: str, due_ms: int) -> None:
        self._scheduled[key] = due_ms
        if due_ms == NEVER_MS:
            return
        bucket = due_ms // _BUCKET_MS
        keys = self._wheel.get(bucket)
        if keys is None:
            keys = self._wheel[bucket] = []
            heapq.heappush(self._buckets, bucket)
        keys.append(key)

    @property
    def dirty(self) -> bool:
        """Whether anything changed since the last drain."""
        return bool(self._dirty or self._timers)

    def drain(self) -> tuple[dict[bytes, bytes | None], dict[bytes, int | None]]:
        """Return changed states and timers by state id, and let old states go if there are many."""
        encode = self._codec.encode
        ids = {key: state_id(key) for key in {**self._dirty, **self._timers}}
        states = {
            ids[key]: None if state is None else encode(state) for key, state in self._dirty.items()
        }
        timers = {ids[key]: due_ms for key, due_ms in self._timers.items()}
        self._dirty, self._timers = {}, {}
        if len(self._young) > self._half:
            for key in self._old:
                self._scheduled.pop(key, None)
            self._old, self._young = self._young, {}
        return states, timers
