"""States of processors that no KPI needs any more: they go, and nothing is concluded of them.

::

    catalogue    sessions ------------> none ------------------> sessions again
    states       open ---------------|  10,000 a checkpoint   |  begin anew

What they hold is stale from the first event that they are not told of: concluded later, it would be
a figure that no recomputation finds. Where a KPI that reads them comes back, its measures are taken
up anew and say since when (processors/catalog/versions.py): figures from there on are those of
processors that begin there, as in a namespace that is new. So nothing is lost by letting them go,
and identities that nobody counts any more are not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.erasure import keys_of, texts_in
from processors.state import state_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from processors.control import Forgotten
    from processors.keyed.base import Processor


class Unneeded:
    """What is left in one partition of processors that are not needed.

    Args:
        processors: those of the partition's topic.
    """

    def __init__(self, processors: Sequence[Processor]) -> None:
        self._processors = tuple(processors)
        self._gone: set[tuple[str, bytes]] = set()

    def __bool__(self) -> bool:
        """Whether any is to go with the next checkpoint."""
        return bool(self._gone)

    @property
    def names(self) -> tuple[str, ...]:
        """Of whom there may be states yet."""
        return tuple(processor.name for processor in self._processors)

    def let_go(self, found: Iterable[tuple[str, bytes]]) -> None:
        """Have states and their timers go with the next checkpoint."""
        self._gone.update(found)

    def end(self) -> None:
        """Note that nothing is left: only this owner writes, and it writes none."""
        self._processors = ()

    def wanted(self, forgotten: Iterable[Forgotten]) -> Iterator[tuple[str, bytes]]:
        """Yield the states to load: those that an identity is the key of."""
        for name, identity in keys_of(self._processors, forgotten):
            yield name, state_id(identity)

    def sought(self, forgotten: Iterable[Forgotten]) -> Iterator[tuple[str, bytes]]:
        """Yield what to look for in a processor's states that other keys may hold."""
        return texts_in(self._processors, forgotten)

    def forget(
        self, one: Forgotten, states: Mapping[tuple[str, bytes], bytes | None]
    ) -> dict[str, int]:
        """Have everything go now that holds somebody; return processor -> states removed.

        Args:
            one: whom.
            states: what :meth:`wanted` and :meth:`sought` asked for, as it is in the table.
        """
        ids = set(self.wanted([one]))
        texts: dict[str, list[bytes]] = {}
        for name, text in self.sought([one]):
            texts.setdefault(name, []).append(text)
        removed: dict[str, int] = {}
        for key, blob in states.items():
            if blob is None or key in self._gone:
                continue
            if key in ids or any(text in blob for text in texts.get(key[0], ())):
                self._gone.add(key)
                removed[key[0]] = removed.get(key[0], 0) + 1
        return removed

    def drain(self) -> set[tuple[str, bytes]]:
        """Return what goes with this checkpoint: (processor, state id)."""
        gone, self._gone = self._gone, set()
        return gone
