"""Each member of a pane is sent once, and only while its sketch would keep it."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.measures import sent as module
from processors.measures.sent import SentMembers
from processors.sketch import SKETCH_SIZE, smallest

BATCHES = st.lists(st.sets(st.integers(0, 40)), max_size=8)


def ascending(members: set[int]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return hashes as the sketches hand them over."""
    return np.array(sorted(members), np.uint64)


@given(BATCHES)
def test_a_member_is_sent_once_a_pane(batches: list[set[int]]) -> None:
    """What is sent of all batches is their union, nothing twice; other panes know nothing of it."""
    sent = SentMembers()
    found = [n for b in batches for n in sent.fresh("1m", 0, "c", ascending(b)).tolist()]
    assert sorted(found) == sorted(set().union(*batches))
    assert sent.fresh("1m", 60_000, "c", ascending({1, 2})).tolist() == [1, 2]


def test_a_full_sketch_is_only_sent_what_it_keeps() -> None:
    """What was sent holds the smallest k of all, in far fewer hashes than there were members."""
    random, sent = Random(7), SentMembers()
    everybody: set[int] = set()
    told: list[int] = []
    for _ in range(60):
        batch = {random.getrandbits(64) for _ in range(1_000)}
        everybody |= batch
        told += sent.fresh("1d", 0, "c", ascending(batch)).tolist()
    assert len(told) == len(set(told)) < len(everybody) / 3
    assert smallest(everybody) == smallest(frozenset(told))
    assert len(smallest(everybody)) == SKETCH_SIZE


def test_forgetting_only_sends_again() -> None:
    """The oldest pane is forgotten where too much is remembered."""
    before, module._SENT_HASHES_MAX = module._SENT_HASHES_MAX, 5
    try:
        sent = SentMembers()
        for start_ms in (0, 60_000):
            assert len(sent.fresh("1m", start_ms, "c", ascending({1, 2, 3}))) == 3
        assert len(sent.fresh("1m", 60_000, "c", ascending({1, 2, 3}))) == 0
        assert len(sent.fresh("1m", 0, "c", ascending({1, 2, 3}))) == 3
    finally:
        module._SENT_HASHES_MAX = before
