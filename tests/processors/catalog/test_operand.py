"""Leaves of expressions: functions reach the names that they stand around, or are refused."""

from __future__ import annotations

import ast

import pytest

from processors.catalog.expression import linear, parse, substitute
from processors.catalog.operand import Operand, Slot
from processors.errors import InvalidCatalogError
from tests.processors.catalog.presets import loaded

MEASURES = """
measures:
  views: {events: [page_view], agg: count}
  people: {events: [page_view], agg: distinct, of: visitor}
  sold: {events: [purchase], agg: sum, of: value}
  bought: {events: [purchase], agg: count}
metrics:
  m: {type: derived, unit: ratio, direction: up, windows: [1h], %s}
"""
SAMPLES = ", samples: bought"


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("previous(a - b)", "previous(a) - previous(b)"),
        ("a / total(b)", "a / total(b)"),
        ("total(previous(a))", "previous(total(a))"),
        ("level(a) / 365", "level(a) / 365"),
        ("at_start(a)", "level(a) - a"),
        ("previous(level(a - 2 * b))", "previous(level(a)) - 2 * previous(level(b))"),
        ("retained(m) / previous(m)", "retained(m) / previous(m)"),
        ("target(kpi) / 365", "target(kpi) / 365"),
        ("total(longest(m))", "total(longest(m))"),
    ],
)
def test_functions_are_pushed_down_to_names(text: str, flat: str) -> None:
    """A function of a sum is the sum of functions, written in one order."""
    assert ast.unparse(parse(text).flat) == flat
    assert parse(ast.unparse(parse(text).flat)).operands == parse(text).operands


def test_leaves_know_what_they_read() -> None:
    """A leaf is a measure, a slot of the window, and whose dimensions."""
    assert parse("previous(total(level(a)))").operands == {
        "previous(level(total(a)))": Operand("a", slot=Slot("previous", level=True), total=True)
    }
    assert parse("previous(a) + target(k)").names == ("a",)
    assert linear(parse("2 * previous(a) - level(b)")) == {"previous(a)": 2, "level(b)": -1}


def test_what_is_inside_a_function_is_written_out() -> None:
    """A metric's name stands for its expression there too; a target's stays."""
    written = substitute(parse("previous(m) / target(m)"), {"m": parse("a - b")})
    assert written.text == "previous(a - b) / target(m)"


@pytest.mark.parametrize(
    "text",
    [
        "previous(previous(a))",
        "same_time_last_week(previous(a))",
        "level(level(a))",
        "previous(retained(a))",
        "retained(a - b)",
        "target(a / b)",
        "longest(a - b)",
        "total(a, b)",
        "total()",
        "total(x=a)",
        "total(*a)",
        "median(a)",
        "a.total(b)",
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    """Functions that no panes are kept for, or that do not exist, are faults."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("numerator: level(people)", "cannot forget"),
        ("numerator: retained(views)", "only distinct counts"),
        ("numerator: longest(views)", "only histograms"),
        ("numerator: views / previous(views), stats: [value, change]", "no panes are kept"),
        ("numerator: views / target(sails)", "no KPI or figure sails"),
        ("numerator: views / target(m), dimension_sets: [[device]]", "device is not a field"),
        ("numerator: views, samples: views + views", "one measure"),
        ("numerator: views / total(sold)", ""),
        ("numerator: views - total(sold)", "money to what is no money"),
    ],
)
def test_impossible_leaves_are_faults_of_the_catalogue(fields: str, words: str) -> None:
    """The loader says what could not be read, and why."""
    text = MEASURES % (fields if "samples" in fields else fields + SAMPLES)
    if not words:
        assert loaded(text).metrics["m"].dimension_sets == (("currency",),)
        return
    with pytest.raises(InvalidCatalogError, match=words):
        loaded(text)


def test_rungs_follow_from_what_is_read() -> None:
    """A level needs the pane of all time; last week is kept by the minute."""
    text = MEASURES % ("numerator: level(views) / same_time_last_week(bought)" + SAMPLES)
    required = loaded(text.replace("[1h]", "[5m]")).requirements
    assert required["views"].rungs == ("10s", "all")
    assert required["bought"].rungs == ("10s", "1m")  # of the window it is the sample
