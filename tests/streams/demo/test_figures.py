"""Laws of what the demo shows."""

from __future__ import annotations

from typing import Any

import pytest

from streams.demo.figures import ABSENT, Figure, totals
from streams.demo.screen import PlainScreen


def row(**given: Any) -> dict[str, Any]:
    """Return a row as the JSON API writes it."""
    usual = {
        "kpi": "sessions", "stat": "value", "window": "5m", "dimensions": {}, "value": 1,
        "samples": 1, "unit": "count",
    }  # fmt: skip
    return usual | given


def test_only_totals_are_shown() -> None:
    """Breakdowns are left out; currencies are kept apart."""
    rows = [
        row(),
        row(dimensions={"device": "mobile"}),
        row(kpi="revenue", unit="money", value="12.5", dimensions={"currency": "EUR"}),
        row(kpi="revenue", unit="money", value="7", dimensions={"currency": "USD"}),
    ]
    names = [figure.name for figure in totals(rows)]
    assert names == ["sessions", "revenue EUR", "revenue USD"]


def test_headlines_come_first() -> None:
    """A screen may have no room for the rest."""
    rows = [row(kpi="a"), row(kpi="b"), row(kpi="c")]
    assert [figure.name for figure in totals(rows, {"b", "c"})] == ["b", "c", "a"]


def test_a_value_stands_under_its_window() -> None:
    """What is undefined is a dash, never 0."""
    rows = [row(window="1h", value=2_000, samples=2_000), row(window="5m", value=None)]
    assert totals(rows) == [Figure("sessions", (ABSENT, "2,000"), "2,000")]


def test_a_kpi_that_nobody_feeds_is_left_out() -> None:
    """Absent in every window shown."""
    assert totals([row(window="5m", value=None), row(window="1h", value=None)]) == []


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("ratio", 0.0345, "3.45%"),
        ("count", 12_345, "12,345"),
        ("money", "1234.5", "1,234.50"),
        ("seconds", 42, "42.0 s"),
        ("seconds", 600, "10.0 min"),
        ("seconds", 7_200, "2.0 h"),
    ],
)
def test_values_are_written_in_their_unit(unit: str, value: object, text: str) -> None:
    """Ratios as per cent, money with two digits, times in the unit that fits."""
    assert totals([row(unit=unit, value=value)])[0].values[0] == text


def test_plain_progress_says_little(capsys: pytest.CaptureFixture[str]) -> None:
    """A file gets a line a quarter, not a line a call."""
    with PlainScreen().progress("reading") as tell:
        for share in range(1001):
            tell(share / 1000)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"reading: {share}%" for share in (0, 25, 50, 75, 100)]
