"""A checkpoint as bytes: the commit script's argument, and the entry in the log of deltas.

The script takes a msgpack map, and a tail of all binary strings, because the server's msgpack has
no binary type. Names and values travel as two arrays, because that is what HMGET and HSET take. Lua
has doubles only: integers from 2^52 on travel as decimal text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any, Final

import msgspec

from processors.checkpoint import Checkpoint, PaneDeltas, PaneSketches
from processors.errors import PartitionStoppedError
from processors.sketch import unpack
from streams.tables.base import Delta, PartitionId, Position, RungPanes
from streams.tables.keys import META_COUNTER, TIMER_SEPARATOR
from streams.tables.verdict import INTEGER_LIMIT, integer_fault

_EXACT: Final = 2**52


class LogEntry(msgspec.Struct, array_like=True):
    """One checkpoint in the log of deltas."""

    epoch: int
    number: int
    offset: int
    max_ts_ms: int | None
    base: PaneDeltas
    base_sketches: PaneSketches
    counters: dict[str, int]


_encoder = msgspec.msgpack.Encoder()
_entries = msgspec.msgpack.Decoder(LogEntry)


def check_deltas(subject: str, checkpoint: Checkpoint) -> None:
    """Check what can be checked without the table.

    Raises:
        PartitionStoppedError: a delta is not below 10^17 in absolute value.
    """
    groups: Iterable[tuple[str, Mapping[str, int]]] = chain(
        (
            (f"{rung}:{start} ", cells)
            for rung, panes in (*checkpoint.rungs.items(), ("log", checkpoint.base))
            for start, cells in panes.items()
        ),
        (("counter ", checkpoint.counters),),
    )
    for what, cells in groups:
        if cells and (
            max(cells.values()) >= INTEGER_LIMIT or min(cells.values()) <= -INTEGER_LIMIT
        ):
            cell = max(cells, key=lambda name: abs(cells[name]))
            fault = integer_fault(f"{what}{cell}", "anything", cells[cell])
            raise PartitionStoppedError(
                f"{subject}: checkpoint {checkpoint.number} refused, nothing was changed: {fault}."
            )


def encode_checkpoint(
    checkpoint: Checkpoint, claim_id: str, expire_before: Mapping[str, int], schema: int
) -> tuple[bytes, bytes]:
    """Return the commit script's arguments."""
    tail: list[bytes] = []  # in the order in which the script takes them
    names: dict[str, int] = {}  # most cells are in every rung: each name travels once
    fields: dict[str, object] = {
        "schema": str(schema),
        "claim": claim_id,
        "epoch": str(checkpoint.epoch),
        "number": str(checkpoint.number),
        "expected": _text(checkpoint.expected_offset),
        "offset": str(checkpoint.offset),
        "max_ts_ms": _text(checkpoint.max_ts_ms),
        "rungs": [
            (rung, start, _indexes(names, cells), _integers(cells))
            for rung, panes in checkpoint.rungs.items()
            for start, cells in panes.items()
            if cells
        ],
        "sketches": [
            (rung, start, _indexes(names, cells), _append(tail, cells.values()))
            for rung, panes in checkpoint.sketches.items()
            for start, cells in panes.items()
            if cells
        ],
        "states": [
            (processor, *_states(tail, states)) for processor, states in checkpoint.states.items()
        ],
        "timers": _timers(tail, checkpoint.timers),
        "admitted": checkpoint.admitted,
        "counters": (
            [META_COUNTER + name for name in checkpoint.counters],
            _integers(checkpoint.counters),
        ),
        "expire": dict(expire_before),
    }
    log = _encoder.encode(
        LogEntry(
            checkpoint.epoch,
            checkpoint.number,
            checkpoint.offset,
            checkpoint.max_ts_ms,
            checkpoint.base,
            checkpoint.base_sketches,
            checkpoint.counters,
        )
    )
    fields |= {"names": list(names), "log": len(log)}
    return _encoder.encode(fields), b"".join((*tail, log))


def decode_entry(partition: PartitionId, writer: str, packed: bytes) -> Delta:
    """Return the delta that a log entry holds."""
    entry = _entries.decode(packed)
    return Delta(
        id=partition,
        epoch=entry.epoch,
        position=Position(entry.number, writer),
        offset=entry.offset,
        max_ts_ms=entry.max_ts_ms,
        base=base_panes(entry.base, entry.base_sketches),
        counters=entry.counters,
    )


def base_panes(base: PaneDeltas, sketches: PaneSketches) -> RungPanes:
    """Return deltas of integers and sketches as panes."""
    panes: RungPanes = {start: dict(cells) for start, cells in base.items() if cells}
    for start, blobs in sketches.items():
        for cell, blob in blobs.items():
            panes.setdefault(start, {})[cell] = unpack(blob)
    return panes


def timer_member(processor: str, state_id: bytes) -> bytes:
    """Return a timer's name in the sorted set of due times."""
    return processor.encode() + TIMER_SEPARATOR + state_id


def parse_timer(member: bytes) -> tuple[str, bytes]:
    """Undo :func:`timer_member`."""
    processor, _, state_id = member.partition(TIMER_SEPARATOR)
    return processor.decode(), state_id


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _integers(cells: Mapping[str, int]) -> list[Any]:
    values = list(cells.values())
    if values and (max(values) >= _EXACT or min(values) <= -_EXACT):
        return [value if -_EXACT < value < _EXACT else str(value) for value in values]
    return values


def _indexes(names: dict[str, int], cells: Iterable[str]) -> list[int]:
    """Return where the cells' names stand in the list of names, from 1 as Lua counts."""
    return [names.setdefault(cell, len(names) + 1) for cell in cells]


def _append(tail: list[bytes], items: Collection[bytes]) -> list[int]:
    """Append binary strings to the tail and return their sizes."""
    tail += items
    return list(map(len, items))


def _states(tail: list[bytes], states: Mapping[bytes, bytes | None]) -> tuple[list[int], list[int]]:
    """Append id, state, id, state, ... to set, then the ids to delete."""
    kept: list[bytes] = []
    deleted: list[bytes] = []
    for state_id, state in states.items():
        if state is None:
            deleted.append(state_id)
        else:
            kept += (state_id, state)
    return _append(tail, kept), _append(tail, deleted)


def _timers(
    tail: list[bytes], timers: Mapping[tuple[str, bytes], int | None]
) -> tuple[list[int], list[int], list[int]]:
    """Append the members to set, then those to remove; return the due times first."""
    due: list[int] = []
    kept: list[bytes] = []
    removed: list[bytes] = []
    for (processor, state_id), due_ms in timers.items():
        member = timer_member(processor, state_id)
        if due_ms is None:
            removed.append(member)
        else:
            due.append(due_ms)
            kept.append(member)
    return due, _append(tail, kept), _append(tail, removed)
