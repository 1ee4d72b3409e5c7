"""Columns add up as the events do, one by one: whatever the values, panes, filters and weights."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.admission import Admission
from processors.catalog.model import (
    Aggregation,
    Bound,
    Catalog,
    Defaults,
    Measure,
    Requirement,
    Weights,
)
from processors.event import AdClick, PageView
from processors.facts import CustomerSpent
from processors.ladder import Ladder
from processors.measures import accumulator as module
from processors.measures.accumulator import Accumulator
from processors.measures.plan import compile_measures
from processors.measures.rows import sums
from processors.names import OTHER_VALUE, parse_cell
from processors.sketch import hash_int, unpack

PANE_MS = 10_000
SETS = ((), ("device",), ("country", "device"))
RUNGS = ("10s", "1m")


def accumulating(*measures: Measure, budget: int = 202, sets: Any = SETS) -> Accumulator:
    """Return an accumulator of measures, each in every dimension set."""
    catalog = Catalog(
        {m.name: m for m in measures},
        {},
        {m.name: Requirement(m, sets, RUNGS) for m in measures},
        Defaults(dimension_values_max=budget),
        Ladder(),
    )
    plan = compile_measures(catalog)
    return Accumulator(plan, Admission(plan.values_max, {}))


VIEWS = st.lists(
    st.builds(
        lambda ts, device, country, visitor: PageView(
            event_id="e", ts=ts, device=device, country=country, visitor_id=visitor
        ),
        st.integers(0, 200_000) | st.integers(10**12, 10**12 + 10**8),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["x", "y", ""]),
        st.sampled_from(["v", "w", "z", None]),
    ),
    min_size=1,
    max_size=60,
)
CUTS = st.lists(st.integers(0, 60), max_size=4)


def cut(events: list[Any], cuts: list[int]) -> list[list[Any]]:
    """Cut a list at some places."""
    at = [0, *sorted(cuts), len(events)]
    return [events[a:b] for a, b in pairwise(at) if events[a:b]]


def label(value: str | None) -> str:
    """Return a value's label."""
    return value or "__none__"


@given(VIEWS, CUTS, st.integers(1, 80))
def test_counts_and_members_are_those_of_the_events(
    events: list[Any], cuts: list[int], rows_max: int
) -> None:
    """By pane and label; cut into chunks anyhow, added up early or at the checkpoint."""
    views = Measure("views", ("page_view",), Aggregation.COUNT)
    on_b = Measure("on_b", ("page_view",), Aggregation.COUNT, where=(("device", ("b",)),))
    people = Measure("people", ("page_view",), Aggregation.DISTINCT, "visitor_id")
    accumulator = accumulating(views, on_b, people)
    before, module.ROWS_MAX = module.ROWS_MAX, rows_max  # type: ignore[misc]
    try:
        for chunk in cut(events, cuts):
            accumulator.add("page_view", chunk)
        drained = accumulator.drain()
    finally:
        module.ROWS_MAX = before  # type: ignore[misc]
    counts: Counter[Any] = Counter()
    members: dict[Any, set[int]] = {}
    for event in events:
        for size_ms, rung in ((PANE_MS, "base"), (PANE_MS, "10s"), (60_000, "1m")):
            start = event.ts - event.ts % size_ms
            values = {"device": label(event.device), "country": label(event.country)}
            for dimensions in SETS:
                at = (rung, start, dimensions, tuple(values[name] for name in dimensions))
                counts["views", *at] += 1
                if event.device == "b":
                    counts["on_b", *at] += 1
                if event.visitor_id:
                    members.setdefault(at, set()).add(hash_int(event.visitor_id))
    assert flat({"base": drained.base, **drained.rungs}) == counts
    sketches = flat({"base": drained.base_sketches, **drained.sketches})
    assert {at[1:]: set(unpack(packed)) for at, packed in sketches.items()} == members


def flat(by_rung: Any) -> dict[Any, Any]:
    """Return cells by measure, rung, pane, dimensions and values."""
    return {
        (cell.measure, rung, start, cell.dimensions, cell.values): amount
        for rung, panes in by_rung.items()
        for start, cells in panes.items()
        for name, amount in cells.items()
        if (cell := parse_cell(name))
    }


@given(
    st.lists(
        st.tuples(st.integers(-(10**20), 10**20), st.sampled_from([1, -1])), min_size=1, max_size=20
    )
)
def test_sums_are_exact_however_large(paid: list[tuple[int, int]]) -> None:
    """Past 64 bits as well; what is taken back is taken off, and nothing is no cell."""
    money = Measure("money", ("customer_spent",), Aggregation.SUM, "value")
    accumulator = accumulating(money, sets=((),))
    spent = [CustomerSpent(ts=1_000, weight=weight, micro=micro) for micro, weight in paid]
    accumulator.add("customer_spent", spent)
    total = sum(micro * weight for micro, weight in paid)
    assert list(accumulator.drain().base.get(0, {}).values()) == ([total] if total else [])


def test_weights_and_bounds_count_what_they_say() -> None:
    """A campaign's clicks weigh 3 or -2; only purchases of 5 to 10 are middling."""
    score = Measure(
        "score",
        ("ad_click",),
        Aggregation.COUNT,
        weights=Weights("campaign", (("a", 3), ("b", -2))),
    )
    accumulator = accumulating(score, sets=((),))
    clicks = [AdClick(event_id=str(n), ts=0, campaign=c) for n, c in enumerate("aabc")]
    accumulator.add("ad_click", clicks)
    assert accumulator.drain().base == {0: {"score\x1f": 3 + 3 - 2 + 1}}
    middling = Measure(
        "middling", ("customer_spent",), Aggregation.COUNT, bounds=(Bound("value", 5, 10),)
    )
    accumulator = accumulating(middling, sets=((),))
    accumulator.add("customer_spent", [CustomerSpent(0, 1, micro=n) for n in range(4, 12)])
    assert accumulator.drain().base == {0: {"middling\x1f": 6}}


def test_overflow_counts_events_under_other_once_a_measure_and_set() -> None:
    """Beyond the budget the rest is one label, the total stays, the counter tells how much."""
    views = Measure("views", ("page_view",), Aggregation.COUNT)
    accumulator = accumulating(views, sets=((), ("device",)))
    events = [PageView(event_id=str(n), ts=0, device=f"d{n % 300}") for n in range(600)]
    accumulator.add("page_view", events)
    drained = accumulator.drain()
    cells = drained.base[0]
    (other,) = [n for name, n in cells.items() if name.endswith(OTHER_VALUE)]
    assert cells["views\x1f"] == 600
    assert sum(cells.values()) == 2 * 600
    assert drained.overflow == other > 0


@pytest.mark.parametrize("size", [10, 10**9])
def test_sums_of_a_small_and_of_a_sparse_table_are_the_same(size: int) -> None:
    """Codes that come to nothing are left out."""
    codes = np.array([7, 3, 7, 9, 9], np.int64)
    found, totals = sums(codes, size, np.array([1, 2, 3, 4, -4], np.int64))
    assert (found.tolist(), totals.tolist()) == ([3, 7], [2, 4])
    found, totals = sums(codes, size, None)
    assert (found.tolist(), totals.tolist()) == ([3, 7, 9], [1, 2, 2])
