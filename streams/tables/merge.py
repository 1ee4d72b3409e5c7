"""Panes of several partitions as one: integers add, sketches unite."""

from __future__ import annotations

from collections.abc import Iterable

from processors.sketch import smallest
from streams.tables.base import Cells, RungPanes


def add_cells(into: Cells, cells: Cells) -> None:
    """Add cells to others of the same pane.

    Raises:
        TypeError: one is an integer where the other is a sketch.
    """
    for name, value in cells.items():
        stored = into.get(name)
        if stored is None:
            into[name] = value
        elif isinstance(stored, int) and isinstance(value, int):
            into[name] = stored + value
        elif isinstance(stored, frozenset) and isinstance(value, frozenset):
            into[name] = frozenset(smallest(stored | value))
        else:
            raise TypeError(f"cell {name!r} is an integer in one place and a sketch in another")


def merge_panes(parts: Iterable[RungPanes]) -> RungPanes:
    """Return the sum of panes, in order of their starts."""
    merged: RungPanes = {}
    for part in parts:
        for start, cells in part.items():
            add_cells(merged.setdefault(start, {}), cells)
    return dict(sorted(merged.items()))
