"""Does a shown figure say what the exact one does?"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from processors.sketch import SKETCH_SIZE
from streams.verify.tolerance import SKETCH_TOLERANCE

if TYPE_CHECKING:
    from streams.verify.figures import Figure

_MICRO: Final = 1_000_000


def agrees(ours: str | float | None, figure: Figure | None) -> bool:
    """Tell whether ``ours`` is the exact figure as it is to be shown.

    Money is a decimal string of at most 6 decimals, rounded half to even; whole numbers are
    integers; anything else is the nearest float. Where a sketch stands behind the figure it may be
    off by its slack.

    Args:
        ours: what the product says.
        figure: what it must say; None: nothing.
    """
    exact = None if figure is None else figure.exact
    if figure is None or exact is None or ours is None:
        return ours is None and exact is None
    over, under = exact
    if figure.slack:
        return abs(float(ours) - over / under) <= figure.slack
    if figure.shown == "money":
        return isinstance(ours, str) and Decimal(ours).scaleb(6) == _micro(over, under)
    if figure.shown == "number" and over % under == 0:
        return isinstance(ours, int) and ours == over // under
    return isinstance(ours, float) and ours == over / under


def count_agrees(ours: int, exact: int) -> bool:
    """Tell whether a sketch's estimate is the exact count: below its size it must be."""
    if exact < SKETCH_SIZE:
        return ours == exact
    return abs(ours - exact) <= SKETCH_TOLERANCE * exact


def shown(figure: Figure | None) -> str | int | float | None:
    """Return a figure for a message."""
    exact = None if figure is None else figure.exact
    if figure is None or exact is None:
        return None
    over, under = exact
    if figure.shown == "money":
        return f"{Decimal(_micro(over, under)).scaleb(-6):f}"
    return over // under if over % under == 0 else over / under


def _micro(over: int, under: int) -> int:
    """Return ``over / under`` in millionths, rounded half to even."""
    whole, rest = divmod(over * _MICRO, under)
    return whole + (2 * rest > under or (2 * rest == under and whole % 2 == 1))
