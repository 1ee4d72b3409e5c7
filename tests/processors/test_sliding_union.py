"""A sliding union: the same as counting every pane of the window anew, with bounded memory.

::

    panes      | a b |  b  |  c  | a c |
    window     |-----------------|         3 distinct
    later            |-----------------|   3 distinct: a was seen again
    later                  |-----------|   2 distinct
"""

from __future__ import annotations

import random
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from processors import sketch, sliding_union
from processors.sliding_union import SlidingUnion

STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),  # how far back the pane is
        st.sets(st.integers(0, 60), max_size=12),
        st.booleans(),  # whether the window moves first
    ),
    max_size=60,
)


@given(STEPS)
def test_it_counts_what_is_in_the_window(steps: list[tuple[int, set[int], bool]]) -> None:
    """After any adds, late ones included, and moves, the count is that of all panes held."""
    union, panes, start = SlidingUnion(), {}, 0
    for back, hashes, moves in steps:
        if moves:
            start += 1
            union.evict(start)
        pane = start + 5 - back
        panes[pane] = panes.get(pane, set()) | hashes
        union.add(pane, hashes)
        held = set().union(*(found for at, found in panes.items() if at >= start))
        assert union.estimate() == len(union) == len(held)


@given(STEPS, st.integers(0, 1_000))
def test_dropping_hashes_changes_no_estimate(
    steps: list[tuple[int, set[int], bool]], seed: int
) -> None:
    """What is dropped could not have been among the k smallest of this or any later window."""
    order = list(range(61))
    random.Random(seed).shuffle(order)  # hashes do not come sorted
    with (
        patch.object(sketch, "SKETCH_SIZE", 4),
        patch.object(sliding_union, "SKETCH_SIZE", 4),
        patch.object(sliding_union, "_HASHES_MAX", 8),
    ):
        union, panes, start = SlidingUnion(), {}, 0
        for back, drawn, moves in steps:
            if moves:
                start += 1
                union.evict(start)
            pane, hashes = start + 5 - back, {1 + order[one] for one in drawn}
            panes[pane] = panes.get(pane, set()) | hashes
            union.add(pane, hashes)
            held = set().union(*(found for at, found in panes.items() if at >= start))
            assert union.estimate() == sketch.estimate(held)


def test_memory_does_not_follow_the_number_of_members() -> None:
    """A window of hundreds of thousands keeps what its estimate can still need."""
    union, rng = SlidingUnion(), random.Random(1)
    for pane in range(300):
        union.add(pane, {rng.getrandbits(64) for _ in range(1_000)})
    assert len(union) <= 16 * sketch.SKETCH_SIZE
    assert abs(union.estimate() / 300_000 - 1) < 4 * sketch.RELATIVE_STANDARD_ERROR


def test_moving_past_everything_leaves_nothing() -> None:
    """A window without traffic decays to 0."""
    union = SlidingUnion()
    union.add(3, {1, 2})
    assert union.evict(4)
    assert not union.evict(5)
    assert (union.estimate(), len(union)) == (0, 0)
