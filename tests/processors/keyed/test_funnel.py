"""Funnels: ordered steps within a session."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from processors.keyed.funnel import Funnel, StepMark
from processors.keyed.session import SessionProcessor
from tests.processors.keyed.run import MINUTE_MS, event, every_order, stored

STEPS = ("page_view", "add_to_cart", "checkout_started", "purchase")


@pytest.fixture
def sessions() -> SessionProcessor:
    return SessionProcessor(gap_ms=30 * MINUTE_MS, lateness_ms=60 * MINUTE_MS, steps=STEPS)


def happened(kind: str, minute: float) -> Any:
    money: dict[str, Any] = {"order_id": "o", "value": 1, "currency": "EUR"}
    return event(kind, minute, **(money if kind == "purchase" else {}))


def steps(
    processor: SessionProcessor, events: list[Any], kind: str = "FunnelReached"
) -> dict[tuple[float, str], int]:
    """Return (minute, step) -> weight of the facts of one type."""
    facts: list[Any] = []
    state = processor.new("v")
    for offset, one in enumerate(events):
        processor.take(state, one, offset, facts.append)
        if offset % 2:
            state = stored(processor, state)
    found: dict[tuple[float, str], int] = {}
    for fact in facts:
        if type(fact).__name__ == kind:
            known = fact.ts / MINUTE_MS, fact.step
            found[known] = found.get(known, 0) + fact.weight
    return {known: n for known, n in found.items() if n}


def test_steps_count_in_their_order_only(sessions: SessionProcessor) -> None:
    """A step before the one it follows does not count; it counts when it comes again.

    minute   0: add   1: page   2: purchase   3: add   4: checkout
             too soon 1st       too soon      2nd      3rd          (never the 4th)
    """
    events = [
        happened(kind, minute)
        for minute, kind in enumerate(
            ("add_to_cart", "page_view", "purchase", "add_to_cart", "checkout_started")
        )
    ]
    for order in every_order(events):
        assert steps(sessions, order) == {(0, step): 1 for step in STEPS[:3]}
        assert steps(sessions, order, "FunnelEntered") == {(0, step): 1 for step in STEPS[:3]}
        assert steps(sessions, order, "FunnelPassed") == {(0, step): 1 for step in STEPS[:2]}


def test_last_step_is_reached_but_not_entered(sessions: SessionProcessor) -> None:
    """After the last step there is nothing to pass on to."""
    events = [happened(kind, minute) for minute, kind in enumerate(STEPS)]
    assert steps(sessions, events) == {(0, step): 1 for step in STEPS}
    assert steps(sessions, events, "FunnelEntered") == {(0, step): 1 for step in STEPS[:3]}
    assert steps(sessions, events, "FunnelPassed") == {(0, step): 1 for step in STEPS[:3]}


def test_two_sessions_are_two_passages(sessions: SessionProcessor) -> None:
    """What one session began the next does not go on with; a late event between makes them one.

    minute   0: page            40: add               page, nothing
             0: page  20: page  40: add               page -> add
    """
    apart = [happened("page_view", 0), happened("add_to_cart", 40)]
    assert steps(sessions, apart) == {(0, "page_view"): 1}
    joined = [*apart, happened("page_view", 20)]
    for order in every_order(joined):
        assert steps(sessions, order) == {(0, "page_view"): 1, (0, "add_to_cart"): 1}


@pytest.mark.parametrize("seed", range(50))
def test_forgetting_changes_nothing(seed: int) -> None:
    """Marks kept, settled and absorbed say what all marks would, in any order of arrival."""
    rnd = random.Random(seed)
    marks = [StepMark(rnd.randrange(20), n, rnd.randrange(4)) for n in range(12)]
    expected = 0
    for mark in sorted(marks):
        expected += mark.step == expected
    funnel, settled_ms = Funnel(), 0
    waiting = sorted(marks, key=lambda m: m.ts + rnd.randrange(6))
    for mark, later in itertools.zip_longest(waiting, waiting[1:]):
        assert mark.ts >= settled_ms
        funnel.add(mark)
        rest = waiting[waiting.index(later) :] if later else []
        settled_ms = min((m.ts for m in rest), default=20)
        funnel.settle(settled_ms)
    assert funnel.reached == expected
