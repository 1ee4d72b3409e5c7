"""What a partition's owner takes over (Claim) and what it hands back, atomically (Checkpoint).

These are the whole contract between the pure pipeline and the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# State ids are 16 bytes: a digest of the key, so that no identity is in a Redis key or field.
PaneDeltas = dict[int, dict[str, int]]  # pane start (ms) -> cell name -> what to add
PaneSketches = dict[int, dict[str, bytes]]  # pane start (ms) -> cell name -> 8-byte hashes to add


@dataclass(frozen=True)
class Claim:
    """A partition's stored progress, as handed to its new owner.

    Attributes:
        epoch: the fencing token: every later owner has a higher one.
        number: the last applied checkpoint's number; 0 before the first.
        offset: the next offset to process; None where the partition was never checkpointed.
        max_ts_ms: the largest event time seen; the watermark is this minus the allowed lateness.
        admitted: admission scope (``event type|dim,dim``) -> values in order of admission.
        counters: pipeline counters so far.
    """

    epoch: int
    number: int
    offset: int | None
    max_ts_ms: int | None
    admitted: dict[str, list[str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)


@dataclass
class Checkpoint:
    """One atomic step of a partition: applied whole, or not at all.

    Attributes:
        expected_offset: must equal the stored offset (None: nothing stored yet).
        base: deltas of the base rung, for the log of deltas that the exporter follows.
        rungs: rung name -> deltas, already rolled up, base rung included where it is stored.
        base_sketches, sketches: the same for distinct counts.
        states: processor -> state id -> encoded state; None deletes it.
        timers: (processor, state id) -> due time (ms), None removes it.
        counters: cumulative pipeline counters to add (events, late, duplicates, rejected:<reason>;
            and seen:<input>, whose sum is the largest event time (ms) of the input).
    """

    epoch: int
    number: int
    expected_offset: int | None
    offset: int
    max_ts_ms: int | None
    base: PaneDeltas = field(default_factory=dict)
    rungs: dict[str, PaneDeltas] = field(default_factory=dict)
    base_sketches: PaneSketches = field(default_factory=dict)
    sketches: dict[str, PaneSketches] = field(default_factory=dict)
    states: dict[str, dict[bytes, bytes | None]] = field(default_factory=dict)
    timers: dict[tuple[str, bytes], int | None] = field(default_factory=dict)
    admitted: dict[str, list[str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
