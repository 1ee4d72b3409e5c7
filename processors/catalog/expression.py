"""Arithmetic over measures, as a catalogue writes it: ``purchase_value - refund_value``.

Names, numbers, + - * /, brackets and the functions of :mod:`processors.catalog.operand`; nothing
else. Evaluation is exact (fractions). Nearly every expression is a weighted sum of what its leaves
read, which :func:`linear` tells apart because integers do then.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from processors.catalog.operand import TARGET, Operand, argument, spread

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXT_MAX = 2_000
_DEPTH_MAX = 50


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes:
        tree: as it is written.
        names: of measures and metrics in order of appearance, each once.
        operands: its leaves by their texts.
        flat: arithmetic over the texts of the leaves.
    """

    tree: ast.expr
    names: tuple[str, ...]
    operands: Mapping[str, Operand]
    flat: ast.expr

    @property
    def text(self) -> str:
        """The expression in one way of writing it."""
        return ast.unparse(self.tree)

    @property
    def plain(self) -> str | None:
        """The name, where the expression is nothing but a name."""
        return self.tree.id if isinstance(self.tree, ast.Name) else None


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Parse an expression.

    Raises:
        ValueError: the text is not arithmetic; the message says where.
    """
    if len(text) > _TEXT_MAX:
        raise ValueError(f"longer than {_TEXT_MAX} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"not arithmetic over measures: {error}") from None
    names: dict[str, None] = {}
    _check(tree, names, 0)
    operands: dict[str, Operand] = {}
    flat = spread(tree, Operand(""), operands)
    return Expression(tree, tuple(names), operands, flat)


def _check(node: ast.expr, names: dict[str, None], depth: int) -> None:
    if depth > _DEPTH_MAX:
        raise ValueError(f"nested deeper than {_DEPTH_MAX}")
    match node:
        case ast.Name():
            names[node.id] = None
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            Fraction(repr(node.value))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, names, depth + 1)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), left=left, right=right):
            _check(left, names, depth + 1)
            _check(right, names, depth + 1)
        case ast.Call():
            function, inner = argument(node)
            if function != TARGET:  # what a target is set for is no measure
                _check(inner, names, depth + 1)
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is not a measure, a number or one of + - * /")


def substitute(expression: Expression, replacements: Mapping[str, Expression]) -> Expression:
    """Return the expression with some names written out.

    Raises:
        ValueError: a function of one name would be of several.
    """

    class _Writer(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.expr:
            function, inner = argument(node)
            if function != TARGET:
                node.args = [self.visit(inner)]
            return node

        def visit_Name(self, node: ast.Name) -> ast.expr:
            found = replacements.get(node.id)
            return node if found is None else found.tree

    copied = ast.parse(expression.text, mode="eval").body
    return parse(ast.unparse(_Writer().visit(copied)))


def quotient(numerator: Expression, denominator: Expression) -> Expression:
    """Return numerator / denominator."""
    return parse(f"({numerator.text}) / ({denominator.text})")


def linear(expression: Expression) -> dict[str, Fraction] | None:
    """Return the weight of each leaf where the expression is a weighted sum of leaves.

    None where leaves are multiplied, divided by, or a number stands alone in the sum.
    """
    weights = _weights(expression.flat)
    if weights is None or weights.pop("", Fraction(0)):
        return None
    return weights


def _weights(node: ast.expr) -> dict[str, Fraction] | None:
    match node:
        case ast.Name():
            return {node.id: Fraction(1)}
        case ast.Constant():
            return {"": Fraction(repr(node.value))}
        case ast.UnaryOp(op=op, operand=operand):
            return _scaled(_weights(operand), Fraction(-1 if isinstance(op, ast.USub) else 1))
        case ast.BinOp(op=op, left=left, right=right):
            return _combined(op, _weights(left), _weights(right))
    return None


def _combined(
    op: ast.operator, left: dict[str, Fraction] | None, right: dict[str, Fraction] | None
) -> dict[str, Fraction] | None:
    if left is None or right is None:
        return None
    if isinstance(op, ast.Add | ast.Sub):
        sign = -1 if isinstance(op, ast.Sub) else 1
        return {
            name: left.get(name, Fraction(0)) + sign * right.get(name, Fraction(0))
            for name in {**left, **right}
        }
    if isinstance(op, ast.Div):
        number = right.get("") if set(right) <= {""} else None
        return _scaled(left, 1 / number) if number else None
    for one, other in ((left, right), (right, left)):
        if set(one) <= {""}:
            return _scaled(other, one.get("", Fraction(0)))
    return None


def _scaled(weights: dict[str, Fraction] | None, by: Fraction) -> dict[str, Fraction] | None:
    return None if weights is None else {name: weight * by for name, weight in weights.items()}


def evaluator(expression: Expression) -> Callable[[Mapping[str, Fraction]], Fraction | None]:
    """Return a function from the leaves' values to the exact result, None where it divides by 0."""
    tree = expression.flat

    def run(values: Mapping[str, Fraction]) -> Fraction | None:
        try:
            return _value(tree, values)
        except ZeroDivisionError:
            return None

    return run


def _value(node: ast.expr, values: Mapping[str, Fraction]) -> Fraction:
    match node:
        case ast.Name():
            return values[node.id]
        case ast.Constant():
            return Fraction(repr(node.value))
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, values)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(op=op, left=left, right=right):
            first, second = _value(left, values), _value(right, values)
            if isinstance(op, ast.Add):
                return first + second
            if isinstance(op, ast.Sub):
                return first - second
            return first * second if isinstance(op, ast.Mult) else first / second
    raise TypeError(f"unchecked node {ast.dump(node)}")
