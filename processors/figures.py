"""Exact numbers as they are shown: money as decimal strings, the rest as the nearest number."""

from __future__ import annotations

from typing import NamedTuple

MICRO = 1_000_000
_DECIMALS = 6
_DECIMALS_MIN = 2


class Quotient(NamedTuple):
    """An exact value: two integers, the lower one above 0. Not reduced: that costs more."""

    over: int
    under: int


def number(quotient: Quotient) -> int | float:
    """Return a whole number as it is, anything else as the nearest float."""
    over, under = quotient
    return over // under if over % under == 0 else over / under


def money(quotient: Quotient) -> str:
    """Return an amount with 2 to 6 decimals; what is finer is rounded half to even.

    >>> money(Quotient(5, 2)), money(Quotient(-1, 3)), money(Quotient(12, 1))
    ('2.50', '-0.333333', '12.00')
    """
    over, under = quotient
    micro, rest = divmod(abs(over) * MICRO, under)
    if 2 * rest > under or (2 * rest == under and micro % 2):
        micro += 1
    whole, fraction = divmod(micro, MICRO)
    digits = f"{fraction:0{_DECIMALS}d}".rstrip("0").ljust(_DECIMALS_MIN, "0")
    return f"{'-' if over < 0 and micro else ''}{whole}.{digits}"
