"""What is known of a partition's health; read by the health page, metrics and the watchdog."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.checkpoint import Checkpoint, Claim


class State(StrEnum):
    """Where a partition is in its life (drawn in partition.py)."""

    WAITING = "waiting"
    CLAIMING = "claiming"
    RESTORING = "restoring"
    RUNNING = "running"
    FENCED = "fenced"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass
class Vitals:
    """A partition's figures since this process first owned it.

    Attributes:
        topic: physical name.
        reached: the next offset to work on.
        committed: the offset of the last checkpoint.
        log_start: the first offset that the broker still has, as of the last look.
        log_end: the log's end as of the last fetch.
        stalled: lag without progress; set by the watchdog.
    """

    topic: str
    partition: int
    state: State = State.WAITING
    reason: str = ""
    epoch: int = 0
    number: int = 0
    reached: int = 0
    committed: int | None = None
    log_start: int | None = None
    log_end: int | None = None
    watermark_ms: int | None = None
    records: int = 0
    rejections: int = 0
    checkpoints: int = 0
    checkpoint_s: float = 0.0
    checkpoint_at: float | None = None
    stalled: bool = False
    changed_at: float = field(default_factory=monotonic)

    @property
    def lag(self) -> int | None:
        """Records between the position reached and the log's end; None before the first fetch."""
        return None if self.log_end is None else max(0, self.log_end - self.reached)

    def claimed(self, claim: Claim) -> None:
        """Note a claim."""
        self.epoch, self.number, self.committed = claim.epoch, claim.number, claim.offset
        self.reason = ""

    def count(self, records: int, rejections: int) -> None:
        """Note worked off records."""
        self.records += records
        self.rejections += rejections

    def checkpointed(self, checkpoint: Checkpoint, seconds: float) -> None:
        """Note a committed checkpoint."""
        self.number, self.committed = checkpoint.number, checkpoint.offset
        self.checkpoints += 1
        self.checkpoint_s = seconds
        self.checkpoint_at = monotonic()
