"""One dimension set of a KPI: the exporter's rows beside what they must say.

Where only what all rows share has moved (a total, a target, a rate), the rows whose own figures
stand still are compared a few at each end, in turn: each is a function of figures that were
compared when they last moved, and of the shared one, which every compared row shows.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from streams.verify.agree import agrees, shown
from streams.verify.live import row_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.evaluate import Row
    from streams.verify.figures import Expected, Formula
    from streams.verify.grid import Grid
    from streams.verify.held import Held
    from streams.verify.live import LiveWindow
    from streams.verify.series import Source
    from streams.verify.tally import Tally

_OWN, _SHARED, _GUARD, _COMMON = "own", "shared", "guard", "common"
STANDING_MAX: Final = 20  # rows a time whose own figures stand still


class Side:
    """Compares one dimension set from end to end.

    Args:
        plan: what the rows must say.
        grid: the window's ends.
        tally: gets what was compared.
    """

    def __init__(self, plan: Formula, grid: Grid, tally: Tally) -> None:
        self._plan, self._grid, self._tally = plan, grid, tally
        self._keys: dict[str, set[str]] = {}  # what rows share -> all their values so far
        self._first_ms: dict[str, int] = {}  # values -> where they were first compared
        self._period_ms = 0
        self._turn = 0
        bare = tuple(name for name in plan.dimensions if name != "currency")
        # As they are kept: cells with the values of rows, and the same without their currency.
        self._own = {plan.sources[n].stored for n in plan.by_row if n in plan.sources}
        self._shared = {
            source.stored
            for name, source in plan.sources.items()
            if source.dimensions == bare and not plan.leaves[name].total
        } - self._own
        self._common = {s.stored for s in plan.reads} - self._own - self._shared
        self._by_row = {(s.measure, s.dimensions) for s in self._own | self._shared}
        self._guards = {guard.stored for guard in plan.guards}
        self._was_waiting: bool | None = None
        self._roles: dict[Source, str] = {}

    def compare(
        self, end_ms: int, touched: Mapping[Source, set[str]], held: Held, live: LiveWindow
    ) -> None:
        """Compare the rows of all values that anything came in or left of at an end."""
        plan = self._plan
        bares = self._bares(touched)
        start_ms = self._grid.start_ms(end_ms)
        if self._grid.window.calendar and start_ms != self._period_ms:
            bares.update(dict.fromkeys(self._keys))  # a new period: everything starts anew
            self._period_ms = start_ms
        if self._has_common_moved(touched, held):
            for key in plan.target_keys(held):
                self._keys.setdefault(plan.bare(key), set()).add(key)
            bares.update(dict.fromkeys(self._standing()))
        if not bares:
            return
        groups = {bare: self._keys.get(bare, set()) for bare in bares}
        expected = plan.expected(groups, held)
        asked = {*bares, *(key for keys in groups.values() for key in keys)}
        ours = {
            (key, row.stat): row
            for row in live.rows(plan.dimensions, self._by_row, asked)
            if plan.bare(key := row_key(plan.dimensions, row)) in bares
        }
        self._count(end_ms, groups, expected)
        span = start_ms, end_ms
        for where in ours.keys() | expected.keys():
            row, must = ours.get(where), expected.get(where)
            if row is None or must is None or not self._same(span, row, must):
                self._differs(where, span, row, must)

    def finish(self) -> None:
        """Add up the grid that was covered."""
        stats = len(self._plan.metric.stats)
        self._tally.grid += stats * sum(map(self._grid.count_from, self._first_ms.values()))

    def _bares(self, touched: Mapping[Source, set[str]]) -> dict[str, None]:
        bare_of, known = self._plan.bare, self._keys
        bares: dict[str, None] = {}
        for source, keys in touched.items():
            role = self._role(source)
            if role == _OWN:
                for key in keys:
                    bare = bare_of(key)
                    bares[bare] = None
                    known.setdefault(bare, set()).add(key)
            elif role == _SHARED:
                bares.update(dict.fromkeys(keys))
        return bares

    def _role(self, source: Source) -> str:
        role = self._roles.get(source)
        if role is None:
            stored = source.stored
            of = ((self._own, _OWN), (self._shared, _SHARED), (self._guards, _GUARD))
            role = next((name for held, name in of if stored in held), "")
            if not role and stored in self._common:
                role = _COMMON
            self._roles[source] = role
        return role

    def _has_common_moved(self, touched: Mapping[Source, set[str]], held: Held) -> bool:
        """Tell whether anything moved that rows of all values read."""
        if not self._common:
            return False
        waits = self._plan.is_waiting(held)
        moved = waits != self._was_waiting
        self._was_waiting = waits
        return moved or any(self._role(source) == _COMMON for source in touched)

    def _standing(self) -> list[str]:
        """Return the next few of all rows that there ever were; all where they are few."""
        every = len(self._keys)
        if every <= STANDING_MAX:
            return list(self._keys)
        self._turn = (self._turn + STANDING_MAX) % every
        return list(islice([*self._keys, *self._keys], self._turn, self._turn + STANDING_MAX))

    def _count(
        self,
        end_ms: int,
        groups: Mapping[str, set[str]],
        expected: Mapping[tuple[str, str], Expected],
    ) -> None:
        stats = len(self._plan.metric.stats)
        for keys in groups.values():
            for key in keys:
                self._first_ms.setdefault(key, end_ms)
                self._tally.windows += stats
        for row in expected.values():
            exact = row.value.exact
            self._tally.filled += exact is not None and exact.over != 0

    def _same(self, span: tuple[int, int], ours: Row, expected: Expected) -> bool:
        return (
            (ours.window_start_ms, ours.window_end_ms) == span
            and ours.provisional == (self._plan.metric.matures_ms > 0)  # the watermark is the end
            and abs(ours.samples - expected.samples) <= expected.samples_slack
            and agrees(ours.value, expected.value)
            and agrees(ours.numerator, expected.numerator)
            and agrees(ours.denominator, expected.denominator)
        )

    def _differs(
        self,
        where: tuple[str, str],
        span: tuple[int, int],
        ours: Row | None,
        expected: Expected | None,
    ) -> None:
        key, stat = where
        values = zip(self._plan.dimensions, key.split("\x1f"), strict=False)
        labels = ",".join(f"{name}={value}" for name, value in values)
        self._tally.window_differs(
            f"window {self._grid.window.name} [{span[0]}, {span[1]}) {stat} {{{labels}}}",
            None if ours is None else _told(ours),
            None if expected is None else _must(expected),
        )


def _told(row: Row) -> list[Any]:
    return [row.value, row.numerator, row.denominator, row.samples]


def _must(expected: Expected) -> list[Any]:
    figures = (expected.value, expected.numerator, expected.denominator)
    return [*map(shown, figures), expected.samples]
