"""Labels of a dimension set's values, numbered, with the names of the cells that carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from processors import names

if TYPE_CHECKING:
    from processors.admission import Admission, Values
    from processors.measures.rows import Numbers, Projection, Rows


class Labelled(NamedTuple):
    """Pane and label of each row as one number.

    ``codes`` is (pane - first_pane) * labels + number of the label, each below ``size``.
    """

    codes: Numbers
    first_pane: int
    labels: int
    size: int


class Labels:
    """The labels of one type's values of a dimension set, as they are admitted.

    Args:
        admission: decides which keep their own.
        scope: of the admission.
        dimensions: the set.
    """

    def __init__(self, admission: Admission, scope: str, dimensions: tuple[str, ...]) -> None:
        self._admission, self._scope, self._dimensions = admission, scope, dimensions
        self._projection: Projection | None = None
        self._cells: dict[tuple[str, str], list[str]] = {}
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[Values, int] = {}
        self._of_value: Numbers = np.zeros(0, np.int64)
        self._cells.clear()

    @property
    def others(self) -> list[int]:
        """Numbers of the labels that stand for what was not admitted."""
        return [n for label, n in self._numbers.items() if names.OTHER_VALUE in label]

    def label(self, rows: Rows, only: Numbers | None = None) -> Labelled:
        """Return the labels of rows, admitting values in the order of the rows.

        Args:
            rows: of the type.
            only: in ascending order, the rows that count; others' labels mean nothing.
        """
        projection = rows.combos.projection(self._dimensions)
        if projection is not self._projection:
            self._projection = projection
            self._forget()
        before = len(self._of_value)
        more = np.full(len(projection.values) - before, -1)
        self._of_value = np.concatenate((self._of_value, more))
        of_row = projection.of_combo[rows.of_combo]
        # What is numbered in a projection appeared in that order.
        new = range(before, len(self._of_value)) if only is None else self._unknown(of_row[only])
        for value in new:
            self._of_value[value] = self._number(projection.values[value])
        first = int(rows.panes.min())
        count = max(1, len(self._numbers))
        codes = (rows.panes - first) * count + self._of_value[of_row]
        return Labelled(codes, first, count, (int(rows.panes.max()) - first + 1) * count)

    def _unknown(self, values: Numbers) -> list[int]:
        """Return values that have no label yet, in order of first appearance."""
        distinct, first = np.unique(values[self._of_value[values] < 0], return_index=True)
        found: list[int] = distinct[np.argsort(first)].tolist()
        return found

    def _number(self, values: tuple[object, ...]) -> int:
        label: Values = ()
        if self._dimensions:
            label = self._admission.labels(self._scope, self._dimensions, values)
        return self._numbers.setdefault(label, len(self._numbers))

    def cells(self, measure: str, component: str) -> list[str]:
        """Return the names of a measure's cells, by number of the label."""
        found = self._cells.setdefault((measure, component), [])
        if len(found) < len(self._numbers):
            found += [
                names.cell_name(names.Cell(measure, component, self._dimensions, label))
                for label in list(self._numbers)[len(found) :]
            ]
        return found
