"""Lists: the last word by time counts, the same word again changes nothing.

::

    minute      0   10   20   30
    events      +   +    -    -
    concluded   joined   left
"""

from __future__ import annotations

import itertools

from processors.event import Event
from processors.keyed.membership import MembershipProcessor
from tests.processors.keyed.run import MINUTE_MS, conclude, event

JOINED, LEFT = "subscriber_joined", "subscriber_left"
HOUR_MS = 60 * MINUTE_MS


def said(kind: str, minute: float, recipient: str = "r", of: str = "news") -> Event:
    """Make a word of a recipient."""
    return event(kind, minute, recipient_id=recipient, list=of)


def processor() -> MembershipProcessor:
    return MembershipProcessor(lateness_ms=HOUR_MS)


def test_a_word_said_again_changes_nothing() -> None:
    """Twice subscribed is once on the list."""
    words = [
        said("subscribed", 0), said("subscribed", 10), said("unsubscribed", 20),
        said("unsubscribed", 30),
    ]  # fmt: skip
    assert conclude(processor(), words, 500) == {(JOINED, 0): 1, (LEFT, 20): 1}


def test_leaving_without_having_joined_is_leaving() -> None:
    """Who was never seen to join was there before."""
    assert conclude(processor(), [said("unsubscribed", 5)]) == {(LEFT, 5): 1}


def test_lists_and_recipients_are_apart() -> None:
    """Each recipient is on each list by himself."""
    words = [said("subscribed", 0), said("subscribed", 1, "s"), said("subscribed", 2, "r", "x")]
    assert conclude(processor(), words).total() == 3


def test_any_order_of_arrival_is_the_same() -> None:
    """What was concluded too early is taken back."""
    words = [
        said("subscribed", 0), said("unsubscribed", 10), said("subscribed", 20),
        said("subscribed", 30), said("unsubscribed", 40),
    ]  # fmt: skip
    expected = conclude(processor(), words)
    assert expected == {(JOINED, 0): 1, (LEFT, 10): 1, (JOINED, 20): 1, (LEFT, 40): 1}
    for order in itertools.permutations(words):
        assert conclude(processor(), order) == expected


def test_only_what_a_late_word_can_touch_is_kept() -> None:
    """The last word before that stays for ever, and nothing waits for it."""
    one = processor()
    state = one.new("k")
    for minute in range(0, 120, 30):
        kind = "subscribed" if minute % 60 else "unsubscribed"
        one.take(state, said(kind, minute), minute, lambda _: None)
    assert one.close(state, 1_000 * MINUTE_MS, lambda _: None)
    assert [word.ts // MINUTE_MS for word in state.words] == [90]
    assert state.due_ms == 1 << 62
