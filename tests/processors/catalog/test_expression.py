"""Expressions: arithmetic and nothing else, exact, and the same in both ways of working it out."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.catalog.expression import evaluator, linear, parse, quotient, substitute

NAMES = st.sampled_from(["a", "b", "c"])
NUMBERS = st.sampled_from(["2", "0.1", "3.25"])
LINEAR = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("({} - {})".format, inner, inner),
        st.builds("{} * {}".format, NUMBERS, inner),
        st.builds("{} / {}".format, inner, NUMBERS),
        st.builds("-{}".format, inner),
    ),
    max_leaves=8,
)
VALUES = st.fixed_dictionaries({name: st.integers(-(10**12), 10**12) for name in "abc"})


@given(LINEAR, VALUES)
def test_a_weighted_sum_is_told_apart(text: str, values: dict[str, int]) -> None:
    """Weights times values are what evaluation gives."""
    expression = parse(text)
    weights = linear(expression)
    assert weights is not None
    exact = evaluator(expression)({name: Fraction(value) for name, value in values.items()})
    assert exact == sum(weight * values[name] for name, weight in weights.items())


@pytest.mark.parametrize("text", ["a * b", "a / b", "a + 1", "1", "a / (b - b)", "1 / a"])
def test_what_is_no_weighted_sum_is_not_taken_for_one(text: str) -> None:
    """Products, quotients and lone numbers are left to evaluation."""
    assert linear(parse(text)) is None


def test_numbers_are_exact() -> None:
    """0.1 is a tenth."""
    assert evaluator(parse("0.1 * a"))({"a": Fraction(1)}) == Fraction(1, 10)


def test_dividing_by_nothing_is_undefined() -> None:
    """There is no infinity."""
    assert evaluator(parse("a / (b - b)"))({"a": Fraction(1), "b": Fraction(2)}) is None


def test_names_come_in_order_and_once() -> None:
    """The names of an expression are what it reads."""
    assert parse("b + a * b - a").names == ("b", "a")
    assert parse(" a ").plain == "a"
    assert parse("-a").plain is None


def test_writing_out_keeps_the_order_of_operations() -> None:
    """What replaces a name is taken as a whole."""
    written = substitute(parse("2 * m - m"), {"m": quotient(parse("a + b"), parse("c"))})
    assert written.text == "2 * ((a + b) / c) - (a + b) / c"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "a b",
        "a ** 2",
        "a.b",
        "f(a)",
        "a if b else c",
        "'a'",
        "True",
        "a; b",
        "a // b",
        "[a]",
        "a == b",
        "1e999",
        "lambda: a",
        "__import__('os')",
        "(" * 300 + "a" + ")" * 300,
        "-" * 200 + "a",
        "a + " * 1000 + "a",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """Nothing of Python but arithmetic gets in."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)
