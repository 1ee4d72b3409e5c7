"""Applying a checkpoint in memory: every check first, then every change, as commit.lua does."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Final, TypeVar

from processors.checkpoint import Checkpoint
from processors.sketch import smallest, unpack
from streams.tables.base import Cells, Delta, PartitionId, Position
from streams.tables.encode import base_panes
from streams.tables.memory_store import LogRecord, MemoryPartition
from streams.tables.verdict import INTEGER_LIMIT, commit_refused

EXPIRE_MAX: Final = 1_000  # panes of a rung deleted at most by one checkpoint, as in commit.lua

K = TypeVar("K")
V = TypeVar("V")


def check_stored(
    held: MemoryPartition, checkpoint: Checkpoint, subject: str, kept: Mapping[str, int]
) -> None:
    """Check the stored integers that a checkpoint adds to.

    Raises:
        PartitionStoppedError: one is out of range.
    """
    counters: Cells = dict(held.progress.counters)
    groups = [("counter:", counters, checkpoint.counters)]
    for rung, deltas in checkpoint.rungs.items():
        panes = held.rungs.get(rung, {})
        groups.extend(
            (f"{rung}:{start} ", panes[start], cells)
            for start, cells in deltas.items()
            if start in panes and start >= kept.get(rung, start)
        )
    for what, stored, cells in groups:
        for name in cells.keys() & stored.keys():
            value = stored[name]
            if not isinstance(value, int) or abs(value) >= INTEGER_LIMIT:
                raise commit_refused(
                    subject,
                    checkpoint.number,
                    "range",
                    f"{what}{name}",
                    str(value),
                    str(cells[name]),
                )


def kept_from(held: MemoryPartition, expire_before: Mapping[str, int]) -> dict[str, int]:
    """Return rung -> the first pane start that is kept; a bound never goes back."""
    kept = dict(held.progress.kept_from_ms)
    for rung, before in expire_before.items():
        kept[rung] = max(before, kept.get(rung, before))
    return kept


def apply(
    held: MemoryPartition,
    checkpoint: Checkpoint,
    who: PartitionId,
    claim_id: str,
    kept: Mapping[str, int],
    now_ms: int,
) -> None:
    """Apply a checkpoint that passed every check."""
    _add_panes(held, checkpoint, kept)
    for rung, before in kept.items():
        panes = held.rungs.get(rung, {})
        for start in sorted(start for start in panes if start < before)[:EXPIRE_MAX]:
            del panes[start]
    for processor, states in checkpoint.states.items():
        _change(held.states, {(processor, state_id): state for state_id, state in states.items()})
    _change(held.timers, checkpoint.timers)
    for scope, values in checkpoint.admitted.items():
        admitted = held.admitted.get(scope, [])
        held.admitted[scope] = list(dict.fromkeys([*admitted, *values]))
    held.log.append(_record(held, checkpoint, who, claim_id))
    counters = dict(held.progress.counters)
    for name, delta in checkpoint.counters.items():
        counters[name] = counters.get(name, 0) + delta
    held.progress = replace(
        held.progress,
        number=checkpoint.number,
        offset=checkpoint.offset,
        max_ts_ms=checkpoint.max_ts_ms,
        written_ms=now_ms,
        writer=claim_id,
        counters=counters,
        kept_from_ms=dict(kept),
    )


def _add_panes(held: MemoryPartition, checkpoint: Checkpoint, kept: Mapping[str, int]) -> None:
    for rung, deltas in checkpoint.rungs.items():
        for start, cells in deltas.items():
            if cells and start >= kept.get(rung, start):
                pane = held.rungs.setdefault(rung, {}).setdefault(start, {})
                for name, delta in cells.items():
                    stored = pane.get(name, 0)
                    pane[name] = delta + stored if isinstance(stored, int) else delta
    for rung, sketches in checkpoint.sketches.items():
        for start, blobs in sketches.items():
            if blobs and start >= kept.get(rung, start):
                pane = held.rungs.setdefault(rung, {}).setdefault(start, {})
                for name, blob in blobs.items():
                    known = pane.get(name)
                    hashes = known if isinstance(known, frozenset) else frozenset[int]()
                    pane[name] = frozenset(smallest(hashes | unpack(blob)))


def _change(into: MutableMapping[K, V], changes: Mapping[K, V | None]) -> None:
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value


def _record(
    held: MemoryPartition, checkpoint: Checkpoint, who: PartitionId, claim_id: str
) -> LogRecord:
    delta = Delta(
        id=who,
        epoch=checkpoint.epoch,
        position=Position(checkpoint.number, claim_id),
        offset=checkpoint.offset,
        max_ts_ms=checkpoint.max_ts_ms,
        base=base_panes(checkpoint.base, checkpoint.base_sketches),
        counters=dict(checkpoint.counters),
    )
    return LogRecord(delta, after=held.progress.writer)
