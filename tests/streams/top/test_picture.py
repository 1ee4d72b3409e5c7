"""What ``kpi top`` makes of rows: lines, words and blocks."""

from __future__ import annotations

from typing import Any

import pytest

from streams.top import words
from streams.top.keys import split
from streams.top.picture import Picture

CATALOG = {
    kpi: {
        "kpi": kpi,
        "label": kpi.title(),
        "family": family,
        "unit": unit,
        "direction": direction,
        "stats": ["value"],
        "headline": headline,
        "target": target,
        "windows": ["5m", "1h"],
        "by": ["total", "source"],
    }
    for kpi, family, unit, direction, headline, target in [
        ("views", "site", "count", "up", False, None),
        ("bounces", "site", "ratio", "down", False, 0.5),
        ("sales", "shop", "money", "up", True, 100.0),
    ]
}


def row(kpi: str, value: object, samples: int = 1, **dimensions: str) -> dict[str, Any]:
    """Return a row of the API."""
    return {
        "kpi": kpi,
        "stat": "value",
        "window": "5m",
        "dimensions": dimensions,
        "value": value,
        "samples": samples,
        "unit": CATALOG[kpi]["unit"],
        "provisional": True,
        "complete": True,
    }


def event(*rows: dict[str, Any], gone: tuple[list[str], ...] = ()) -> dict[str, Any]:
    """Return an event of the stream."""
    return {"now_ms": 1, "stale": False, "reason": "", "rows": [*rows], "gone": [*gone]}


def test_headlines_come_first_and_currencies_apart() -> None:
    """The order is the catalogue's behind the headlines; the currency with most samples leads."""
    picture = Picture(CATALOG)
    picture.take_rows(
        event(
            row("views", 3),
            row("sales", "90.00", 2, currency="GBP"),
            row("sales", "120.00", 5, currency="EUR"),
        ),
        first=True,
    )
    lines = picture.lines()
    assert [(line.name, line.state) for line in lines] == [
        ("Sales EUR", "ok"),
        ("Sales GBP", "off"),
        ("Views", ""),
        ("Bounces", ""),
    ]
    assert [line.kpi for line in picture.lines("site")] == ["views", "bounces"]


def test_lower_may_be_better() -> None:
    """A target is held against the KPI's direction, and so is a change."""
    for value, state, better in ((0.4, "ok", True), (0.6, "off", False)):
        picture = Picture(CATALOG)
        picture.take_rows(event(row("bounces", value)), first=True)
        points = [[0, 0.1, None], [1, 0.5, 0.5]]
        picture.take_courses({"courses": [row("bounces", None) | {"points": points}]})
        line = next(line for line in picture.lines() if line.kpi == "bounces")
        assert (line.state, line.better) == (state, better)
        assert line.change == pytest.approx((value - 0.5) / 0.5)
        assert line.course == (0.1, 0.5, value)


def test_what_is_gone_is_gone() -> None:
    """Rows that the stream takes back have no line; a new connection starts anew."""
    picture = Picture(CATALOG)
    picture.take_rows(event(row("views", 1), row("views", 1, source="a")), first=True)
    assert [line.name for line in picture.lines("site")] == ["Views", "a", "Bounces"]
    picture.take_rows(event(gone=(["views", "value", "5m", "source", "a"],)), first=False)
    assert [line.name for line in picture.lines("site")] == ["Views", "Bounces"]
    picture.take_rows(event(row("bounces", 1.0)), first=True)
    assert [line.value for line in picture.lines("site")] == [None, 1.0]


def test_waiting_is_no_zero() -> None:
    """A KPI that lacks an input has its words and no value."""
    picture = Picture(CATALOG, health={"waiting": {"sales": {"5m": "waiting for x, never seen"}}})
    picture.take_rows(event(row("sales", None, currency="EUR")), first=True)
    line = picture.lines()[0]
    assert (line.value, line.waiting, line.state) == (None, "waiting for x, never seen", "")


@pytest.mark.parametrize(
    ("value", "unit", "currency", "text"),
    [
        (None, "count", "", "–"),  # noqa: RUF001
        (1234, "count", "", "1,234"),
        (2_500_000, "count", "", "2.50M"),
        (0.0213, "ratio", "", "2.13%"),
        (0.708, "ratio", "", "70.8%"),
        (0.0004, "ratio", "", "0.040%"),
        (30.0, "ratio", "", "3000%"),
        ("49.90", "money", "EUR", "49.90 EUR"),
        ("123456.70", "money", "EUR", "123,457 EUR"),
        (0.25, "seconds", "", "250 ms"),
        (59.94, "seconds", "", "59.9 s"),
        (754, "seconds", "", "12 min 34 s"),
        (3_600, "seconds", "", "1 h"),
        (90_000, "seconds", "", "1 d 1 h"),
        (4.25, "position", "", "4.25"),
    ],
)
def test_figures_by_unit(value: float | str | None, unit: str, currency: str, text: str) -> None:
    """Each unit is written as people read it."""
    assert words.figure(value, unit, currency) == text


def test_a_course_fits_and_keeps_its_end() -> None:
    """From the first known value on, never wider than asked, the last block is the last value."""
    assert words.course([None, None, 1.0, 2.0, 3.0], 10) == "▁▅█"
    assert words.course([5.0, 5.0], 10) == "▄▄"
    assert words.course([1.0], 10) == ""
    long = words.course([float(i) for i in range(100)], 10)
    assert len(long) == 10
    assert long[-1] == "█"
    assert words.course([1.0, None, 3.0], 10) == "▁ █"


def test_keys_that_come_at_once_are_told_apart() -> None:
    """Arrows are several bytes; fast typing sends several keys in one."""
    assert split(b"\x1b[C\x1b[C\tq\x1b[5~d") == ["right", "right", "tab", "q", "page up", "d"]
