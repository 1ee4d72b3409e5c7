"""From the names in a metric's expressions down to measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from processors.catalog import expression
from processors.catalog.operand import TARGET
from processors.catalog.scalars import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from processors.catalog.expression import Expression
    from processors.catalog.model import Measure, Metric


class Sides(NamedTuple):
    """A metric's expressions over measures only."""

    numerator: Expression
    denominator: Expression | None


class ReferenceFault(Exception):  # noqa: N818  (not an error yet: it becomes a CatalogError)
    """An expression that cannot be written out; silent where the cause is reported already."""

    def __init__(self, field: str, consequence: str, *, silent: bool = False) -> None:
        self.field, self.consequence, self.silent = field, consequence, silent
        super().__init__(consequence)


class References:
    """Writes the metrics out that an expression names.

    A name is a measure first, else a metric. ``broken`` names entries that exist but have faults
    of their own; ``targets`` names figures that a target can be read of, beside the metrics.
    """

    def __init__(
        self,
        measures: Mapping[str, Measure],
        metrics: Mapping[str, Metric],
        broken: AbstractSet[str],
        targets: AbstractSet[str] = frozenset(),
    ) -> None:
        self._targets = {*targets, *metrics, *broken}
        self._measures, self._metrics, self._broken = measures, metrics, broken
        self._known: dict[str, Sides] = {}
        self._open: list[str] = []

    def sides(self, metric: Metric) -> Sides:
        """Return the metric's numerator and denominator over measures.

        Raises:
            ReferenceFault: a text does not parse, names what does not exist, or names itself.
        """
        found = self._known.get(metric.id)
        if found is None:
            self._open.append(metric.id)
            try:
                numerator = self._written_out("numerator", metric.numerator)
                denominator = None
                if metric.denominator:
                    denominator = self._written_out("denominator", metric.denominator)
            finally:
                self._open.pop()
            found = self._known[metric.id] = Sides(numerator, denominator)
        return found

    def _written_out(self, field: str, text: str) -> Expression:
        try:
            parsed = expression.parse(text)
        except ValueError as error:
            raise ReferenceFault(field, str(error)) from None
        replacements = {
            name: self._replacement(field, name)
            for name in parsed.names
            if name not in self._measures
        }
        for operand in parsed.operands.values():
            if operand.kind == TARGET and operand.name not in self._targets:
                hint = did_you_mean(operand.name, self._targets)
                raise ReferenceFault(
                    field, f"there is no KPI or figure {operand.name} that has a target; {hint}"
                )
        try:
            return expression.substitute(parsed, replacements) if replacements else parsed
        except ValueError as error:
            raise ReferenceFault(field, str(error)) from None

    def _replacement(self, field: str, name: str) -> Expression:
        metric = self._metrics.get(name)
        if metric is None:
            known = {*self._measures, *self._metrics}
            raise ReferenceFault(
                field,
                f"there is no measure or metric {name}; {did_you_mean(name, known)}",
                silent=name in self._broken,
            )
        if name in self._open:
            chain = " -> ".join((*self._open, name))
            raise ReferenceFault(field, f"it is defined by itself: {chain}")
        try:
            sides = self.sides(metric)
        except ReferenceFault as fault:
            own = "defined by itself" in fault.consequence
            raise ReferenceFault(field, fault.consequence, silent=not own) from None
        if sides.denominator is None:
            return sides.numerator
        return expression.quotient(sides.numerator, sides.denominator)
