"""Sketches: exact below k, within the stated error above, merged without loss."""

from __future__ import annotations

import hashlib
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.sketch import (
    RELATIVE_STANDARD_ERROR,
    SKETCH_SIZE,
    estimate,
    hash_bytes,
    hash_int,
    smallest,
    union,
    unpack,
)


def test_the_hash_is_md5s_first_eight_bytes() -> None:
    """Any language can recompute the hash."""
    digest = hashlib.md5("Ünïcode".encode(), usedforsecurity=False).hexdigest()
    assert hash_bytes("Ünïcode").hex() == digest[:16]
    assert hash_int("Ünïcode") == int(digest[:16], 16)


@given(st.sets(st.integers(0, 2**64 - 1), max_size=50))
def test_stored_sketches_are_read_back(hashes: set[int]) -> None:
    """Packing as 8-byte numbers and unpacking lose nothing."""
    assert unpack(b"".join(one.to_bytes(8, "big") for one in hashes)) == hashes


def test_a_cut_sketch_is_refused() -> None:
    """Bytes that are no whole hashes are an error, not a wrong count."""
    with pytest.raises(ValueError, match="was cut"):
        unpack(b"1234567890")


@pytest.mark.parametrize("count", [0, 1, 100, SKETCH_SIZE - 1])
def test_exact_below_its_size(count: int) -> None:
    """Fewer than k members are counted exactly."""
    assert estimate({hash_int(f"visitor-{i}") for i in range(count)}) == count


def test_error_above_its_size_is_as_stated() -> None:
    """Over many populations the standard error is 2.2 % and there is no bias."""
    errors = []
    for population in range(40):
        count = 3_000 + 400 * population
        found = estimate({hash_int(f"{population}/{i}") for i in range(count)})
        errors.append(found / count - 1)
    deviation = sqrt(sum(error**2 for error in errors) / len(errors))
    assert deviation < 1.3 * RELATIVE_STANDARD_ERROR
    assert abs(sum(errors) / len(errors)) < 3 * RELATIVE_STANDARD_ERROR / sqrt(len(errors))


@given(st.lists(st.sets(st.integers(0, 10_000)), max_size=6))
def test_union_is_the_sketch_of_everything(parts: list[set[int]]) -> None:
    """Merging parts, in any order, is the sketch of all members."""
    assert union(parts) == union(parts[::-1]) == smallest(set().union(*parts))


def test_cutting_parts_down_first_changes_no_estimate() -> None:
    """What a part drops beyond its k smallest could not have been in the union's."""
    whole = {hash_int(str(i)) for i in range(9_000)}
    halves = [set(sorted(whole)[::2]), set(sorted(whole)[1::2])]
    assert estimate(union(map(smallest, halves))) == estimate(whole)
