"""What a keyed processor is, and how its states live.

A processor keeps one state a key and concludes facts. Its laws, which the pipeline relies on:

* the facts concluded so far, summed with their weights, are a function of the SET of events taken
  and of the watermark, not of the order in which the events arrived;
* an event later than ``lateness_ms`` behind the watermark is never handed to it, and a state that
  no such event can touch any more is dropped without changing any result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

Emit = Callable[[Any], None]
NEVER_MS = 1 << 62


class State(Protocol):
    """A key's state: what the cache and the timers need to know of it.

    ``due_ms`` is when :meth:`Processor.close` must look at it again, event time.
    """

    key: str
    due_ms: int


class Processor(ABC):
    """A keyed processor; one instance a partition, the state handed in at each call."""

    name: ClassVar[str]
    state_type: ClassVar[type]
    """What :meth:`new` returns; stored as msgpack (processors/schema.py)."""
    types: ClassVar[tuple[str, ...]]
    lateness_ms: int
    keyed_by: ClassVar[frozenset[str]] = frozenset()
    """Kinds of identities that are a state's key: forgetting one drops the state."""
    holds: ClassVar[frozenset[str]] = frozenset()
    """Kinds of identities that states of other keys may hold: forgetting one looks at all."""
    hands_over: ClassVar[bool] = False
    """Whether what it emits is no fact but an emission, for the topic that its own passes on to."""
    takes_linked: ClassVar[bool] = False
    """Whether it takes a backend's purchase that is handed over to its visitor, as a purchase."""

    @abstractmethod
    def key(self, event: Any) -> str | None:
        """Return the event's key; none, or an empty one, where the processor does not take it."""

    @abstractmethod
    def new(self, key: str) -> Any:
        """Return the state of a key never seen."""

    @abstractmethod
    def take(self, state: Any, event: Any, offset: int, emit: Emit) -> None:
        """Add one event to a state, emitting the facts that change."""

    @abstractmethod
    def close(self, state: Any, watermark_ms: int, emit: Emit) -> bool:
        """Conclude what is due at the watermark; False when the state can be dropped."""

    def erased(self, state: Any, identity: str) -> Any | None:
        """Return a state without what it holds of somebody: itself if it holds nothing of them.

        None where nothing is left. Asked only of kinds of identities in ``holds``.
        """
        del identity
        return state
