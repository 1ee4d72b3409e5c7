"""Arithmetic of a KPI's definition, exact: a value is two integers, (over, under), not reduced."""

from __future__ import annotations

import ast
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Amounts = Mapping[str, "int | Fraction | None"]
    Run = Callable[[Amounts], "Exact | None"]


class Exact(NamedTuple):
    """``over / under``; ``under`` is above 0."""

    over: int
    under: int

    @classmethod
    def of(cls, value: Fraction) -> Exact:
        """Return a fraction."""
        return cls(value.numerator, value.denominator)

    def plus(self, other: Exact, sign: int = 1) -> Exact:
        """Return the sum, or with sign -1 the difference."""
        if self.under == other.under:
            return Exact(self.over + sign * other.over, self.under)
        over = self.over * other.under + sign * other.over * self.under
        return Exact(over, self.under * other.under)

    def times(self, other: Exact) -> Exact:
        """Return the product."""
        return Exact(self.over * other.over, self.under * other.under)

    def by(self, other: Exact) -> Exact | None:
        """Return the quotient, None by nothing."""
        if other.over == 0:
            return None
        over, under = self.over * other.under, self.under * other.over
        return Exact(over, under) if under > 0 else Exact(-over, -under)


def compiled(expression: ast.expr, scales: Mapping[str, int]) -> Run:
    """Return a function from amounts to the expression's value.

    None where it divides by 0, or where an amount is not known.

    Args:
        expression: names, numbers, + - * / and brackets.
        scales: name -> what its amounts are counted in: 1,000,000 for micro-units.
    """
    return _compile(expression, scales)


def _compile(node: ast.expr, scales: Mapping[str, int]) -> Run:
    if isinstance(node, ast.Name):
        name, scale = node.id, scales[node.id]
        return lambda amounts: (
            None if (amount := amounts[name]) is None else Exact(amount, scale)  # type: ignore[arg-type]  # fractions do as well
        )
    if isinstance(node, ast.Constant):
        number = Fraction(repr(node.value))
        constant = Exact(number.numerator, number.denominator)
        return lambda _amounts: constant
    if isinstance(node, ast.UnaryOp):
        inner = _compile(node.operand, scales)
        sign = Exact(-1 if isinstance(node.op, ast.USub) else 1, 1)
        return lambda amounts: None if (value := inner(amounts)) is None else value.times(sign)
    if isinstance(node, ast.BinOp):
        return _binary(node.op, _compile(node.left, scales), _compile(node.right, scales))
    raise TypeError(f"{ast.unparse(node)}: not arithmetic over measures")


def _binary(op: ast.operator, left: Run, right: Run) -> Run:
    def run(amounts: Amounts) -> Exact | None:
        one, other = left(amounts), right(amounts)
        if one is None or other is None:
            return None
        match op:
            case ast.Add():
                return one.plus(other)
            case ast.Sub():
                return one.plus(other, -1)
            case ast.Mult():
                return one.times(other)
        return one.by(other)

    return run
