"""Which members a pane's sketch was sent already, so that each travels to the table once."""

from __future__ import annotations

from processors.sketch import SKETCH_SIZE

_SENT_HASHES_MAX = 200_000


class SentMembers:
    """The hashes sent by pane and cell; forgetting some only sends them twice."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, int, str], set[bytes]] = {}
        self._hashes = 0

    def fresh(self, rung: str, start_ms: int, cell: str, hashes: set[bytes]) -> set[bytes]:
        """Return the hashes that this pane was not sent yet and that its sketch would keep."""
        at = (rung, start_ms, cell)
        sent = self._sent.get(at)
        if sent is None:
            sent = self._sent[at] = set()
        fresh = hashes - sent
        sent |= fresh
        self._hashes += len(fresh)
        if len(sent) > 2 * SKETCH_SIZE:
            kept = set(sorted(sent)[:SKETCH_SIZE])
            fresh &= kept
            self._hashes -= len(sent) - len(kept)
            sent.intersection_update(kept)
        while self._hashes > _SENT_HASHES_MAX:
            self._hashes -= len(self._sent.pop(next(iter(self._sent))))
        return fresh
