"""The tables' data in memory: what a server would hold. Tests copy it to go back in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from streams.tables.base import Delta, PartitionId, Progress, RungPanes, StateKey

LOG_LENGTH: Final = 32


@dataclass
class LogRecord:
    """A delta, and the writer of the checkpoint before it."""

    delta: Delta
    after: str


@dataclass
class MemoryPartition:
    """What Redis keeps under one partition's hash tag."""

    partitions: int
    topic_id: str
    log_start: int
    claim_id: str = ""
    schema: int = 0
    progress: Progress = field(default_factory=Progress)
    admitted: dict[str, list[str]] = field(default_factory=dict)
    rungs: dict[str, RungPanes] = field(default_factory=dict)
    states: dict[StateKey, bytes] = field(default_factory=dict)
    timers: dict[StateKey, int] = field(default_factory=dict)
    log: deque[LogRecord] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))


@dataclass
class MemoryTopic:
    """What the registry knows about a topic."""

    partitions: int
    topic_id: str
    checkpointed: set[int] = field(default_factory=set)


@dataclass
class MemoryNamespace:
    """One namespace."""

    topics: dict[str, MemoryTopic] = field(default_factory=dict)
    partitions: dict[PartitionId, MemoryPartition] = field(default_factory=dict)


@dataclass
class MemoryStore:
    """A server's worth of namespaces.

    Args:
        now_ms: the wall time of a checkpoint; handed in, so that simulations stay reproducible.
    """

    now_ms: Callable[[], int] = lambda: 0
    namespaces: dict[str, MemoryNamespace] = field(default_factory=dict)
    claims: int = 0  # never goes back, even if the rest does: claim ids are unique

    def namespace(self, name: str) -> MemoryNamespace:
        """Return a namespace, empty where it is new."""
        return self.namespaces.setdefault(name, MemoryNamespace())

    def new_claim_id(self) -> str:
        """Return an id that no other claim has."""
        self.claims += 1
        return f"claim-{self.claims}"

    def drop_namespace(self, name: str) -> None:
        """Forget a namespace."""
        self.namespaces.pop(name, None)
