"""New and returning visitors: who was never seen before, or not for the horizon."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from processors.keyed.session import SessionProcessor
from tests.processors.keyed.run import MINUTE_MS, event, every_order, stored

DAY = 24 * 60


@pytest.fixture
def sessions() -> SessionProcessor:
    return SessionProcessor(
        gap_ms=30 * MINUTE_MS, lateness_ms=60 * MINUTE_MS, horizon_ms=10 * DAY * MINUTE_MS
    )


def audiences(
    processor: SessionProcessor, events: list[Any], watermarks: dict[int, float] | None = None
) -> dict[tuple[float, str], int]:
    """Return (minute, audience) -> sessions, with the watermark moved after some events."""
    facts: list[Any] = []
    state = processor.new("v")
    for offset, one in enumerate(events):
        processor.take(state, one, offset, facts.append)
        state = stored(processor, state)
        if offset in (watermarks or {}) and not processor.close(
            state, int((watermarks or {})[offset] * MINUTE_MS), facts.append
        ):
            state = processor.new("v")
    found: Counter[tuple[float, str]] = Counter()
    for fact in facts:
        if type(fact).__name__ == "SessionStarted":
            found[fact.ts / MINUTE_MS, fact.audience] += fact.weight
    return {known: n for known, n in found.items() if n}


def test_first_session_ever_is_new_the_rest_return(sessions: SessionProcessor) -> None:
    """Only the session of the first event is new, whatever order the events arrive in.

    minute   0       40           90      1000
             new     returning    ...     returning
    """
    events = [event("page_view", minute) for minute in (0, 40, 90, 1000)]
    for order in every_order(events):
        assert audiences(sessions, order) == {
            (0, "new"): 1,
            (40, "returning"): 1,
            (90, "returning"): 1,
            (1000, "returning"): 1,
        }


def test_who_comes_back_after_the_horizon_is_new_again(sessions: SessionProcessor) -> None:
    """Less than the horizon since the last event: returning; at the horizon: new.

    day   0    9.99      20 (10.01 later)
          new  returning new
    """
    events = [event("page_view", day * DAY) for day in (0, 9.99, 20)]
    expected = {(0, "new"): 1, (9.99 * DAY, "returning"): 1, (20 * DAY, "new"): 1}
    for order in every_order(events):
        assert audiences(sessions, order) == expected


def test_closed_sessions_are_remembered(sessions: SessionProcessor) -> None:
    """A visitor whose sessions were all dropped is still known, until the horizon has passed."""
    events = [event("page_view", 0), event("page_view", 5), event("page_view", 3 * DAY)]
    known = audiences(sessions, events, {1: 2 * DAY})
    assert known == {(0, "new"): 1, (3 * DAY, "returning"): 1}
    events[-1] = event("page_view", 12 * DAY)
    assert audiences(sessions, events, {1: 11 * DAY})[12 * DAY, "new"] == 1


def test_nobody_asks_nothing_is_kept() -> None:
    """Without a horizon sessions have no audience and a visitor is forgotten."""
    plain = SessionProcessor(gap_ms=30 * MINUTE_MS, lateness_ms=60 * MINUTE_MS)
    state = plain.new("v")
    plain.take(state, event("page_view", 0), 0, lambda _: None)
    assert not state.stays
    assert not plain.close(state, 90 * MINUTE_MS, lambda _: None)
