"""What a leaf of an expression reads: a measure, through which window, over which dimensions.

=========================  =====================================================================
``m``                      the window
``previous(m)``            the window just before; of a calendar window as much of the period before
``same_time_last_week(m)`` the window seven days earlier
``level(m)``               all since the beginning, up to the window's end
``at_start(m)``            all since the beginning, up to the window's start: level(m) - m
``total(m)``               the same without the row's dimensions, currency apart
``retained(m)``            members of a distinct count that are in this and in the previous window
``longest(m)``             the longest of the durations that are there at the window's end
``target(x)``              what a KPI, or a figure under ``targets``, is to be at the window's end
=========================  =====================================================================

Functions of sums are the sums of functions: ``previous(a - b)`` is ``previous(a) - previous(b)``.
"""

from __future__ import annotations

import ast
from typing import Final, NamedTuple

PREVIOUS: Final = "previous"
LAST_WEEK: Final = "same_time_last_week"
LEVEL: Final = "level"
AT_START: Final = "at_start"
TOTAL: Final = "total"
RETAINED: Final = "retained"
LONGEST: Final = "longest"
TARGET: Final = "target"
FUNCTIONS: Final = (PREVIOUS, LAST_WEEK, LEVEL, AT_START, TOTAL, RETAINED, LONGEST, TARGET)
_AT_END: Final = frozenset({LONGEST, TARGET})  # of all up to the window's end, as they are
_SHIFTS: Final = (PREVIOUS, LAST_WEEK)


class Slot(NamedTuple):
    """Which panes are read for a window: one's own, or one shifted; or all up to its end."""

    shift: str = ""
    level: bool = False


WINDOW: Final = Slot()


class Operand(NamedTuple):
    """One leaf. ``name`` is a measure's, of ``target`` a KPI's or a figure's."""

    name: str
    kind: str = ""
    slot: Slot = WINDOW
    total: bool = False

    @property
    def text(self) -> str:
        """The leaf as it is written."""
        text = self.name
        if self.kind:
            text = f"{self.kind}({text})"
        if self.total:
            text = f"{TOTAL}({text})"
        if self.slot.level and self.kind not in _AT_END:
            text = f"{LEVEL}({text})"
        return f"{self.slot.shift}({text})" if self.slot.shift else text

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots that it reads."""
        return (WINDOW, Slot(PREVIOUS)) if self.kind == RETAINED else (self.slot,)


_TARGET_SLOT: Final = Slot(level=True)


def argument(node: ast.Call) -> tuple[str, ast.expr]:
    """Return a call's function and what it is applied to.

    Raises:
        ValueError: it is no function of the catalogue, or not of one thing.
    """
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        raise ValueError(
            f"{ast.unparse(node)!r} is not a measure, a number or one of + - * / or of the "
            f"functions {', '.join(FUNCTIONS)}"
        )
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        raise ValueError(f"{ast.unparse(node)!r}: {node.func.id} is of one thing")
    function, inner = node.func.id, node.args[0]
    if function in (RETAINED, LONGEST, TARGET) and not isinstance(inner, ast.Name):
        raise ValueError(f"{ast.unparse(node)!r}: {function} is of one name")
    return function, inner


def spread(node: ast.expr, outer: Operand, found: dict[str, Operand]) -> ast.expr:
    """Return arithmetic over leaves: functions pushed down to the names that they read.

    Args:
        node: checked arithmetic.
        outer: the functions around it; its name is empty.
        found: gets every leaf by its text.

    Raises:
        ValueError: functions that cannot stand in one another.
    """
    match node:
        case ast.Name():
            return _leaf(outer._replace(name=node.id), found)
        case ast.Call():
            return _called(node, outer, found)
        case ast.UnaryOp():
            return ast.UnaryOp(node.op, spread(node.operand, outer, found))
        case ast.BinOp():
            left, right = (spread(side, outer, found) for side in (node.left, node.right))
            return ast.BinOp(left, node.op, right)
    return node


def _leaf(operand: Operand, found: dict[str, Operand]) -> ast.expr:
    found[operand.text] = operand
    return ast.Name(operand.text)


def _called(node: ast.Call, outer: Operand, found: dict[str, Operand]) -> ast.expr:
    function, inner = argument(node)
    slot = outer.slot
    if function == AT_START:
        level = ast.Call(ast.Name(LEVEL), [inner], [])
        return ast.BinOp(spread(level, outer, found), ast.Sub(), spread(inner, outer, found))
    if function == TOTAL:
        return spread(inner, outer._replace(total=True), found)
    if function in _AT_END:
        assert isinstance(inner, ast.Name)  # noqa: S101  # argument() has seen to it
        at_end = slot._replace(level=True)
        return _leaf(outer._replace(name=inner.id, kind=function, slot=at_end), found)
    if function in _SHIFTS:
        if slot.shift:
            raise ValueError(f"{function} within {slot.shift}: no panes are kept for that")
        return spread(inner, outer._replace(slot=slot._replace(shift=function)), found)
    if slot.level:
        raise ValueError(f"{function} within {LEVEL}: it means nothing")
    if function == LEVEL:
        return spread(inner, outer._replace(slot=slot._replace(level=True)), found)
    if slot.shift:
        raise ValueError(f"{RETAINED} within {slot.shift}: no panes are kept for that")
    return spread(inner, outer._replace(kind=RETAINED), found)
