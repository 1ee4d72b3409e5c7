"""One window's sums, and the numbers by which cells are known while windows slide.

A cell is a number here: adding to it in a dozen windows is a dozen steps over small integers, and
what it is called matters only when somebody reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.cells import CellTable, cell_ref
from processors.sliding_union import SlidingUnion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from processors.catalog.model import Window
    from processors.catalog.operand import Slot
    from processors.cells import Values

    Sketch = AbstractSet[int]
    Groups = dict[tuple[str, str], dict[str, dict[str, int]]]


class CellNumbers:
    """Numbers of cells, given as they are first seen.

    ``groups`` is (measure, dimensions) -> component -> dimension values -> number.
    """

    def __init__(self) -> None:
        self.groups: Groups = {}
        self._known: dict[str, tuple[str, int]] = {}

    def of(self, name: str) -> tuple[str, int]:
        """Return a cell's measure and number."""
        found = self._known.get(name)
        if found is None:
            group, component, values = cell_ref(name)
            found = self._known[name] = group[0], len(self._known)
            self.groups.setdefault(group, {}).setdefault(component, {})[values] = found[1]
        return found


class SlidingTable(CellTable):
    """A view's cells as evaluation reads them; it changes with the view."""

    def __init__(
        self, groups: Groups, sums: Mapping[int, int], unions: Mapping[int, SlidingUnion]
    ) -> None:
        super().__init__()
        self._numbers, self._sums, self._unions = groups, sums, unions

    def components(self, measure: str, dimensions: tuple[str, ...]) -> Mapping[str, Values]:
        """Return a measure's cells that are not 0, distinct counts as estimates."""
        sums, unions = self._sums, self._unions
        found: dict[str, Values] = {}
        for component, numbers in self._numbers.get((measure, ",".join(dimensions)), {}).items():
            values: Values = {key: sums[cell] for key, cell in numbers.items() if cell in sums}
            for key, cell in numbers.items() if unions else ():
                if cell in unions:
                    values[key] = unions[cell].estimate()
            if values:
                found[component] = values
        return found

    def picked(
        self, measure: str, dimensions: tuple[str, ...], keys: Iterable[str]
    ) -> Mapping[str, Values]:
        """Return :meth:`components` of some dimension values, without a look at the others."""
        sums, unions = self._sums, self._unions
        found: dict[str, Values] = {}
        for component, numbers in self._numbers.get((measure, ",".join(dimensions)), {}).items():
            values: Values = {}
            for key in keys:
                cell = numbers.get(key, -1)
                if cell in sums:
                    values[key] = sums[cell]
                elif cell in unions:
                    values[key] = unions[cell].estimate()
            if values:
                found[component] = values
        return found

    def members(self, measure: str, dimensions: tuple[str, ...]) -> Mapping[str, Sketch]:
        """Return the hashes of a distinct count, by dimension values."""
        numbers = self._numbers.get((measure, ",".join(dimensions)), {}).get("", {})
        unions = self._unions
        return {key: unions[cell].hashes() for key, cell in numbers.items() if cell in unions}


class LevelTable(CellTable):
    """All since the beginning, less what came after some end; it changes with both views."""

    def __init__(self, groups: Groups, ever: Mapping[int, int], after: Mapping[int, int]) -> None:
        super().__init__()
        self._numbers, self._ever, self._after = groups, ever, after

    def components(self, measure: str, dimensions: tuple[str, ...]) -> Mapping[str, Values]:
        """Return a measure's cells that are not 0."""
        ever, after = self._ever, self._after
        found: dict[str, Values] = {}
        for component, numbers in self._numbers.get((measure, ",".join(dimensions)), {}).items():
            values: Values = {
                key: amount
                for key, cell in numbers.items()
                if (amount := ever.get(cell, 0) - after.get(cell, 0))
            }
            if values:
                found[component] = values
        return found

    def picked(
        self, measure: str, dimensions: tuple[str, ...], keys: Iterable[str]
    ) -> Mapping[str, Values]:
        """Return :meth:`components` of some dimension values, without a look at the others."""
        ever, after = self._ever, self._after
        found: dict[str, Values] = {}
        for component, numbers in self._numbers.get((measure, ",".join(dimensions)), {}).items():
            values: Values = {
                key: amount
                for key in keys
                if (cell := numbers.get(key)) is not None
                and (amount := ever.get(cell, 0) - after.get(cell, 0))
            }
            if values:
                found[component] = values
        return found


class View:
    """Sums over one run of panes that moves forward. Nothing until it has been placed.

    Attributes:
        moves: how often it was placed.
        changes: measure -> how often its cells have changed while it stood still.
    """

    def __init__(
        self, window: Window, topics: frozenset[str], *, final: bool, slot: Slot, rung: str
    ) -> None:
        self.window, self.topics, self.final = window, topics, final
        self.slot, self.rung = slot, rung
        self.measures: set[str] = set()
        self.start_ms = self.end_ms = 0
        self.placed = False
        self.moves = 0
        self.changes: dict[str, int] = {}
        self._sums: dict[int, int] = {}
        self._unions: dict[int, SlidingUnion] = {}

    def touch(self, measure: str) -> None:
        """Note that a measure's cells have changed."""
        self.changes[measure] = self.changes.get(measure, 0) + 1

    def holds(self, pane_ms: int) -> bool:
        """Whether a pane is in the window."""
        return self.placed and self.start_ms <= pane_ms < self.end_ms

    def add(self, cells: Mapping[int, int]) -> None:
        """Add integers of a pane that is in the window."""
        sums = self._sums
        for cell, amount in cells.items():
            total = sums.get(cell, 0) + amount
            if total:
                sums[cell] = total
            else:
                sums.pop(cell, None)

    def take_off(self, cells: Mapping[int, int]) -> None:
        """Take integers off of a pane that has left the window."""
        sums = self._sums
        for cell, amount in cells.items():
            total = sums.get(cell, 0) - amount
            if total:
                sums[cell] = total
            else:
                sums.pop(cell, None)

    def unite(self, pane_ms: int, sketches: Mapping[int, Sketch]) -> None:
        """Add sketches of a pane that is in the window."""
        for cell, hashes in sketches.items():
            union = self._unions.get(cell)
            if union is None:
                union = self._unions[cell] = SlidingUnion()
            union.add(pane_ms, hashes)

    def leave(self, start_ms: int) -> None:
        """Forget distinct members last seen before ``start_ms``."""
        for cell, union in list(self._unions.items()):
            union.evict(start_ms)
            if not union:
                del self._unions[cell]

    def clear(self) -> None:
        """Forget all sums."""
        self._sums.clear()
        self._unions.clear()

    def table(self, numbers: CellNumbers) -> CellTable:
        """Return the sums by name."""
        return SlidingTable(numbers.groups, self._sums, self._unions)

    def table_less(self, other: View, numbers: CellNumbers) -> CellTable:
        """Return the integers by name, those of another view taken off."""
        return LevelTable(numbers.groups, self._sums, other._sums)
