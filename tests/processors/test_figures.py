"""Figures: exact until they are shown, money in decimals, rounded half to even."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.figures import Quotient, money, number


@given(st.integers(-(10**17), 10**17), st.integers(1, 10**6))
def test_money_is_rounded_half_to_even_at_micro_units(over: int, under: int) -> None:
    """The text is the exact amount, or the nearest micro-unit."""
    shown = Decimal(money(Quotient(over, under)))
    exact = Fraction(over, under) * 10**6
    assert shown * 10**6 == Decimal(round(exact)).quantize(Decimal(1), ROUND_HALF_EVEN)


@pytest.mark.parametrize(
    ("over", "under", "text"),
    [
        (0, 1, "0.00"),
        (5, 2, "2.50"),
        (-5, 2, "-2.50"),
        (1, 3, "0.333333"),
        (1, 10**6, "0.000001"),
        (1, 2 * 10**6, "0.00"),
        (3, 2 * 10**6, "0.000002"),
        (-1, 10**8, "0.00"),
    ],
)
def test_money_has_two_to_six_decimals(over: int, under: int, text: str) -> None:
    """There is one way to write an amount, and no negative zero."""
    assert money(Quotient(over, under)) == text


def test_numbers_are_whole_where_they_can_be() -> None:
    """A count stays an integer."""
    assert number(Quotient(6, 3)) == 2
    assert isinstance(number(Quotient(6, 3)), int)
    assert number(Quotient(1, 4)) == 0.25
