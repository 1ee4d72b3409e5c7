"""What measures read of one type's events, as columns: one step in Python an event, or none.

::

    events      rows: ts  combo  member        combos: the values of all dimensions together
    web de v1         .     0     4b1f..       0  web de
    app de v2         .     1     09a0..       1  app de
    web de v1         .     0     4b1f..

Dimension sets, filters and weights are then worked out on the few combos and carried to the rows
by array operations, however many of them the catalogue has.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from processors.catalog.model import Aggregation
from processors.event import STRUCT_BY_TYPE
from processors.facts import FACT_BY_TYPE
from processors.getters import readable
from processors.ladder import BASE_MS
from processors.measures.rows import Combos, Members, Rows
from processors.sketch import hash_int

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processors.catalog.model import Bound
    from processors.measures.plan import LanePlan
    from processors.measures.rows import Mask, Numbers

_NO_BOUND: Final = 1 << 62
COMBOS_MAX: Final = 20_000  # known of one type; then it begins anew
_HASHES_MAX: Final = 100_000
_TS: Final = attrgetter("ts")
_WEIGHT: Final = attrgetter("weight")


class Columns:
    """The columns of one event or fact type since the last take.

    Args:
        event_type: of all events added.
        lanes: what is read of them.
    """

    def __init__(self, event_type: str, lanes: Sequence[LanePlan]) -> None:
        struct: type = (FACT_BY_TYPE | STRUCT_BY_TYPE)[event_type]
        # Facts can be taken back: they carry a weight.
        self._has_weights = event_type in FACT_BY_TYPE
        self._dimensions = tuple(sorted({name for lane in lanes for name in lane.dimensions}))
        known = readable(struct, self._dimensions)
        self._known = tuple(name for name in self._dimensions if name in known)
        self._values = attrgetter(*self._known) if self._known else None
        self._combos = Combos(self._dimensions, self._known)
        self._bounds = {bound: _holds(bound) for lane in lanes for bound in lane.bounds}
        numbers = {
            lane.of for lane in lanes if lane.agg in (Aggregation.SUM, Aggregation.HISTOGRAM)
        }
        self._numbers = {of: _reader(of) for of in numbers}
        members = {lane.of for lane in lanes if lane.agg is Aggregation.DISTINCT}
        self._members = {of: _reader(of) for of in members}
        self._clear()

    def _clear(self) -> None:
        self.rows = 0
        self._times: list[Numbers] = []
        self._of_combo: list[Numbers] = []
        self._weights: list[Numbers] = []
        self._held: dict[Bound, list[Mask]] = {b: [] for b in self._bounds}
        self._found_numbers: dict[str, list[int]] = {of: [] for of in self._numbers}
        self._found_members: dict[str, list[Members]] = {of: [] for of in self._members}

    def add(self, events: Sequence[Any]) -> None:
        """Add events or facts, in offset order."""
        count = len(events)
        self._times.append(np.fromiter(map(_TS, events), np.int64, count))
        if self._values is not None:
            codes = map(self._combos.codes.__getitem__, map(self._values, events))
            self._of_combo.append(np.fromiter(codes, np.int64, count))
        if self._has_weights:
            self._weights.append(np.fromiter(map(_WEIGHT, events), np.int64, count))
        for bound, holds in self._bounds.items():
            self._held[bound].append(np.fromiter(map(holds, events), np.bool_, count))
        for of, read in self._numbers.items():
            self._found_numbers[of].extend(value or 0 for value in map(read, events))
        for of, read in self._members.items():
            self._found_members[of].append(_members(list(map(read, events)), self.rows))
        self.rows += count

    def take(self) -> Rows | None:
        """Return and forget what was added; None if nothing was."""
        if not self.rows:
            return None
        weights = np.concatenate(self._weights) if self._has_weights else None
        taken = Rows(
            panes=np.concatenate(self._times) // BASE_MS,
            combos=self._combos,
            of_combo=(
                np.concatenate(self._of_combo) if self._of_combo else np.zeros(self.rows, np.int64)
            ),
            weights=None if weights is None or (weights == 1).all() else weights,
            bounds={bound: np.concatenate(parts) for bound, parts in self._held.items()},
            numbers=self._found_numbers,
            members={of: Members.of(parts) for of, parts in self._found_members.items()},
        )
        if len(self._combos) > COMBOS_MAX:
            self._combos = Combos(self._dimensions, self._known)
        self._clear()
        return taken


def _reader(of: str) -> Callable[[Any], Any]:
    return attrgetter("micro" if of == "value" else of)


def _holds(bound: Bound) -> Callable[[Any], bool]:
    get = _reader(bound.field)
    low = -_NO_BOUND if bound.low is None else bound.low
    high = _NO_BOUND if bound.high is None else bound.high
    return lambda event: low <= (get(event) or 0) <= high


def _members(names: list[Any], first_row: int) -> Members:
    """Hash members; an event that names nobody counts nobody."""
    rows = np.arange(first_row, first_row + len(names))
    if not all(names):
        rows = rows[np.fromiter(map(bool, names), np.bool_, len(names))]
        names = list(filter(None, names))
    hashes = np.fromiter(map(_HASHES.__getitem__, names), np.uint64, len(names))
    return Members(rows, hashes)


class _Hashes(dict[str, int]):
    """Hashes of the latest members of distinct counts; a pure cache."""

    def __missing__(self, member: str) -> int:
        if len(self) >= _HASHES_MAX:
            self.clear()
        found = self[member] = hash_int(member)
        return found


_HASHES = _Hashes()
