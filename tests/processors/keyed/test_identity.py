"""Whose session and cart a backend's purchase belongs to. Times are minutes.

::

    links        v1 ------- v2                  v3
    purchases      p (v1)      p (v2)   p held -^ at most a gap later: v3
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from processors.bundles import Emission, Sold
from processors.event import BEFORE_ANY_MS, CustomerBought, CustomerLinked
from processors.keyed.identity import HELD_MAX, LINKS_MAX, IdentityProcessor, IdentityState
from tests.processors.keyed.run import stored

MINUTE_MS = 60_000
GAP, LATE, HORIZON = 30, 60, 1_000
Event = CustomerBought | CustomerLinked


def processor() -> IdentityProcessor:
    return IdentityProcessor(
        gap_ms=GAP * MINUTE_MS, lateness_ms=LATE * MINUTE_MS, horizon_ms=HORIZON * MINUTE_MS
    )


def link(at: float, visitor: str, event_id: str = "l", now: float | None = None) -> CustomerLinked:
    return CustomerLinked(
        event_id=event_id,
        ts=int(at * MINUTE_MS),
        customer_id="c",
        visitor_id=visitor,
        watermark_ms=BEFORE_ANY_MS if now is None else int(now * MINUTE_MS),
    )


def buy(at: float, event_id: str = "p", now: float | None = None) -> CustomerBought:
    return CustomerBought(
        event_id=event_id,
        ts=int(at * MINUTE_MS),
        customer_id="c",
        micro=5,
        currency="EUR",
        sold=Sold("o"),
        watermark_ms=BEFORE_ANY_MS if now is None else int(now * MINUTE_MS),
    )


def handed(*events: Event) -> list[tuple[str, str, int]]:
    """Return (purchase, visitor, number of the event that did it) of what is handed over."""
    found: list[Emission] = []
    state = IdentityState("c")
    for offset, event in enumerate(events):
        processor().take(state, event, offset, found.append)
    return [(one.event_id, one.visitor_id, one.offset) for one in found]


def test_a_purchase_is_the_latest_linked_visitor_s() -> None:
    """Of the links at or before it the latest counts, by time and event id."""
    links = [link(0, "v1", "a"), link(10, "v2", "b"), link(10, "v3", "c"), link(20, "v4", "d")]
    assert handed(*links, buy(10)) == [("p", "v3", 4)]
    assert handed(*links, buy(9.9)) == [("p", "v1", 4)]


def test_without_one_the_earliest_within_a_gap_after_it_counts() -> None:
    """A visitor who logs in after buying is found; later than a gap it may be another visit."""
    assert handed(link(40, "v2", "b"), link(30, "v1", "a"), buy(0)) == [("p", "v1", 2)]
    assert handed(link(30.1, "v1"), buy(0)) == []


def test_a_purchase_waits_for_its_link_and_is_handed_over_once() -> None:
    """The first link that is read counts, be it earlier or at most a gap later, and no other."""
    assert handed(buy(0), link(31, "v1"), link(30, "v2"), link(0, "v3")) == [("p", "v2", 2)]
    assert handed(buy(0), link(-500, "v1"), link(1, "v2")) == [("p", "v1", 1)]


def test_several_that_wait_go_in_order_of_their_time() -> None:
    """One link hands over all that waited, by time and event id."""
    events = [buy(2, "b"), buy(1, "c"), buy(2, "a"), link(3, "v")]
    assert [one[0] for one in handed(*events)] == ["c", "a", "b"]


def test_a_purchase_is_held_as_long_as_sessions_would_take_it() -> None:
    """A gap and the keyed lateness behind the watermark it is given up; a link a horizon."""
    held = GAP + LATE
    assert handed(buy(0), link(5, "v", now=held - 0.1)) == [("p", "v", 1)]
    assert handed(buy(0), link(5, "v", now=held)) == []
    assert handed(link(0, "v"), buy(900, now=HORIZON - 0.1)) == [("p", "v", 1)]
    assert handed(link(0, "v"), buy(900, now=HORIZON)) == []


@pytest.mark.parametrize("seed", range(10))
def test_the_order_in_which_links_are_read_changes_nothing(seed: int) -> None:
    """What is known when a purchase is read decides, not when it came to be known."""
    rng = random.Random(seed)
    links = [link(rng.randrange(40), f"v{n}", f"l{n}") for n in range(LINKS_MAX + 4)]
    found = set()
    for _ in range(10):
        rng.shuffle(links)
        found |= {visitor for _, visitor, _ in handed(*links, buy(30))}
    assert len(found) == 1


def test_states_are_bounded() -> None:
    """Of a customer the latest few links are kept, and of what waits the latest."""
    state, one = IdentityState("c"), processor()
    for number in range(3 * HELD_MAX):
        one.take(state, buy(number / 100, f"p{number}"), number, pytest.fail)
    assert [held.event_id for held in state.held] == [f"p{n}" for n in range(200, 300)]
    for number in range(3 * LINKS_MAX):
        one.take(state, link(1_000 + number, f"v{number}", f"l{number}"), number, pytest.fail)
    assert [known.visitor_id for known in state.links] == [f"v{n}" for n in range(16, 24)]


@pytest.mark.parametrize("seed", range(40))
def test_timers_and_tables_change_nothing(seed: int) -> None:
    """Closed, encoded, dropped and begun anew at any watermark: the same is handed over."""
    rng = random.Random(seed)
    one = processor()
    state: Any = one.new("c")
    plain: list[Emission] = []
    shaken: list[Emission] = []
    untouched = one.new("c")
    now = 0.0
    for offset in range(150):
        now += rng.choice((0, 0, 1, GAP - 1, GAP, 61, HORIZON / 3))
        at = now - rng.choice((0, 0, 5, GAP, 3 * LATE, -5))
        make = rng.choice((buy, buy, lambda *a, **k: link(a[0], rng.choice("vwx"), *a[1:], **k)))
        event = make(at, f"e{offset}", now=now)
        one.take(untouched, event, offset, plain.append)
        if rng.random() < 0.5:
            there = one.close(state, int(now * MINUTE_MS), pytest.fail)
            state = stored(one, state) if there else one.new("c")
        one.take(state, event, offset, shaken.append)
    assert plain == shaken
    assert plain
    assert not one.close(state, int((now + 10 * HORIZON) * MINUTE_MS), pytest.fail)


def test_a_forgotten_visitor_is_no_link() -> None:
    """What was linked to them is linked to nobody, and others' states are left as they are."""
    one, state = processor(), IdentityState("c")
    for event in (link(0, "v1", "a"), link(1, "v2", "b")):
        one.take(state, event, 0, pytest.fail)
    assert one.erased(state, "v3") is state
    left = one.erased(state, "v2")
    assert left is not None
    assert [known.visitor_id for known in left.links] == ["v1"]
    assert one.erased(left, "v1") is None
