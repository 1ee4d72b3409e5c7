"""E-mail: what came of a sending, in the sending's pane."""

from __future__ import annotations

from typing import Any

from processors.keyed.email import EmailProcessor
from tests.processors.keyed.run import MINUTE_MS, conclude, event, every_order

HOUR = 60
EMAIL = EmailProcessor(window_ms=72 * HOUR * MINUTE_MS, lateness_ms=HOUR * MINUTE_MS)


def email(kind: str, minute: float, recipient: str = "r", **fields: Any) -> Any:
    fields.setdefault("campaign", "spring")
    return event(f"email_{kind}", minute, recipient_id=recipient, visitor_id=None, **fields)


def test_unique_opens_and_clicks_fall_at_the_sending() -> None:
    """However often a message is opened, it was opened once, where it was sent.

    minute   0: sent   1: delivered   90: opened   95: opened   96: clicked
             delivered, opened, clicked
    """
    events = [
        email("sent", 0),
        email("delivered", 1),
        email("opened", 90),
        email("opened", 95),
        email("clicked", 96),
    ]
    for order in every_order(events):
        assert conclude(EMAIL, order) == {
            ("send_delivered", 0): 1,
            ("send_opened", 0): 1,
            ("send_clicked", 0): 1,
        }


def test_window_of_72_hours_ends_before_its_end() -> None:
    """What comes 72 h after the sending belongs to it no more."""
    sent = [email("sent", 0), email("delivered", 1)]
    inside = conclude(EMAIL, [*sent, email("opened", 72 * HOUR - 1 / MINUTE_MS)])
    outside = conclude(EMAIL, [*sent, email("opened", 72 * HOUR)])
    assert inside["send_opened", 0] == 1
    assert ("send_opened", 0) not in outside


def test_delivery_without_a_sending_stands_for_it() -> None:
    """Where nobody reports what is sent, what arrives is the sending, each time it does."""
    events = [email("delivered", 1), email("opened", 2), email("delivered", 3), email("opened", 4)]
    for order in every_order(events):
        assert conclude(EMAIL, order) == {
            ("send_delivered", 1): 1,
            ("send_opened", 1): 1,
            ("send_delivered", 3): 1,
            ("send_opened", 3): 1,
        }


def test_responses_go_to_the_latest_sending_of_their_campaign() -> None:
    """A campaign's open is its own; one that names no campaign is the latest message's.

    minute   0: spring   1: autumn   2: open spring   3: open (none)
             opened      opened
    """
    events = [
        email("delivered", 0),
        email("delivered", 1, campaign="autumn"),
        email("opened", 2),
        email("opened", 3, campaign=None),
    ]
    found = conclude(EMAIL, events)
    assert (found["send_opened", 0], found["send_opened", 1]) == (1, 1)


def test_other_recipients_responses_do_not_count() -> None:
    """Two recipients under one key (one visitor, two addresses) keep their messages apart."""
    mine = {"visitor_id": "v", "campaign": "spring"}
    events = [
        event("email_delivered", 0, recipient_id="r", **mine),
        event("email_opened", 1, recipient_id="s", **mine),
    ]
    assert conclude(EMAIL, events) == {("send_delivered", 0): 1}


def test_purchase_of_a_linked_visitor_counts_for_the_latest_message() -> None:
    """Where messages carry the visitor that their recipient is, purchases on the site count."""
    money: dict[str, Any] = {"order_id": "o", "value": 1, "currency": "EUR"}
    linked = {"recipient_id": "r", "visitor_id": "v", "campaign": "spring"}
    events = [
        event("email_delivered", 0, **linked),
        event("email_delivered", 5, **linked),
        event("purchase", 9, visitor_id="v", **money),
        event("purchase", 3, visitor_id="w", **money),
    ]
    for order in every_order(events):
        assert conclude(EMAIL, order) == {
            ("send_delivered", 0): 1,
            ("send_delivered", 5): 1,
            ("send_purchased", 5): 1,
        }


def test_bounced_message_concludes_nothing() -> None:
    """What was sent and never delivered has no rates, even if it is opened."""
    assert conclude(EMAIL, [email("sent", 0), email("opened", 4)]) == {}
