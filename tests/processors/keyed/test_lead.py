"""Leads: cohort facts in the pane of the creation, and the time until the first contact."""

from __future__ import annotations

from typing import Any

from processors.keyed.lead import LeadProcessor
from tests.processors.keyed.run import MINUTE_MS, conclude, event, every_order

LEADS = LeadProcessor(retention_ms=400 * 86_400_000, agreed_ms=60 * MINUTE_MS)


def lead(kind: str, minute: float, **fields: Any) -> Any:
    return event(kind, minute, lead_id="l", **fields)


def status(minute: float, what: str) -> Any:
    return lead("lead_status", minute, status=what)


def test_cohort_facts_fall_at_the_creation() -> None:
    """Whenever a lead is won, it counts where it was created.

    minute   0: created    5: accepted    20: qualified    60: won
             accepted, qualified, won, won in time
    """
    events = [lead("lead_created", 0), status(5, "accepted"), status(20, "qualified")]
    assert conclude(LEADS, [*events, status(60, "won")]) == {
        ("lead_started", 0): 1,
        ("lead_accepted", 0): 1,
        ("lead_qualified", 0): 1,
        ("lead_won", 0): 1,
        ("lead_won_in_time", 0): 1,
    }
    late = conclude(LEADS, [*events, status(60.001, "won"), status(70, "won")])
    assert late["lead_won", 0] == 1
    assert ("lead_won_in_time", 0) not in late


def test_order_of_arrival_does_not_matter() -> None:
    """Every order of the same events concludes the same facts; what precedes the creation is none.

    minute   1: won   2: created   3: contacted   4: created again   5: won
             -        lead         contact        -                  won
    """
    events = [
        status(1, "won"),
        lead("lead_created", 2),
        lead("sales_contacted", 3),
        lead("lead_created", 4),
        status(5, "won"),
    ]
    expected = {
        ("lead_started", 2): 1,
        ("lead_won", 2): 1,
        ("lead_won_in_time", 2): 1,
        ("lead_contacted", 3): 1,
    }
    for order in every_order(events):
        assert conclude(LEADS, order) == expected


def test_first_contact_counts_with_its_time_and_owner() -> None:
    """The response time runs to the first contact; what that does not say, the creation does."""
    facts: list[Any] = []
    state = LEADS.new("l")
    LEADS.take(state, lead("lead_created", 0, source="fair", owner="ann"), 0, facts.append)
    LEADS.take(state, lead("sales_contacted", 7, owner="bob"), 1, facts.append)
    contacted = facts[-1]
    assert contacted.duration_ms == 7 * MINUTE_MS
    assert (contacted.source, contacted.owner) == ("fair", "bob")


def test_losing_a_lead_concludes_nothing() -> None:
    """A lost lead stays a lead that was not won."""
    assert conclude(LEADS, [lead("lead_created", 0), status(1, "lost")]) == {("lead_started", 0): 1}


def test_lead_is_forgotten_after_its_retention() -> None:
    """The state goes when no event can be taken for it any more."""
    state = LEADS.new("l")
    LEADS.take(state, lead("lead_created", 0), 0, lambda _: None)
    assert LEADS.close(state, 400 * 86_400_000 - 1, lambda _: None)
    assert not LEADS.close(state, 400 * 86_400_000, lambda _: None)
