"""Which members a pane's sketch was sent already, so that each travels to the table once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from processors.sketch import SKETCH_SIZE

if TYPE_CHECKING:
    from processors.measures.rows import Hashes


_SENT_HASHES_MAX = 500_000


class SentMembers:
    """The hashes sent by pane and cell; forgetting some only sends them twice."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, int, str], Hashes] = {}
        self._full: set[tuple[str, int, str]] = set()  # whose sketch keeps none above the largest
        self._hashes = 0

    def fresh(self, rung: str, start_ms: int, cell: str, hashes: Hashes) -> Hashes:
        """Return the hashes that this pane was not sent yet and that its sketch would keep.

        Args:
            rung: of the pane.
            start_ms: of the pane.
            cell: the sketch in it.
            hashes: in ascending order, each once; so is what is returned.
        """
        if not len(hashes):
            return hashes
        at = (rung, start_ms, cell)
        sent = self._sent.get(at)
        fresh: Hashes
        if sent is None:
            sent = fresh = hashes
        else:
            if at in self._full:
                hashes = hashes[: int(hashes.searchsorted(sent[-1]))]
            known = sent.take(sent.searchsorted(hashes), mode="clip") == hashes
            fresh = hashes[~known]
            if not len(fresh):
                return fresh
            self._hashes -= len(sent)
            sent = np.concatenate((sent, fresh))
            sent.sort()
        if len(sent) > 2 * SKETCH_SIZE:
            sent = sent[:SKETCH_SIZE].copy()
            self._full.add(at)
            fresh = fresh[: int(fresh.searchsorted(sent[-1], side="right"))]
        self._sent[at] = sent
        self._hashes += len(sent)
        while self._hashes > _SENT_HASHES_MAX:
            oldest = next(iter(self._sent))
            self._hashes -= len(self._sent.pop(oldest))
            self._full.discard(oldest)
        return fresh
