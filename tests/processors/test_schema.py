"""States of every older schema are read, each step is taken once; what never changed is free."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from processors.event import PageView
from processors.keyed.session import SessionProcessor
from processors.schema import SCHEMA, Codec, Schema
from processors.state import Entry, StateCache, state_id
from tests.support.generations import NEWER, PROCESSORS, make_older

SESSIONS = SessionProcessor(gap_ms=1_800_000, lateness_ms=3_600_000)


def stamped(mark: str) -> Any:
    """Return a migration that leaves a mark in the state's key."""
    return lambda state: [state[0] + mark, *state[1:]]


STEPS: tuple[dict[str, Any], ...] = (
    {"session": stamped(">2")},
    {"cart": stamped(">3")},  # somebody else's
    {"session": stamped(">4"), "cart": stamped(">4")},
)


@pytest.mark.parametrize(
    ("written", "read", "key"),
    [
        (0, 0, "v"),
        (0, 1, "v>2"),
        (0, 3, "v>2>4"),
        (1, 3, "v>4"),
        (2, 3, "v>4"),
        (1, 2, "v"),
        (3, 3, "v"),
    ],
)
def test_every_step_since_the_state_was_written_is_taken_once(
    written: int, read: int, key: str
) -> None:
    """In order, each processor its own, and none twice."""
    encoded = Codec(SESSIONS, Schema(STEPS[:written])).encode(SESSIONS.new("v"))
    state = Codec(SESSIONS, Schema(STEPS[:read])).decode(encoded)
    assert state == SESSIONS.new(key)


def test_states_that_never_changed_are_stored_as_they_are() -> None:
    """Whatever other processors' states have been through."""
    codec = Codec(SESSIONS, Schema(({"cart": stamped(">2")},)))
    assert codec.encode(SESSIONS.new("v")) == msgspec.msgpack.encode(SESSIONS.new("v"))


def test_every_step_is_of_a_processor_that_there_is() -> None:
    """A name that is spelt wrongly would migrate nothing."""
    names = {each.name for each in PROCESSORS}
    assert all(step.keys() <= names for step in SCHEMA.steps)


def test_an_older_session_goes_on_and_is_stored_as_a_newer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A session that the older program opened is extended and closed by the newer one."""
    facts: list[Any] = []
    with monkeypatch.context() as patch:
        make_older(patch.setattr)
        older = StateCache(SESSIONS, 10)
        entry = Entry("v")
        older.load(entry, None)
        older.take([(entry, PageView(event_id="1", ts=0, visitor_id="v"), 0)], facts.append)
        stored = older.drain()[0][state_id("v")]
    assert stored is not None
    with pytest.raises(msgspec.ValidationError):
        Codec(SESSIONS, SCHEMA).decode(stored)
    newer = StateCache(SESSIONS, 10, NEWER)
    entry = Entry("v")
    newer.load(entry, stored)
    newer.take([(entry, PageView(event_id="2", ts=60_000, visitor_id="v"), 1)], facts.append)
    again = newer.drain()[0][state_id("v")]
    assert again is not None
    due = StateCache(SESSIONS, 10, NEWER)
    due.fire_cold([again], 10_000_000, facts.append)
    kinds = [fact.__struct_config__.tag for fact in facts]
    assert kinds.count("session_started") == 1
    assert kinds.count("session_closed") == 1
