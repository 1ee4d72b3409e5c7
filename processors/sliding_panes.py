"""The panes of one rung that some window may still read, and the windows over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from processors.sketch import SKETCH_SIZE, smallest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from processors.sliding_view import CellNumbers, View

    Sums = dict[str, dict[int, int]]  # measure -> cell -> integer
    Sketches = dict[str, dict[int, AbstractSet[int]]]  # measure -> cell -> hashes

Pane = TypeVar("Pane")


class SlidingPanes:
    """Panes of one rung.

    Args:
        numbers: of cells, shared by all rungs.
    """

    def __init__(self, numbers: CellNumbers) -> None:
        self.views: list[View] = []
        self._numbers = numbers
        self._views_of: dict[str, list[View]] = {}
        self._sums: dict[int, Sums] = {}
        self._sketches: dict[int, Sketches] = {}
        self._kept_from_ms: int | None = None

    def attach(self, view: View) -> None:
        """Add a window over these panes; its measures must be complete."""
        self.views.append(view)
        for measure in view.measures:
            self._views_of.setdefault(measure, []).append(view)

    def add(self, start_ms: int, cells: Mapping[str, int | frozenset[int]]) -> None:
        """Add to a pane and to the windows over it; nothing where it is dropped already."""
        if self._kept_from_ms is not None and start_ms < self._kept_from_ms:
            return
        views_of, number = self._views_of, self._numbers.of
        sums: Sums = {}
        sketches: Sketches = {}
        for name, amount in cells.items():
            measure, cell = number(name)
            if measure in views_of:
                into = cast("Sums", sums if isinstance(amount, int) else sketches)
                into.setdefault(measure, {})[cell] = amount  # type: ignore[assignment]
        if sums:
            self._add_sums(start_ms, sums)
        if sketches:
            self._add_sketches(start_ms, sketches)

    def move(self, view: View, start_ms: int, end_ms: int) -> None:
        """Make a view sum over other panes."""
        fresh_ms = start_ms
        if view.placed and view.start_ms <= start_ms < view.end_ms <= end_ms:
            for _, pane in _between(self._sums, view.start_ms, start_ms):
                for measure in view.measures & pane.keys():
                    view.take_off(pane[measure])
            view.leave(start_ms)
            fresh_ms = view.end_ms
        else:
            view.clear()
        for _, pane in _between(self._sums, fresh_ms, end_ms):
            for measure in view.measures & pane.keys():
                view.add(pane[measure])
        for pane_ms, sketches in _between(self._sketches, fresh_ms, end_ms):
            for measure in view.measures & sketches.keys():
                view.unite(pane_ms, sketches[measure])
        view.start_ms, view.end_ms, view.placed = start_ms, end_ms, True
        view.moves += 1

    def drop(self) -> None:
        """Forget panes before every placed window."""
        starts = [view.start_ms for view in self.views if view.placed]
        if not starts:
            return
        first_ms = min(starts)
        gone = [start for start in (*self._sums, *self._sketches) if start < first_ms]
        for start_ms in gone:
            self._sums.pop(start_ms, None)
            self._sketches.pop(start_ms, None)
        if gone:
            self._kept_from_ms = max(first_ms, self._kept_from_ms or first_ms)

    @property
    def whole(self) -> bool:
        """Whether no placed window reaches back behind what was dropped."""
        kept_from_ms = self._kept_from_ms
        return kept_from_ms is None or all(
            view.start_ms >= kept_from_ms for view in self.views if view.placed
        )

    def _add_sums(self, start_ms: int, sums: Sums) -> None:
        pane = self._sums.setdefault(start_ms, {})
        for measure, cells in sums.items():
            held = pane.get(measure)
            if held is None:
                pane[measure] = dict(cells)
            else:
                for cell, amount in cells.items():
                    held[cell] = held.get(cell, 0) + amount
            for view in self._views_of[measure]:
                if view.holds(start_ms):
                    view.add(cells)
                    view.touch(measure)

    def _add_sketches(self, start_ms: int, sketches: Sketches) -> None:
        pane = self._sketches.setdefault(start_ms, {})
        for measure, cells in sketches.items():
            held = pane.setdefault(measure, {})
            for cell, hashes in cells.items():
                held[cell] = _united(held.get(cell), hashes)
            for view in self._views_of[measure]:
                if view.holds(start_ms):
                    view.unite(start_ms, cells)
                    view.touch(measure)


def _united(held: AbstractSet[int] | None, hashes: AbstractSet[int]) -> AbstractSet[int]:
    """Return a pane's sketch with hashes added, to the set itself where it is one of our own.

    It may hold up to twice as many hashes as a sketch: sorting the smallest out at every delta
    costs more than everything else, and what reads a sketch looks at the smallest only.
    """
    if held is None:
        return hashes
    into = held if isinstance(held, set) else set(held)
    into |= hashes
    return into if len(into) <= 2 * SKETCH_SIZE else set(smallest(into))


def _between(panes: Mapping[int, Pane], start_ms: int, end_ms: int) -> list[tuple[int, Pane]]:
    return [item for item in panes.items() if start_ms <= item[0] < end_ms]
