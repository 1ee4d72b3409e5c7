"""Some dimension values of a table are what the whole table says of them."""

from __future__ import annotations

import pytest

from processors.catalog.model import window
from processors.cells import CellTable
from processors.names import Cell, cell_name
from processors.sliding_view import CellNumbers, View
from processors.slots import WINDOW

PANES = {
    "a": {"n": {"x": 3, "y": 0}, "b0": {"x": 1}, "sum": {"x": 50}},
    "z": {"n": {"x": 1, "y": 2, "z": -1}},
}
PEOPLE = {"x": frozenset({1, 2}), "q": frozenset({3})}


def name(component: str, value: str) -> str:
    """Return a cell of one dimension."""
    measure, part = ("m", "") if component == "n" else ("h", component)
    return cell_name(Cell(measure, part, ("source",), (value,)))


def table_of(kind: str) -> CellTable:
    """Return a table of each kind with something in it."""
    numbers = CellNumbers()
    views = []
    for pane in PANES.values():
        view = View(window("1m"), frozenset(), final=True, slot=WINDOW, rung="10s")
        cells = {name(c, v): n for c, values in pane.items() for v, n in values.items()}
        view.add({numbers.of(cell)[1]: amount for cell, amount in cells.items()})
        views.append(view)
    people = {cell_name(Cell("p", "", ("source",), (v,))): h for v, h in PEOPLE.items()}
    views[0].unite(0, {numbers.of(cell)[1]: hashes for cell, hashes in people.items()})
    match kind:
        case "level":
            return views[0].table_less(views[1], numbers)
        case "sliding":
            return views[0].table(numbers)
    return CellTable.of(
        {name(c, v): n for c, values in pane.items() for v, n in values.items()}
        for pane in PANES.values()
    )


@pytest.mark.parametrize("kind", ["sliding", "level", "summed"])
@pytest.mark.parametrize("measure", ["m", "h", "p", "unknown"])
def test_picked_values_are_the_table_s(kind: str, measure: str) -> None:
    """Whatever is picked, the amounts are those of the components; nothing else is there."""
    table = table_of(kind)
    whole = table.components(measure, ("source",))
    for keys in ([], ["x"], ["x", "y", "nobody"], ["z", "q"]):
        wanted = {
            component: found
            for component, values in whole.items()
            if (found := {key: values[key] for key in keys if key in values})
        }
        assert table.picked(measure, ("source",), keys) == wanted
