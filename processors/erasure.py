"""Forgetting an identity: what is kept of it in one partition's keyed state goes, unconcluded.

Figures stay: what was counted stays counted, and what would have been concluded later (the end of
an open session, an abandoned cart) never is. A receipt says how many states went, and nothing of
whom. Events that come afterwards begin anew.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from processors.state import state_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from processors.control import Forgotten
    from processors.event import CustomerForgotten
    from processors.keyed.base import Emit, Processor
    from processors.state import StateCache

RECEIPTS: Final = "_forgotten"  # the name under which receipts are stored, beside processors


def receipt_id(request_id: str) -> bytes:
    """Return the state id of a request's receipt."""
    return state_id(f"receipt/{request_id}")


def arrivals_id(request_id: str) -> bytes:
    """Return the state id of the sources that have passed a request on so far."""
    return state_id(f"arrivals/{request_id}")


def read_receipt(encoded: bytes) -> dict[str, int]:
    """Return processor -> states removed."""
    return msgspec.msgpack.decode(encoded, type=dict[str, int])


def keys_of(
    processors: Sequence[Processor], forgotten: Iterable[Forgotten]
) -> Iterator[tuple[str, str]]:
    """Yield processor and identity where an identity is the key of a state."""
    for one in forgotten:
        for kind, identity in one.identities().items():
            for processor in processors:
                if kind in processor.keyed_by:
                    yield processor.name, identity


def texts_in(
    processors: Sequence[Processor], forgotten: Iterable[Forgotten]
) -> Iterator[tuple[str, bytes]]:
    """Yield processor and text where states of other keys may hold an identity."""
    for one in forgotten:
        for kind, identity in one.identities().items():
            for processor in processors:
                if kind in processor.holds:
                    yield processor.name, identity.encode("utf-8", "surrogatepass")


class Erasure:
    """Removes identities from the states of one partition.

    Args:
        caches: the partition's processors.
    """

    def __init__(self, caches: Sequence[StateCache]) -> None:
        self._caches = caches
        self._receipts: dict[bytes, Counter[str]] = {}
        self._arrivals: dict[bytes, set[str]] = {}
        self._changed: dict[bytes, bytes | None] = {}

    def has_arrived(
        self, one: CustomerForgotten, states: Mapping[tuple[str, bytes], bytes | None]
    ) -> bool:
        """Note who has passed a request on; tell whether every source has.

        A source that is behind may still pass on what it read before the request: the customer
        would be remembered by it, and join a second time.
        """
        identity = arrivals_id(one.event_id)
        if identity not in self._arrivals:
            stored = states.get((RECEIPTS, identity))
            known = msgspec.msgpack.decode(stored, type=set[str]) if stored else set()
            self._arrivals[identity] = known
        arrived = self._arrivals[identity]
        arrived.add(one.origin)
        self._changed[identity] = msgspec.msgpack.encode(sorted(arrived))
        if len(arrived) < one.sources:
            return False
        self._changed[identity] = None
        return True

    def wanted(self, forgotten: Iterable[Forgotten]) -> Iterable[tuple[str, bytes]]:
        """Yield the states to load: those that an identity is the key of."""
        caches = {cache.processor.name: cache for cache in self._caches}
        for name, identity in keys_of([c.processor for c in self._caches], forgotten):
            if identity not in caches[name]:
                yield name, state_id(identity)

    def sought(self, forgotten: Iterable[Forgotten]) -> Iterable[tuple[str, bytes]]:
        """Yield what to look for in a processor's states that other keys may hold."""
        return texts_in([cache.processor for cache in self._caches], forgotten)

    def forget(
        self,
        cache: StateCache,
        one: Forgotten,
        states: Mapping[tuple[str, bytes], bytes | None],
        watermark_ms: int | None,
        emit: Emit,
    ) -> None:
        """Remove what one processor keeps of somebody.

        Args:
            cache: the processor's states.
            one: whom.
            states: what :meth:`wanted` and :meth:`sought` asked for, as it is in the table.
            watermark_ms: where the log says to forget; None before any event.
            emit: takes what was due there.
        """
        processor, removed = cache.processor, 0
        for kind, identity in one.identities().items():
            if kind in processor.keyed_by:
                stored = states.get((processor.name, state_id(identity)))
                removed += cache.forget(identity, stored, watermark_ms, emit)
            if kind in processor.holds:
                found = (
                    blob
                    for (name, _), blob in states.items()
                    if name == processor.name and blob is not None
                )
                removed += cache.erase(identity, found)
        self.note(one, {processor.name: removed} if removed else {})

    def note(self, one: Forgotten, removed: Mapping[str, int]) -> None:
        """Add to a receipt: it is written even where there was nothing to remove."""
        receipt = self._receipts.setdefault(receipt_id(one.request_id), Counter())
        receipt.update(removed)

    def drain(self) -> dict[bytes, bytes | None]:
        """Return the receipts since the last drain, for the checkpoint."""
        receipts, self._receipts = self._receipts, {}
        changed, self._changed = self._changed, {}
        return changed | {
            identity: msgspec.msgpack.encode(dict(receipt))
            for identity, receipt in receipts.items()
        }
