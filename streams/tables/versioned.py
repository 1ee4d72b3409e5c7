"""A reader that shows a catalogue's own version of each measure under the measure's plain name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from processors.catalog.versions import VERSION_MARK
from streams.tables.base import Followed, PartitionSnapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from processors.catalog.versions import Kept
    from streams.tables.base import (
        Cells,
        PartitionId,
        Position,
        Progress,
        RungPanes,
        TableReader,
    )

_ENDS = ("\x1f", "#")  # what follows a measure in a cell's name (processors/names.py)


class VersionedReader:
    """See :class:`streams.tables.base.TableReader`: the cells of other versions are not there.

    Args:
        reader: of the namespace, all versions side by side.
        kept: which version of each measure is wanted.
    """

    def __init__(self, reader: TableReader, kept: Kept) -> None:
        self._reader = reader
        self._kept = kept

    async def progress(self) -> dict[PartitionId, Progress]:
        """Return how far each partition is."""
        return await self._reader.progress()

    async def panes(self, rung: str, start_ms: int, end_ms: int) -> RungPanes:
        """Return the panes that start in [start, end), merged over all partitions."""
        return self._translated(await self._reader.panes(rung, start_ms, end_ms))

    async def snapshot(
        self, rungs_since: Mapping[str, int], only: Collection[PartitionId] | None = None
    ) -> dict[PartitionId, PartitionSnapshot]:
        """Return each partition's panes at one exact position."""
        found = await self._reader.snapshot(rungs_since, only)
        return {
            who: PartitionSnapshot(
                part.progress, {rung: self._translated(p) for rung, p in part.rungs.items()}
            )
            for who, part in found.items()
        }

    async def follow(self, since: Mapping[PartitionId, Position], *, block_ms: int = 0) -> Followed:
        """Return what was committed after ``since``."""
        found = await self._reader.follow(since, block_ms=block_ms)
        deltas = [replace(delta, base=self._translated(delta.base)) for delta in found.deltas]
        return replace(found, deltas=deltas)

    def _translated(self, panes: RungPanes) -> RungPanes:
        if not self._kept.versioned:
            return panes
        return {start: self._of_version(cells) for start, cells in panes.items()}

    def _of_version(self, cells: Cells) -> Cells:
        kept: Cells = {}
        for name, amount in cells.items():
            end = min((at for at in map(name.find, _ENDS) if at >= 0), default=len(name))
            stored, rest = name[:end], name[end:]
            measure = stored.partition(VERSION_MARK)[0]
            if measure not in self._kept.versioned:
                kept[name] = amount
            elif self._kept.name(measure) == stored:
                kept[measure + rest] = amount
        return kept
