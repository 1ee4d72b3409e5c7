"""The cells of one window, grouped by measure and dimension set: KPIs find theirs at once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from processors.names import parse_cell
from processors.sketch import union

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    Amount = int | AbstractSet[int]  # an integer, or the hashes of a sketch
    Values = dict[str, Amount]  # dimension values, joined -> amount

SEPARATOR = "\x1f"


class CellRef(NamedTuple):
    """A cell's name, taken apart as the table is built; ``group`` is (measure, dimensions)."""

    group: tuple[str, str]
    component: str
    values: str


@lru_cache(maxsize=500_000)
def cell_ref(name: str) -> CellRef:
    """Take a cell's name apart."""
    cell = parse_cell(name)
    return CellRef(
        (cell.measure, ",".join(cell.dimensions)), cell.component, SEPARATOR.join(cell.values)
    )


class CellTable:
    """Sums of cells. A cell of amount 0 is the same as none.

    ``groups`` is (measure, dimensions) -> component -> dimension values -> amount.
    """

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str], dict[str, Values]] = {}

    @classmethod
    def of(cls, panes: Iterable[Mapping[str, Amount]]) -> CellTable:
        """Add up panes: integers add, sketches unite.

        Raises:
            TypeError: a cell is an integer in one pane and a sketch in another.
        """
        table = cls()
        sketches: dict[str, list[AbstractSet[int]]] = {}
        for cells in panes:
            for name, amount in cells.items():
                if isinstance(amount, int):
                    table.add(cell_ref(name), amount)
                else:
                    sketches.setdefault(name, []).append(amount)
        for name, parts in sketches.items():
            ref = cell_ref(name)
            if ref.values in table.values(ref):
                raise TypeError(f"cell {name!r} is an integer in one pane, a sketch in another")
            table.values(ref)[ref.values] = union(parts)
        return table

    def values(self, ref: CellRef) -> Values:
        """Return the amounts beside which a cell stands, by dimension values."""
        group = self.groups.get(ref.group)
        if group is None:
            group = self.groups[ref.group] = {}
        found = group.get(ref.component)
        if found is None:
            found = group[ref.component] = {}
        return found

    def add(self, ref: CellRef, amount: int) -> None:
        """Add to an integer cell; at 0 it is gone."""
        values = self.values(ref)
        total = values.get(ref.values, 0) + amount  # type: ignore[operator]
        if total:
            values[ref.values] = total
        else:
            values.pop(ref.values, None)

    def less(self, other: CellTable) -> CellTable:
        """Return this table's integers less another's; sketches cannot forget and are left out."""
        found = CellTable()
        for table, sign in ((self, 1), (other, -1)):
            for group, components in table.groups.items():
                for component, values in components.items():
                    for key, amount in values.items():
                        if isinstance(amount, int):
                            found.add(CellRef(group, component, key), sign * amount)
        return found

    def members(self, measure: str, dimensions: tuple[str, ...]) -> Mapping[str, AbstractSet[int]]:
        """Return the hashes of a distinct count, by dimension values."""
        values = self.components(measure, dimensions).get("", {})
        return {key: hashes for key, hashes in values.items() if not isinstance(hashes, int)}

    def components(self, measure: str, dimensions: tuple[str, ...]) -> Mapping[str, Values]:
        """Return a measure's cells of one dimension set, by component."""
        return self.groups.get((measure, ",".join(dimensions)), {})

    def picked(
        self, measure: str, dimensions: tuple[str, ...], keys: Iterable[str]
    ) -> Mapping[str, Values]:
        """Return :meth:`components` of some dimension values only."""
        return {
            component: found
            for component, values in self.components(measure, dimensions).items()
            if (found := {key: values[key] for key in keys if key in values})
        }
