"""The ledger of retries: each dead letter's record counts once, however often it is retried.

::

    dead letter of visitor/2/17     retry at 90     retry at 5000 (another person, a crash, ...)
    ledger                          counted at 90   17 is in the ledger: dropped as a duplicate

The ledger is state of the partition that the retries go to, written by the checkpoint that counts
the record, so what it says is true at every offset. It has no horizon: ids that dedup has long
forgotten are still known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from processors.state import state_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from processors.event import Event

LEDGER: Final = "_retried"  # the name under which it is stored, beside processors


class Retried(NamedTuple):
    """A retry that is valid; ``event`` is None where dedup has dropped it."""

    id: bytes
    offset: int
    event: Event | None


class Ledger:
    """What one partition knows about retries, since the last checkpoint."""

    def __init__(self) -> None:
        self._fresh: dict[bytes, bytes] = {}

    def plan(
        self, sources: Mapping[int, str], offsets: Sequence[int], events: Sequence[Event]
    ) -> list[Retried]:
        """Return the retries among some records, once duplicates are gone."""
        left = dict(zip(offsets, events, strict=True))
        return [
            Retried(state_id(source), offset, left.get(offset))
            for offset, source in sources.items()
        ]

    def repeated(
        self, retried: Iterable[Retried], states: Mapping[tuple[str, bytes], bytes | None]
    ) -> list[Event]:
        """Note retries; return the events of those that were counted before."""
        again = []
        for one in retried:
            if one.id in self._fresh or states.get((LEDGER, one.id)) is not None:
                if one.event is not None:
                    again.append(one.event)
            else:
                outcome = "duplicate" if one.event is None else "counted"
                self._fresh[one.id] = f"{outcome} at {one.offset}".encode()
        return again

    def drain(self) -> dict[bytes, bytes | None]:
        """Return the entries since the last drain, for the checkpoint."""
        fresh, self._fresh = self._fresh, {}
        return {**fresh}
