"""Laws of sessions, as the recomputation finds them. Times are minutes after T0."""

from __future__ import annotations

from typing import Any

from tests.support.recomputing import (
    MINUTE_MS,
    catalog_of,
    cells_of,
    count,
    event,
    facts_of,
    log_of,
    recomputed,
    tick,
)

ALL = (
    "session_started",
    "session_converted",
    "session_closed",
    "session_bounced",
    "session_ended",
)


def view(minute: float, visitor: str = "v", **fields: Any) -> dict[str, Any]:
    """Return a page view."""
    return event("page_view", int(minute * MINUTE_MS), visitor_id=visitor, **fields)


def buy(minute: float, visitor: str = "v", **fields: Any) -> dict[str, Any]:
    """Return a purchase."""
    amount = {"order_id": "o", "currency": "EUR", "value": 1}
    return event("purchase", int(minute * MINUTE_MS), visitor_id=visitor, **amount, **fields)


def sessions(*events: dict[str, Any], wanted: tuple[str, ...] = ALL) -> list[tuple[Any, ...]]:
    """Return (fact, minutes, duration in minutes)."""
    found = facts_of(events, *wanted)
    return [
        (name, at / MINUTE_MS, None if lasted is None else lasted / MINUTE_MS)
        for name, at, lasted, _ in found
    ]


def test_a_gap_ends_a_session() -> None:
    """Less than the gap joins, the gap itself parts."""
    # minutes    0    29.9     59.9            after 30 min exactly
    # sessions   |------|      |--
    assert sessions(view(0), view(29.9), view(59.9), wanted=("session_started",)) == [
        ("session_started", 0, None),
        ("session_started", 59.9, None),
    ]


def test_a_session_closes_when_the_watermark_comes_to_its_end_and_gap() -> None:
    """Facts of a closed session need the watermark at end + gap, not a moment earlier."""
    # end 10, gap 30, lateness 0.5: the tick must show 40.5
    early = sessions(view(0), view(10), tick(int(40.5 * MINUTE_MS) - 1))
    assert early == [("session_started", 0, None)]
    assert sessions(view(0), view(10), tick(int(40.5 * MINUTE_MS))) == [
        ("session_closed", 0, None),
        ("session_started", 0, None),
        ("session_ended", 10, 10),
    ]


def test_one_page_is_a_bounce() -> None:
    """One page view and nothing else is a bounce."""
    assert ("session_bounced", 0, None) in sessions(view(0), tick(100 * MINUTE_MS))
    two = sessions(view(0), view(1), tick(100 * MINUTE_MS))
    more = sessions(view(0), event("goal_completed", 1, visitor_id="v"), tick(100 * MINUTE_MS))
    assert not [f for f in two + more if f[0] == "session_bounced"]


def test_a_conversion_falls_at_the_start() -> None:
    """However many purchases, a session converts once, in the pane of its start."""
    found = sessions(view(0), buy(5), buy(6), wanted=("session_converted",))
    assert found == [("session_converted", 0, None)]


def test_a_late_event_merges_two_sessions() -> None:
    """The result is that of the set of events, whatever the order of arrival."""
    # arrival   0, 50, then 25 (late, within the keyed lateness): gaps of 25 join all
    found = sessions(view(0), view(50), view(25), tick(200 * MINUTE_MS))
    assert found == [
        ("session_closed", 0, None),
        ("session_started", 0, None),
        ("session_ended", 50, 50),
    ]


def test_a_session_id_parts_what_time_would_join() -> None:
    """Events under a session id are one session; those without another's business."""
    found = sessions(
        view(0, session_id="a"),
        view(1, session_id="b"),
        view(2),
        view(100, session_id="a"),  # longer than the gap, shorter than a day
        wanted=("session_started",),
    )
    assert found == [("session_started", at, None) for at in (0, 1, 2)]


def test_nobody_known_has_no_session() -> None:
    """An event without visitor is in no session; an empty visitor is none."""
    assert not sessions(view(0, visitor="", customer_id="c"), wanted=("session_started",))


def test_dimensions_are_the_first_event_s() -> None:
    """The first event by time, then offset, names the session's dimensions, late or not."""
    catalog = catalog_of(count("session_started"), sets=[("source",)])
    rows = log_of([view(5, source="b"), view(1, source="a"), view(1, source="c")])
    assert cells_of(recomputed(rows, catalog), "source") == [
        ("session_started", "", "a", 60_000, 1)
    ]


def test_a_visitor_is_new_until_seen_and_again_after_the_horizon() -> None:
    """The audience is new where nothing was seen of the visitor in the horizon before."""
    # minutes    0     99          199          horizon 100 min: 100 after is new again
    # audience   new   returning   new
    found = audiences(view(0), view(99), view(199), visitor_horizon_ms=100 * MINUTE_MS)
    assert found == [("new", 0), ("returning", 99), ("new", 199)]


def audiences(*events: dict[str, Any], **defaults: int) -> list[tuple[str, float]]:
    """Return (audience, minutes) of the sessions."""
    catalog = catalog_of(count("session_started"), sets=[("audience",)], **defaults)
    rows = cells_of(recomputed(log_of(events), catalog), "audience")
    return sorted(((row[2], row[3] // MINUTE_MS) for row in rows), key=lambda pair: pair[1])
