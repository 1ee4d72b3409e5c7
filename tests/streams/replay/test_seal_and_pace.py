"""Laws of sealing and pacing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.catalog.model import Defaults
from processors.errors import UsageError
from streams.replay.pace import Pace, parse_speed, shift_to_now_ms
from streams.replay.seal import seal_ts_ms

HOUR_MS = 3_600_000


@given(st.integers(0, 10**13))
def test_seal_puts_the_watermark_on_a_whole_hour(last_ts_ms: int) -> None:
    """After the seal the watermark is a whole hour, past everything the last event keeps open."""
    defaults = Defaults()
    watermark_ms = seal_ts_ms(last_ts_ms, defaults) - defaults.allowed_lateness_ms
    settled_ms = last_ts_ms + defaults.session_gap_ms + defaults.keyed_lateness_ms
    assert watermark_ms % HOUR_MS == 0
    assert settled_ms + defaults.allowed_lateness_ms <= watermark_ms
    assert watermark_ms < settled_ms + defaults.allowed_lateness_ms + HOUR_MS


def test_the_longer_timeout_decides() -> None:
    """A cart timeout longer than the session gap is waited for."""
    defaults = Defaults(cart_timeout_ms=10 * HOUR_MS)
    assert seal_ts_ms(0, defaults) >= 10 * HOUR_MS


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("1", 1.0), ("0.5", 0.5)])
def test_speed(text: str, speed: float | None) -> None:
    """A speed is max or a factor."""
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "fast", "nan", "inf"])  # BAD! all of them
def test_bad_speed(text: str) -> None:
    """Any other speed is a usage error that shows it."""
    with pytest.raises(UsageError, match=text):
        parse_speed(text)


@given(st.integers(0, 10**12), st.integers(0, 10**9), st.sampled_from([None, 0.5, 1.0, 60.0]))
def test_shift_ends_now(first_ms: int, span_ms: int, speed: float | None) -> None:
    """Shifted, the last row's time is the moment at which it goes out."""
    now_ms = 1_700_000_000_000
    shift_ms = shift_to_now_ms(first_ms, first_ms + span_ms, speed, now_ms)
    sent_ms = now_ms + (0 if speed is None else int(span_ms / speed))
    assert first_ms + span_ms + shift_ms == sent_ms
    if speed == 1.0:
        assert first_ms + shift_ms == now_ms


def test_pace() -> None:
    """At N times real time a row waits for its share of the span; at max nothing waits."""
    waits: list[float] = []
    Pace(10, 1000, waits.append).wait(11_000)
    Pace(None, 1000, waits.append).wait(11_000)
    assert waits == [pytest.approx(1.0, abs=0.05)]
