"""The leaves of a KPI's expressions: which measure, through which window, over which dimensions.

The catalogue's functions, as docs/catalogue.md defines them, pushed down to the names that they
read: ``previous(a - b)`` reads ``previous(a)`` and ``previous(b)``, and what is there at a window's
start is what is there at its end less what came in it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

PREVIOUS: Final = "previous"
LAST_WEEK: Final = "same_time_last_week"
TARGET: Final = "target"
RETAINED: Final = "retained"
LONGEST: Final = "longest"
_AT_START: Final = "at_start"


class Leaf(NamedTuple):
    """One thing that is read.

    Attributes:
        name: a measure's, of ``target`` a KPI's or a figure's.
        kind: ``target``, ``retained``, ``longest``, or empty.
        shift: ``previous``, ``same_time_last_week``, or empty: the window itself.
        level: all since the beginning, up to the end of that window.
        total: without the row's dimensions, currency apart.
    """

    name: str = ""
    kind: str = ""
    shift: str = ""
    level: bool = False
    total: bool = False


def leaves_of(expression: str) -> tuple[ast.expr, dict[str, Leaf]]:
    """Return arithmetic over the leaves of an expression, and each leaf by its name there."""
    found: dict[str, Leaf] = {}
    return _spread(ast.parse(expression, mode="eval").body, Leaf(), found), found


def _spread(node: ast.expr, around: Leaf, found: dict[str, Leaf]) -> ast.expr:
    match node:
        case ast.Name():
            leaf = around._replace(name=node.id)
            name = " ".join(map(str, leaf))
            found[name] = leaf
            return ast.Name(name)
        case ast.BinOp():
            left, right = (_spread(side, around, found) for side in (node.left, node.right))
            return ast.BinOp(left, node.op, right)
        case ast.UnaryOp():
            return ast.UnaryOp(node.op, _spread(node.operand, around, found))
        case ast.Call(func=ast.Name(id=function), args=[inner]):
            return _called(function, inner, around, found)
    return node


def _called(function: str, inner: ast.expr, around: Leaf, found: dict[str, Leaf]) -> ast.expr:
    if function == _AT_START:
        at_end = _spread(inner, around._replace(level=True), found)
        return ast.BinOp(at_end, ast.Sub(), _spread(inner, around, found))
    return _spread(inner, _WITHIN[function](around), found)


_WITHIN: Final[Mapping[str, Callable[[Leaf], Leaf]]] = {
    PREVIOUS: lambda leaf: leaf._replace(shift=PREVIOUS),
    LAST_WEEK: lambda leaf: leaf._replace(shift=LAST_WEEK),
    "level": lambda leaf: leaf._replace(level=True),
    "total": lambda leaf: leaf._replace(total=True),
    TARGET: lambda leaf: leaf._replace(kind=TARGET, level=True),
    RETAINED: lambda leaf: leaf._replace(kind=RETAINED),
    LONGEST: lambda leaf: leaf._replace(kind=LONGEST, level=True),
}
