"""A partition's table reduced to dictionaries, so that thousands of crashes take a second.

It applies checkpoints as the real tables must (tests/streams/tables holds those to their laws) and
keeps old copies, to go back to.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from dataclasses import dataclass, field

from processors.checkpoint import Checkpoint, Claim
from processors.sketch import unpack


@dataclass
class Stored:
    """What a partition has on record."""

    number: int = 0
    offset: int | None = None
    max_ts_ms: int | None = None
    base: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    rungs: dict[tuple[str, int, str], int] = field(default_factory=lambda: defaultdict(int))
    sketches: dict[tuple[str, int, str], frozenset[int]] = field(default_factory=dict)
    states: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    timers: dict[tuple[str, bytes], int] = field(default_factory=dict)
    admitted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    counters: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class DictTable:
    """One partition's store with fencing and old copies."""

    def __init__(self) -> None:
        self.stored = Stored()
        self.epoch = 0
        self.copies: list[Stored] = []

    def claim(self) -> Claim:
        """Take the partition over."""
        self.epoch += 1
        s = self.stored
        admitted, counters = copy.deepcopy(dict(s.admitted)), dict(s.counters)
        return Claim(self.epoch, s.number, s.offset, s.max_ts_ms, admitted, counters)

    def load(self, wanted: dict[str, list[bytes]]) -> dict[tuple[str, bytes], bytes | None]:
        """Return states by processor and id."""
        return {(p, i): self.stored.states.get((p, i)) for p, ids in wanted.items() for i in ids}

    def find(self, sought: dict[str, list[bytes]]) -> dict[tuple[str, bytes], bytes | None]:
        """Return the states that hold any of processor -> texts."""
        return {
            known: blob
            for known, blob in self.stored.states.items()
            if any(text in blob for text in sought.get(known[0], ()))
        }

    def load_due(self, watermark_ms: int) -> dict[tuple[str, bytes], bytes | None]:
        """Return states whose timers are due."""
        return {
            known: self.stored.states.get(known)
            for known, due_ms in self.stored.timers.items()
            if due_ms <= watermark_ms
        }

    def commit(self, c: Checkpoint) -> bool:
        """Apply a checkpoint; False where it is fenced."""
        s = self.stored
        if (c.epoch, c.number, c.expected_offset) != (self.epoch, s.number + 1, s.offset):
            return False
        self.copies.append(copy.deepcopy(s))
        s.number, s.offset, s.max_ts_ms = c.number, c.offset, c.max_ts_ms
        for pane, cells in c.base.items():
            for cell, delta in cells.items():
                s.base[pane, cell] += delta
        for rung, panes in c.rungs.items():
            for pane, cells in panes.items():
                for cell, delta in cells.items():
                    s.rungs[rung, pane, cell] += delta
        for rung, sketches in (("", c.base_sketches), *c.sketches.items()):
            for pane, packed in sketches.items():
                for cell, hashes in packed.items():
                    known = rung, pane, cell
                    s.sketches[known] = s.sketches.get(known, frozenset()) | unpack(hashes)
        for processor, states in c.states.items():
            for identity, blob in states.items():
                s.states.pop((processor, identity), None)
                if blob is not None:
                    s.states[processor, identity] = blob
        for timer, due_ms in c.timers.items():
            s.timers.pop(timer, None)
            if due_ms is not None:
                s.timers[timer] = due_ms
        for scope, values in c.admitted.items():
            s.admitted[scope] += values
        for name, n in c.counters.items():
            s.counters[name] += n
        return True

    def roll_back(self, copies: int) -> None:
        """Go back to an older copy, as a Redis that lost its newest writes does."""
        if self.copies:
            self.stored = self.copies[max(0, len(self.copies) - copies)]
            self.copies.clear()
