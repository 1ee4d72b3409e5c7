"""Duplicates: found within the stated horizon, whatever the cut, and again after a restart."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from processors.dedup import Dedup

LOGS = st.lists(st.integers(0, 12), max_size=80)


def found(ids: list[int], cuts: list[int], horizon: int = 10) -> list[int]:
    dedup, duplicates = Dedup(horizon), []
    bounds = [0, *sorted(c % (len(ids) + 1) for c in cuts), len(ids)]
    for start, end in itertools.pairwise(bounds):
        chunk = [str(i) for i in ids[start:end]]
        duplicates += [start + i for i in dedup.duplicates(range(start, end), chunk)]
    return duplicates


@given(LOGS, st.lists(st.integers(0, 80), max_size=5))
def test_cutting_does_not_change_the_duplicates(ids: list[int], cuts: list[int]) -> None:
    """The same log in other chunks has the same duplicates."""
    assert found(ids, cuts) == found(ids, [])


@given(LOGS)
def test_duplicates_within_the_horizon_are_always_found(ids: list[int]) -> None:
    """An id seen at most H records ago is a duplicate; one not seen in 2 H is not."""
    duplicates = set(found(ids, []))
    for at, one in enumerate(ids):
        if one in ids[max(0, at - 10) : at]:
            assert at in duplicates
        if one not in ids[max(0, at - 20) : at]:
            assert at not in duplicates


@given(LOGS, st.integers(0, 79))
def test_a_restart_finds_what_an_unbroken_run_finds(ids: list[int], restart: int) -> None:
    """Re-reading from restore_from rebuilds all that later records need."""
    restart = min(restart, len(ids))
    dedup = Dedup(10)
    start = dedup.restore_from(restart)
    dedup.duplicates(range(start, restart), [str(i) for i in ids[start:restart]])
    rest = dedup.duplicates(range(restart, len(ids)), [str(i) for i in ids[restart:]])
    assert [restart + i for i in rest] == [d for d in found(ids, []) if d >= restart]
