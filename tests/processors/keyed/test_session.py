"""Sessions: runs of a visitor's events without a gap of 30 minutes."""

from __future__ import annotations

from typing import Any

import pytest

from processors.keyed.session import SessionProcessor
from tests.processors.keyed.run import MINUTE_MS, conclude, event, every_order, only


@pytest.fixture
def sessions() -> SessionProcessor:
    return SessionProcessor(gap_ms=30 * MINUTE_MS, lateness_ms=60 * MINUTE_MS)


def test_gap_of_exactly_thirty_minutes_starts_a_new_session(sessions: SessionProcessor) -> None:
    """An event joins while it is less than the gap away; at the gap it is a new session.

    minute   0            29.99   |   0             30
             *--------------*     |   *              *
             one                  |   one            two
    """
    near = conclude(sessions, [event("page_view", 0), event("page_view", 29.99)])
    apart = conclude(sessions, [event("page_view", 0), event("page_view", 30)])
    assert only(near, "session_started") == {("session_started", 0): 1}
    assert apart == {("session_started", 0): 1, ("session_started", 30): 1}


def test_late_event_joins_two_sessions(sessions: SessionProcessor) -> None:
    """A late event between two sessions makes them one.

    minute   0        20 (late)      40
             *         *              *      two sessions, then one
    """
    events = [event("page_view", 0), event("page_view", 40), event("page_view", 20)]
    assert only(conclude(sessions, events), "session_started") == {("session_started", 0): 1}


def test_order_of_arrival_does_not_matter(sessions: SessionProcessor) -> None:
    """Every order of the same events concludes the same sessions."""
    events = [
        event("page_view", 0),
        event("add_to_cart", 25),
        event("purchase", 50, order_id="o", value=1, currency="EUR"),
        event("page_view", 90),
    ]
    expected = conclude(sessions, events, watermark_minute=200)
    assert expected["session_converted", 0] == 1
    assert expected["session_ended", 50] == 1
    for order in every_order(events):
        assert conclude(sessions, order, watermark_minute=200) == expected


def test_bounce_is_one_page_and_nothing_else(sessions: SessionProcessor) -> None:
    """A closed session of one page view bounced; one with anything more did not."""
    alone = conclude(sessions, [event("page_view", 0)], watermark_minute=30)
    more = conclude(sessions, [event("page_view", 0), event("add_to_cart", 1)], watermark_minute=31)
    assert alone["session_bounced", 0] == 1
    assert ("session_bounced", 0) not in more


def test_session_is_not_closed_before_its_gap_has_passed(sessions: SessionProcessor) -> None:
    """At one millisecond before end + gap nothing is concluded about a session's end."""
    early = conclude(sessions, [event("page_view", 0)], watermark_minute=30 - 1 / MINUTE_MS)
    assert early == {("session_started", 0): 1}


def test_producers_session_id_decides_the_boundaries(sessions: SessionProcessor) -> None:
    """Two ids within the gap are two sessions; one id across a gap is one."""
    two = [event("page_view", 0, session_id="a"), event("page_view", 1, session_id="b")]
    one = [event("page_view", 0, session_id="a"), event("page_view", 50, session_id="a")]
    assert conclude(sessions, two) == {("session_started", 0): 1, ("session_started", 1): 1}
    assert only(conclude(sessions, one), "session_started") == {("session_started", 0): 1}


def test_dimensions_are_those_of_the_first_event(sessions: SessionProcessor) -> None:
    """A late first event moves the session to its pane and its dimensions."""
    facts: list[Any] = []
    state = sessions.new("v")
    sessions.take(state, event("page_view", 10, source="mail"), 0, facts.append)
    sessions.take(state, event("page_view", 5, source="search"), 1, facts.append)
    started = [f for f in facts if type(f).__name__ == "SessionStarted"]
    assert [(f.ts // MINUTE_MS, f.source, f.weight) for f in started] == [
        (10, "mail", 1),
        (10, "mail", -1),
        (5, "search", 1),
    ]


def test_purchase_without_visitor_belongs_to_no_session(sessions: SessionProcessor) -> None:
    """A purchase known only to a backend has no session key."""
    backend = event(
        "purchase", 0, visitor_id=None, customer_id="c", order_id="o", value=1, currency="EUR"
    )
    assert sessions.key(backend) is None


def test_state_is_dropped_once_nothing_can_touch_it(sessions: SessionProcessor) -> None:
    """A session is forgotten at end + gap + lateness, not before."""
    state = sessions.new("v")
    sessions.take(state, event("page_view", 0), 0, lambda _: None)
    assert sessions.close(state, 90 * MINUTE_MS - 1, lambda _: None)
    assert not sessions.close(state, 90 * MINUTE_MS, lambda _: None)


@pytest.mark.parametrize(
    ("events", "engaged"),
    [
        ([("page_view", 0)], 0),
        ([("page_view", 0), ("page_view", 1 / 60)], 1),  # two pages
        ([("page_view", 0), ("goal_completed", 9.999 / 60)], 0),  # under ten seconds
        ([("page_view", 0), ("goal_completed", 10 / 60)], 1),
        ([("purchase", 0)], 1),
    ],
)
def test_engaged_is_more_than_a_glance(
    sessions: SessionProcessor, events: list[tuple[str, float]], engaged: int
) -> None:
    """Two pages, ten seconds or the wanted action make a session engaged, once."""
    money: dict[str, Any] = {"order_id": "o", "value": 1, "currency": "EUR"}
    happened = [event(k, at, **(money if k == "purchase" else {})) for k, at in events]
    for order in every_order(happened):
        found = only(conclude(sessions, order), "session_engaged")
        assert found == ({("session_engaged", 0): 1} if engaged else {})


def test_an_empty_session_id_is_none(sessions: SessionProcessor) -> None:
    """An empty id names no session: the gap alone decides.

    minute       0    10   20
    session_id   -    ""   -      one session, as if nobody had sent any id
    """
    events = [event("page_view", m, session_id=s) for m, s in ((0, None), (10, ""), (20, None))]
    assert only(conclude(sessions, events), "session_started") == {("session_started", 0): 1}
    far = [event("page_view", m, session_id="") for m in (0, 40)]
    assert len(only(conclude(sessions, far), "session_started")) == 2
