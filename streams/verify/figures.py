"""What each row of a KPI must say, exactly: its formula over what the recomputation's window holds.

A row stands for one combination of dimension values that the window holds anything of; the total
is always there. A measure without currency, in a KPI by currency, is read without it, and counts
for every currency beside it; where two currencies share it the value is undefined, unless there is
a reporting currency and a rate for each. Nothing is said where an outside input has not arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from processors.catalog.model import CHANGE, Aggregation
from processors.sketch import SKETCH_SIZE
from streams.verify.exact import Exact
from streams.verify.leaves import LONGEST, PREVIOUS
from streams.verify.quantile import quantile_ms
from streams.verify.series import Source
from streams.verify.tolerance import SKETCH_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from processors.catalog.model import Measure, Metric
    from streams.verify.exact import Run
    from streams.verify.held import Held
    from streams.verify.leaves import Leaf
    from streams.verify.targets import Targets

    Amount = int | Fraction | None
    Read = Callable[[str], int | None]  # a row's values -> a leaf's amount

MICRO: Final = 1_000_000
RATES: Final = Source("fx_readings", ("currency",), level=True)
JOIN: Final = "\x1f"
_PERCENT: Final = {"p50": 50, "p90": 90, "p95": 95}


class Figure(NamedTuple):
    """An exact value and how it is shown: ``money``, ``number`` or ``float``.

    ``slack`` is how far a sketch behind it may be off.
    """

    exact: Exact | None
    shown: str
    slack: float = 0.0


class Expected(NamedTuple):
    """What one row must say; None: the row says nothing there."""

    value: Figure
    numerator: Figure | None
    denominator: Figure | None
    samples: int
    samples_slack: float = 0.0


@dataclass(frozen=True)
class Formula:
    """A KPI over one of its dimension sets.

    Attributes:
        measures: every measure that is read.
        leaves: what the expressions read, by name.
        sources: where each leaf's amounts are; of targets nothing.
        sketched: those of distinct counts.
        reads: everything that must be summed up.
        by_row: leaves that have an amount for each row.
        shared: leaves without the currency that the rows have.
        targets: leaves that are targets.
        guards: what must not be empty, of inputs from outside.
    """

    metric: Metric
    measures: Mapping[str, Measure]
    dimensions: tuple[str, ...]
    leaves: Mapping[str, Leaf]
    sources: Mapping[str, Source]
    sketched: Mapping[str, Source]
    reads: tuple[Source, ...]
    by_row: frozenset[str]
    shared: frozenset[str]
    targets: Mapping[str, Targets]
    guards: tuple[Source, ...]
    numerator: tuple[Run, str]
    denominator: tuple[Run, str] | None
    samples: str

    @property
    def histogram(self) -> bool:
        """Whether the KPI is durations."""
        plain = self.measures.get(self.metric.numerator)
        return plain is not None and plain.agg is Aggregation.HISTOGRAM

    @property
    def own(self) -> tuple[Source, ...]:
        """What has an amount for each row."""
        return tuple(self.sources[name] for name in self.by_row if name in self.sources)

    @property
    def currency(self) -> bool:
        """Whether rows are by currency."""
        return self.dimensions[-1:] == ("currency",)

    def bare(self, key: str) -> str:
        """Return a row's values without its currency, where something is shared by currencies."""
        return key.rpartition(JOIN)[0] if self.shared else key

    def expected(
        self, groups: Mapping[str, Iterable[str]], held: Held
    ) -> dict[tuple[str, str], Expected]:
        """Return (values, stat) -> what the row must say.

        Args:
            groups: what rows share -> the values of all rows that share it.
            held: what the window holds.
        """
        work_out = self._durations if self.histogram else self._values
        found = work_out(groups, held, "")
        if CHANGE not in self.metric.stats:
            return found
        first = self.metric.stats[0]
        before = work_out(groups, held, PREVIOUS)
        for (key, stat), row in list(found.items()):
            if stat == first:
                value = _changed(row.value, before.get((key, stat)))
                found[key, CHANGE] = Expected(value, None, None, row.samples, row.samples_slack)
        return found

    def target_keys(self, held: Held) -> set[str]:
        """Return the values of rows that are there because a target is set."""
        return {
            key
            for name in self.by_row & self.targets.keys()
            for key, amount in self.targets[name].amounts(held).items()
            if amount
        }

    def is_waiting(self, held: Held, shift: str = "") -> bool:
        """Tell whether an input from outside has not arrived."""
        return any(not held.number(moved(guard, shift), "") for guard in self.guards)

    def _values(
        self, groups: Mapping[str, Iterable[str]], held: Held, shift: str
    ) -> dict[tuple[str, str], Expected]:
        reads = {name: self._read(name, held, shift) for name in self.leaves}
        waits = self.is_waiting(held, shift)
        found: dict[tuple[str, str], Expected] = {}
        there = [reads[name] for name in self.by_row if name not in self.targets]
        by_target = self.target_keys(held)
        for keys in groups.values():
            rows = [key for key in keys if key in by_target or any(read(key) for read in there)]
            if not self.dimensions:
                rows = [""]
            mixed = bool(self.shared) and len(rows) > 1
            for key in rows:
                amounts = {name: read(key) for name, read in reads.items()}
                row = self._row(amounts, held, key)
                found[key, "value"] = _unknown(row) if mixed or waits else row
            if mixed and self.metric.reporting and not waits:
                key = JOIN.join([*rows[0].split(JOIN)[:-1], self.metric.reporting])
                amounts = {name: read(key) for name, read in reads.items()}
                row = self._row(amounts, held, key)
                value = self._combined(reads, rows, held)
                found[key, "value"] = row._replace(value=row.value._replace(exact=value))
        return found

    def _read(self, name: str, held: Held, shift: str) -> Read:
        """Return what a leaf has for a row."""
        if name in self.targets:
            targets = self.targets[name]
            set_to, key_of = targets.amounts(held), self._key_of(name)
            return lambda key: set_to.get(key_of(key), targets.fallback)
        source = moved(self.sources[name], shift)
        amounts: Read = held.numbers(source)
        if self.leaves[name].kind == LONGEST:
            amounts = held.longest(source)
        if name in self.by_row:
            return amounts
        key_of = self._key_of(name)
        return lambda key: amounts(key_of(key))

    def _key_of(self, name: str) -> Callable[[str], str]:
        """Return from a row's values to those under which a leaf has what it has for the row."""
        if name in self.by_row:
            return str
        if self.leaves[name].total:
            named = name in self.sources and bool(self.sources[name].dimensions)
            return (lambda key: key.rpartition(JOIN)[2]) if named else lambda _: ""
        return (lambda key: key.rpartition(JOIN)[0]) if self.currency else str

    def _row(self, amounts: Mapping[str, int | None], held: Held, key: str) -> Expected:
        shown = {"money": "money", "count": "number"}.get(self.metric.unit, "float")
        slacks = self._slacks(amounts, held, key)
        over = self._side(self.numerator, amounts, slacks)
        samples = amounts[self.samples] or 0
        more = slacks.get(self.samples, 0.0)
        if self.denominator is None:
            value = Figure(over.exact, shown, over.slack)
            return Expected(value, None, None, samples, more)
        under = self._side(self.denominator, amounts, slacks)
        value = Figure(_quotient(over.exact, under.exact), shown)
        if slacks:
            value = value._replace(slack=self._slack(self._quotient_of, amounts, slacks))
        return Expected(value, over, under, samples, more)

    def _side(
        self, side: tuple[Run, str], amounts: Mapping[str, int | None], slacks: Mapping[str, float]
    ) -> Figure:
        run, shown = side
        return Figure(run(amounts), shown, self._slack(run, amounts, slacks))

    def _quotient_of(self, amounts: Mapping[str, Amount]) -> Exact | None:
        under = None if self.denominator is None else self.denominator[0](amounts)
        return _quotient(self.numerator[0](amounts), under)

    def _slacks(self, amounts: Mapping[str, int | None], held: Held, key: str) -> dict[str, float]:
        """Return how far the leaves that sketches count may be off."""
        found = {}
        for name, source in self.sketched.items():
            size = amounts[name] or 0
            if source.retained:  # of what both windows hold together
                here = held.number(source._replace(retained=False), key)
                before = held.number(source._replace(retained=False, shift=PREVIOUS), key)
                size = here + before - size
            if size >= SKETCH_SIZE:
                found[name] = SKETCH_TOLERANCE * size
        return found

    @staticmethod
    def _slack(run: Run, amounts: Mapping[str, Amount], slacks: Mapping[str, float]) -> float:
        """Return how far a value may be off where its leaves may, each by itself."""
        exact = run(amounts) if slacks else None
        if exact is None:
            return 0.0
        total = 0.0
        for name, slack in slacks.items():
            offs = [
                abs(moved.over / moved.under - exact.over / exact.under)
                for step in (int(slack), -int(slack))
                if (moved := run({**amounts, name: (amounts[name] or 0) + step})) is not None
            ]
            total += max(offs, default=0.0)
        return total

    def _combined(self, reads: Mapping[str, Read], rows: list[str], held: Held) -> Exact | None:
        """Return the value over rows of several currencies, each amount in the reporting one."""
        rates = {}
        for key in rows:
            currency = key.rpartition(JOIN)[2]
            rate = MICRO if currency == self.metric.reporting else held.number(RATES, currency)
            if not rate:
                return None
            rates[key] = Fraction(rate, MICRO)
        amounts: dict[str, Amount] = {}
        for name, read in reads.items():
            if name in self.shared:
                amounts[name] = read(rows[0])
            else:
                amounts[name] = sum(
                    ((read(key) or 0) * rates[key] for key in rows), start=Fraction(0)
                )
        over = self.numerator[0](amounts)
        under = Exact(1, 1) if self.denominator is None else self.denominator[0](amounts)
        if over is None or under is None or not under.over:
            return None
        return Exact.of(Fraction(over.over) / over.under / under.over * under.under)

    def _durations(
        self, groups: Mapping[str, Iterable[str]], held: Held, shift: str
    ) -> dict[tuple[str, str], Expected]:
        rows = {}
        source = moved(self.own[0], shift)
        for key in (key for keys in groups.values() for key in keys):
            buckets, total_ms = held.buckets(source, key)
            count = sum(buckets.values())
            if not count and self.dimensions:
                continue
            for stat in self.metric.stats:
                if stat == "mean":
                    over = Figure(Exact(total_ms, 1_000), "number")
                    mean = Exact(total_ms, 1_000 * count) if count else None
                    under = Figure(Exact(count, 1), "number")
                    rows[key, stat] = Expected(Figure(mean, "float"), over, under, count)
                elif stat != CHANGE:
                    found_ms = quantile_ms(buckets, _PERCENT[stat])
                    exact = None if found_ms is None else Exact(found_ms, 1_000)
                    rows[key, stat] = Expected(Figure(exact, "float"), None, None, count)
        return rows


def moved(source: Source, shift: str) -> Source:
    """Return the same of a shifted window."""
    return source._replace(shift=shift) if shift else source


def _unknown(row: Expected) -> Expected:
    return row._replace(value=row.value._replace(exact=None))


def _quotient(over: Exact | None, under: Exact | None) -> Exact | None:
    return None if over is None or under is None else over.by(under)


def _changed(value: Figure, before: Expected | None) -> Figure:
    """Return what a value gained, as a share of what it was."""
    was = None if before is None else before.value.exact
    if value.exact is None or was is None or not was.over:
        return Figure(None, "float")
    now, then = (Fraction(one.over) / one.under for one in (value.exact, was))
    slack = 0.0
    if before is not None and (value.slack or before.value.slack):
        slack = (value.slack + abs(float(now / then)) * before.value.slack) / abs(float(then))
    return Figure(Exact.of((now - then) / abs(then)), "float", slack)
