"""Rows of one type's events, to be read by filter and by dimension set."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from processors.histogram import bucket_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from processors.catalog.model import Bound
    from processors.measures.plan import LanePlan, Reading

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]
Amounts = npt.NDArray[Any]
"""int64, or Python's own integers where those could overflow."""

_EXACT_BELOW = 1 << 62


class Codes(dict[Any, int]):
    """Numbers values in the order of their first appearance.

    Attributes:
        listed: the values by number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listed: list[Any] = []

    def __missing__(self, value: Any) -> int:
        """Give a new value the next number."""
        code = self[value] = len(self.listed)
        self.listed.append(value)
        return code


class Projection:
    """The distinct values of one dimension set.

    Attributes:
        values: by number, in order of first appearance.
        of_combo: each combination's number among them.
    """

    def __init__(self) -> None:
        self._codes = Codes()
        self.values: list[tuple[Any, ...]] = self._codes.listed
        self.of_combo: Numbers = np.zeros(0, np.int64)

    def extend(self, values: Sequence[tuple[Any, ...]]) -> None:
        """Number the values of further combinations."""
        more = np.fromiter(map(self._codes.__getitem__, values), np.int64, len(values))
        self.of_combo = np.concatenate((self.of_combo, more))


class Combos:
    """Combinations of the values of all dimensions, numbered in order of first appearance.

    Args:
        dimensions: of the type's measures.
        known: those that the type has; the others read None.
    """

    def __init__(self, dimensions: Sequence[str], known: Sequence[str]) -> None:
        self._dimensions, self._known = dimensions, known
        self.codes = Codes()
        if not known:
            self.codes[()]  # the only one there can be
        self._projections: dict[tuple[str, ...], Projection] = {}

    def __len__(self) -> int:
        return len(self.codes)

    def projection(self, dimensions: tuple[str, ...]) -> Projection:
        """Return the distinct values of a dimension set, as far as combinations were seen."""
        found = self._projections.get(dimensions)
        if found is None:
            found = self._projections[dimensions] = Projection()
        done = len(found.of_combo)
        if done < len(self):
            found.extend(self._values(dimensions, self.codes.listed[done:]))
        return found

    def _values(self, dimensions: tuple[str, ...], combos: list[Any]) -> list[tuple[Any, ...]]:
        nothing = (None,) * len(combos)
        by_name: dict[str, Iterable[Any]] = {}
        if len(self._known) == 1:
            by_name[self._known[0]] = combos
        elif self._known:
            by_name.update(zip(self._known, zip(*combos, strict=True), strict=True))
        if not dimensions:
            return [()] * len(combos)
        return list(zip(*(by_name.get(name, nothing) for name in dimensions), strict=True))


class Members(NamedTuple):
    """Hashes of a distinct count's members, and the rows that they are of."""

    rows: Numbers
    hashes: Hashes

    @classmethod
    def of(cls, parts: Sequence[Members]) -> Self:
        """Join parts, ordered by hash; equal ones in the order of their rows."""
        hashes = np.concatenate([part.hashes for part in parts])
        order = np.argsort(hashes, kind="stable")
        return cls(np.concatenate([part.rows for part in parts])[order], hashes[order])


@dataclass
class Rows:
    """Columns of equal length, a row an event.

    Attributes:
        panes: numbers of the base panes.
        combos: what the dimensions' values are numbered by.
        of_combo: each row's number in ``combos``.
        weights: of facts; None where all are 1.
        bounds: whether each holds.
        numbers: field -> what a sum or histogram reads.
        members: field -> what a distinct count reads.
    """

    panes: Numbers
    combos: Combos
    of_combo: Numbers
    weights: Numbers | None
    bounds: Mapping[Bound, Mask]
    numbers: Mapping[str, list[int]]
    members: Mapping[str, Members]
    # Worked out once, however many dimension sets read them.
    _amounts: dict[str, Amounts] = dataclass_field(default_factory=dict)
    _buckets: dict[str, Numbers] = dataclass_field(default_factory=dict)

    def mask(self, lane: LanePlan, reading: Reading) -> Mask | None:
        """Return which rows a reading's filters and bounds let through; None: all."""
        let_through: Mask | None = None
        places: tuple[str | Bound, ...] = (*lane.dimensions, *lane.bounds)
        for position, wanted in reading.where:
            place = places[position - 1]
            if isinstance(place, str):
                field = self.combos.projection((place,))
                chosen = np.array([value in wanted for (value,) in field.values], np.bool_)
                rows = chosen[field.of_combo][self.of_combo]
            else:
                rows = self.bounds[place]
            let_through = rows if let_through is None else let_through & rows
        return let_through

    def weights_of(self, lane: LanePlan, reading: Reading) -> Amounts | None:
        """Return what each row counts; None where all count 1."""
        if reading.weights is None:
            return self.weights
        position, by_value = reading.weights
        field = self.combos.projection((lane.dimensions[position - 1],))
        weights = _exact([by_value.get(value, 1) for (value,) in field.values], len(self.of_combo))
        rows: Amounts = weights[field.of_combo][self.of_combo]
        return rows if self.weights is None else rows * self.weights

    def amounts_of(self, of: str) -> Amounts:
        """Return the numbers of a field, each times its row's weight, for any sum of them."""
        found = self._amounts.get(of)
        if found is None:
            numbers = _exact(self.numbers[of], len(self.of_combo))
            found = numbers if self.weights is None else numbers * self.weights
            self._amounts[of] = found
        return found

    def buckets_of(self, of: str) -> Numbers:
        """Return the histogram's bucket of each number of a field."""
        found = self._buckets.get(of)
        if found is None:
            found = np.array([bucket_index(number) for number in self.numbers[of]], np.int64)
            self._buckets[of] = found
        return found


def _exact(values: list[int], added: int) -> Amounts:
    """Return integers as an array in which so many of them can be added without an error."""
    found = np.array(values)
    if found.dtype == np.int64:
        largest = max(abs(int(found.max())), abs(int(found.min())))
        # Weights of facts are +1 and -1: they change no size.
        if largest * added < _EXACT_BELOW:
            return found
    return np.array(values, dtype=object)


def sums(codes: Numbers, size: int, amounts: Amounts | None) -> tuple[Numbers, Amounts]:
    """Add amounts (1 each where None) up by code; return the codes that do not come to 0.

    Args:
        codes: each in [0, size).
        size: how many there can be.
        amounts: of each code.
    """
    known: Numbers | None = None
    if size > 4 * len(codes) + 65_536:  # then a table of all would be mostly empty
        known, codes = np.unique(codes, return_inverse=True)
        size = len(known)
    if amounts is None:
        totals: Amounts = np.bincount(codes, minlength=size)
    else:
        totals = np.zeros(size, amounts.dtype)
        np.add.at(totals, codes, amounts)
    found = np.flatnonzero(totals)
    return (found if known is None else known[found]), totals[found]
