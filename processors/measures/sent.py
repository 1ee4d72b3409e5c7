"""Which members a pane's sketch was sent already, so that each travels to the table once."""

from __future__ import annotations

from processors.sketch import SKETCH_SIZE

_SENT_HASHES_MAX = 200_000


class SentMembers:
    """The hashes sent by pane and cell; forgetting some only sends them twice."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, int, str], set[bytes]] = {}
        self._largest: dict[tuple[str, int, str], bytes] = {}  # of those that a full sketch keeps
        self._hashes = 0

    def fresh(self, rung: str, start_ms: int, cell: str, hashes: set[bytes]) -> set[bytes]:
        """Return the hashes that this pane was not sent yet and that its sketch would keep."""
        at = (rung, start_ms, cell)
        sent = self._sent.get(at)
        if sent is None:
            sent = self._sent[at] = set()
        largest = self._largest.get(at)
        if largest is None:
            fresh = hashes - sent
        else:
            fresh = {one for one in hashes if one < largest} - sent
        if not fresh:
            return fresh
        sent |= fresh
        self._hashes += len(fresh)
        if len(sent) > 2 * SKETCH_SIZE:
            smallest = sorted(sent)[:SKETCH_SIZE]
            self._largest[at] = smallest[-1]
            self._hashes -= len(sent) - SKETCH_SIZE
            sent.intersection_update(smallest)
            fresh &= sent
        while self._hashes > _SENT_HASHES_MAX:
            oldest = next(iter(self._sent))
            self._hashes -= len(self._sent.pop(oldest))
            self._largest.pop(oldest, None)
        return fresh
