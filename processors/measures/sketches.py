"""Members of distinct counts into the sketches of panes, each sent once to every rung."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from processors.ladder import BASE_MS, DAY_MS
from processors.measures.sent import SentMembers
from processors.sketch import HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.checkpoint import PaneSketches
    from processors.ladder import Ladder, Rung
    from processors.measures.labels import Labelled
    from processors.measures.plan import Reading
    from processors.measures.rows import Hashes, Numbers

    Level = dict[tuple[int, int], Hashes]
    """(pane's start, number of the label) -> hashes, ascending, each once"""

_RADIX_BELOW = 1 << 16  # numpy sorts integers of 16 bits by radix: five times as fast


class Sketches:
    """What the sketches of all rungs are sent; remembers what they were."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        self._sent = SentMembers()

    def add(
        self,
        reading: Reading,
        labelled: Labelled,
        cells: list[str],
        codes: Numbers,
        hashes: Hashes,
        base_sketches: PaneSketches,
        sketches: dict[str, PaneSketches],
    ) -> None:
        """Add a measure's members.

        Args:
            reading: of which measure.
            labelled: of the dimension set.
            cells: names by number of the label.
            codes: pane and label of each member, as ``labelled`` has them.
            hashes: of the members, ascending.
            base_sketches: gets what is to be sent of base panes.
            sketches: the same by rung.
        """
        base: Level = {}
        for (start, label), members, packed in self._by_pane(labelled, codes, hashes):
            base[start, label] = members
            # Few come twice within a base pane: the table drops those.
            _append(base_sketches, start, cells[label], packed)
        level, finer_ms = base, BASE_MS
        for rung in reading.rungs:
            panes = sketches.setdefault(rung.name, {})
            if rung.size_ms != BASE_MS:
                # What a pane was sent before, the coarser panes around it were sent too. But where
                # days begin within an hour, an hour's pane lies in two of them.
                if rung.size_ms == DAY_MS and self._lie_in_two(rung, level, finer_ms):
                    level = base
                level = {
                    (start, label): self._sent.fresh(rung.name, start, cells[label], members)
                    for (start, label), members in self._united(rung, level).items()
                }
            finer_ms = rung.size_ms
            for (start, label), members in level.items():
                if len(members):
                    _append(panes, start, cells[label], _packed(members))

    @staticmethod
    def _by_pane(
        labelled: Labelled, codes: Numbers, hashes: Hashes
    ) -> Iterator[tuple[tuple[int, int], Hashes, bytes]]:
        """Yield the distinct hashes of each pane and label; stable sorting keeps them ascending."""
        if not len(codes):
            return
        key = codes.astype(np.uint16) if labelled.size <= _RADIX_BELOW else codes
        order = np.argsort(key, kind="stable")
        codes, hashes = codes[order], hashes[order]
        first = np.ones(len(codes), np.bool_)
        first[1:] = codes[1:] != codes[:-1]
        fresh = first.copy()
        fresh[1:] |= hashes[1:] != hashes[:-1]
        codes, hashes, first = codes[fresh], hashes[fresh], first[fresh]
        starts = np.flatnonzero(first)
        packed, labels = _packed(hashes), labelled.labels
        begin = starts.tolist()
        for code, start, end in zip(
            codes[starts].tolist(), begin, [*begin[1:], len(hashes)], strict=True
        ):
            pane, label = divmod(code, labels)
            at = (labelled.first_pane + pane) * BASE_MS, label
            yield at, hashes[start:end], packed[HASH_BYTES * start : HASH_BYTES * end]

    def _lie_in_two(self, rung: Rung, finer: Level, finer_ms: int) -> bool:
        """Tell whether any finer pane begins in one pane of a rung and ends in the next."""
        start_of = self._ladder.pane_start
        return any(
            start_of(rung, start) != start_of(rung, start + finer_ms - 1)
            for start in {start for start, _ in finer}
        )

    def _united(self, rung: Rung, finer: Level) -> Level:
        """Unite the members of finer panes by the panes of a rung around them."""
        starts = {start: self._ladder.pane_start(rung, start) for start in {s for s, _ in finer}}
        parts: dict[tuple[int, int], list[Hashes]] = {}
        for (start, label), members in finer.items():
            if len(members):
                parts.setdefault((starts[start], label), []).append(members)
        return {at: _union(some) for at, some in parts.items()}


def _union(parts: list[Hashes]) -> Hashes:
    if len(parts) == 1:
        return parts[0]
    joined = np.concatenate(parts)
    joined.sort()  # np.unique hashes first, which takes three times as long
    fresh = np.ones(len(joined), np.bool_)
    fresh[1:] = joined[1:] != joined[:-1]
    return joined[fresh]


def _packed(hashes: Hashes) -> bytes:
    return hashes.astype(">u8").tobytes()


def _append(panes: PaneSketches, start_ms: int, cell: str, packed: bytes) -> None:
    pane = panes.setdefault(start_ms, {})
    before = pane.get(cell)
    pane[cell] = packed if before is None else before + packed
