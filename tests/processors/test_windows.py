"""Windows: where they end, where they start, and which panes make them up.

::

    10s panes     |  |  |  |  |  |  |  |  |
    watermark                     w
    now                                 n
    final 30s              [--------)
    live 30s                     [--------)
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.catalog.model import Window, window
from processors.catalog.requirements import window_rungs
from processors.ladder import Ladder
from processors.windows import (
    Run,
    cover,
    ends,
    final_end,
    live_end,
    pane_starts,
    previous_span,
    window_start,
)

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
LADDERS = {zone: Ladder(zone=zone) for zone in ZONES}
WINDOWS = [
    window(name)
    for name in (
        *("10s", "1m", "5m", "15m", "16m", "1h", "6h", "1d", "7d", "30d", "90d"),
        *("day_to_date", "month_to_date", "quarter_to_date", "year_to_date"),
    )
]
TIMES = st.integers(1_262_304_000_000, 1_893_456_000_000)  # 2010 to 2030


def ms(text: str, zone: str = "UTC") -> int:
    """Read local time as ms since 1970 UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@given(TIMES, st.sampled_from(WINDOWS), st.sampled_from(ZONES))
def test_a_live_window_holds_now_and_a_final_one_ends_before(
    at_ms: int, one: Window, zone: str
) -> None:
    """Final end <= time < live end, one pane apart, both on the grid."""
    ladder = LADDERS[zone]
    final, live = final_end(one, at_ms, ladder), live_end(one, at_ms, ladder)
    assert final <= at_ms < live
    assert list(ends(one, final, live, ladder)) == [live]
    assert window_start(one, live, ladder) <= at_ms


@given(TIMES, st.sampled_from(WINDOWS), st.sampled_from(ZONES))
@example(1_325_246_400_000, window("month_to_date"), "Pacific/Apia")  # a day that never was
def test_a_cover_is_the_window_whole_and_once(at_ms: int, one: Window, zone: str) -> None:
    """Runs follow one another from start to end, in whole panes, without a gap or an overlap."""
    ladder = LADDERS[zone]
    end_ms = final_end(one, at_ms, ladder)
    start_ms = window_start(one, end_ms, ladder)
    runs = cover(one, end_ms, ladder)
    assert {run.rung for run in runs} <= set(window_rungs(one, ladder))
    bounds = [bound for run in runs for bound in (run.start_ms, run.end_ms)]
    assert bounds[0] == start_ms
    assert bounds[-1] == end_ms
    assert bounds[1:-1:2] == bounds[2:-1:2]
    for run in runs:
        rung = ladder.rung(run.rung)
        starts = list(pane_starts(run, ladder))
        assert all(ladder.pane_start(rung, start) == start for start in starts)
        edges = [*starts[1:], run.end_ms]
        assert [ladder.pane_end(rung, start) for start in starts] == edges


def test_a_day_is_read_as_minutes_hours_minutes() -> None:
    """24 h ending at 10:02 are 58 minutes, 23 hours and 2 minutes.

    ::

        09:0210:00                         10:00 10:02
        |58 x 1m|        24 x 1h             | 2 x 1m|
    """
    end_ms = ms("2024-03-05T10:02")
    runs = cover(window("1d"), end_ms, Ladder())
    assert runs == [
        Run("1m", ms("2024-03-04T10:02"), ms("2024-03-04T11:00")),
        Run("1h", ms("2024-03-04T11:00"), ms("2024-03-05T10:00")),
        Run("1m", ms("2024-03-05T10:00"), end_ms),
    ]


def test_days_are_not_used_where_hours_do_not_meet_them() -> None:
    """Local days of a half-hour zone begin inside an hour: 30 days are read as hours.

    ::

        1h UTC    |    |    |    |    |
        1d Kolkata   |         ...
    """
    end_ms = ms("2024-03-05T10:00")
    runs = cover(window("30d"), end_ms, LADDERS["Asia/Kolkata"])
    assert runs == [Run("1h", end_ms - 30 * 86_400_000, end_ms)]
    assert len(cover(window("30d"), end_ms, LADDERS["Europe/Berlin"])) == 3


def test_a_cover_keeps_to_the_rungs_it_may_read() -> None:
    """Panes that are no longer kept can be done without, where the ends allow it."""
    end_ms = ms("2024-03-05T10:02")
    assert cover(window("5m"), end_ms, Ladder(), ("1m",)) == [Run("1m", end_ms - 300_000, end_ms)]
    with pytest.raises(ValueError, match="counted in part"):
        cover(window("5m"), end_ms + 10_000, Ladder(), ("1m",))


def test_an_end_off_the_grid_is_refused() -> None:
    """No pane is counted in part."""
    with pytest.raises(ValueError, match="panes of 10s"):
        cover(window("5m"), 1_234, Ladder())


@pytest.mark.parametrize(
    ("name", "end", "start"),
    [
        ("day_to_date", "2024-05-17", "2024-05-16"),
        ("month_to_date", "2024-05-17", "2024-05-01"),
        ("month_to_date", "2024-05-01", "2024-04-01"),
        ("month_to_date", "2024-05-02", "2024-05-01"),
        ("quarter_to_date", "2024-05-17", "2024-04-01"),
        ("quarter_to_date", "2024-04-01", "2024-01-01"),
        ("quarter_to_date", "2024-12-31", "2024-10-01"),
        ("year_to_date", "2024-05-17", "2024-01-01"),
        ("year_to_date", "2024-01-01", "2023-01-01"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
def test_calendar_windows_start_at_local_boundaries(
    name: str, end: str, start: str, zone: str
) -> None:
    """A window that ends at a midnight belongs to the day before it."""
    assert window_start(window(name), ms(end, zone), LADDERS[zone]) == ms(start, zone)


@pytest.mark.parametrize(
    ("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25), ("2024-06-01", 24)]
)
def test_local_days_have_23_24_or_25_hours(day: str, hours: int) -> None:
    """A day in Berlin is as long as it was."""
    ladder = LADDERS["Europe/Berlin"]
    noon = ms(f"{day}T12:00", "Europe/Berlin")
    one = window("day_to_date")
    end_ms = live_end(one, noon, ladder)
    assert end_ms - window_start(one, end_ms, ladder) == hours * 3_600_000


@pytest.mark.parametrize(
    ("name", "end", "previous"),
    [
        ("day_to_date", "2024-05-17", ("2024-05-15", "2024-05-16")),
        ("month_to_date", "2024-05-17", ("2024-04-01", "2024-04-17")),
        ("month_to_date", "2024-04-01", ("2024-02-01", "2024-03-01")),  # 31 days of March, 29
        ("quarter_to_date", "2024-04-03", ("2024-01-01", "2024-01-03")),
        ("year_to_date", "2024-03-01", ("2023-01-01", "2023-03-02")),  # 60 days of each
    ],
)
def test_a_calendar_window_is_held_against_as_many_days_before(
    name: str, end: str, previous: tuple[str, str]
) -> None:
    """The period before, from its start, for as many days, but not beyond its end."""
    assert previous_span(window(name), ms(end), Ladder()) == tuple(map(ms, previous))


@given(TIMES, st.sampled_from(WINDOWS), st.sampled_from(ZONES))
def test_the_window_before_ends_where_this_one_starts(at_ms: int, one: Window, zone: str) -> None:
    """It never overlaps, and a trailing one is as long."""
    ladder = LADDERS[zone]
    end_ms = final_end(one, at_ms, ladder)
    start_ms = window_start(one, end_ms, ladder)
    before = previous_span(one, end_ms, ladder)
    assert before[0] < before[1] <= start_ms
    if not one.calendar:
        assert before == (start_ms - one.size_ms, start_ms)


def test_the_grid_of_a_day_is_its_midnight() -> None:
    """Days move by days, also over a change of the clock."""
    ladder = LADDERS["Europe/Berlin"]
    found = list(
        ends(
            window("month_to_date"),
            ms("2024-03-29T23:00", "Europe/Berlin"),
            ms("2024-04-01T12:00", "Europe/Berlin"),
            ladder,
        )
    )
    local = [datetime.fromtimestamp(end / 1000, UTC).isoformat() for end in found]
    assert local == [
        "2024-03-29T23:00:00+00:00",
        "2024-03-30T23:00:00+00:00",
        "2024-03-31T22:00:00+00:00",
    ]
