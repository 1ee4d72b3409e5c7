"""Distinct members of local days that begin within an hour."""

from __future__ import annotations

from typing import Any

from processors.admission import Admission
from processors.catalog.model import Aggregation, Catalog, Defaults, Measure, Requirement
from processors.event import PageView
from processors.ladder import Ladder
from processors.measures.accumulator import Accumulator
from processors.measures.plan import compile_measures
from processors.sketch import HASH_BYTES

MIDNIGHT_MS = 1_706_725_800_000  # 2024-02-01 00:00 in Kolkata, 18:30 UTC
SECOND_MS = 1_000


def members_by_day(*batches: list[Any]) -> dict[int, int]:
    """Return day -> members sent to its pane, over several checkpoints."""
    people = Measure("people", ("page_view",), Aggregation.DISTINCT, "visitor")
    catalog = Catalog(
        {"people": people},
        {},
        {"people": Requirement(people, ((),), ("10s", "1m", "1h", "1d"))},
        Defaults(),
        Ladder(zone="Asia/Kolkata"),
    )
    plan = compile_measures(catalog)
    accumulator = Accumulator(plan, Admission(plan.values_max, {}))
    found: dict[int, int] = {}
    for events in batches:
        accumulator.add("page_view", events)
        for start_ms, cells in accumulator.drain().sketches.get("1d", {}).items():
            sent = sum(len(packed) // HASH_BYTES for packed in cells.values())
            found[start_ms] = found.get(start_ms, 0) + sent
    return found


def view(at_ms: int) -> PageView:
    """Return a page view of visitor v, so long after midnight."""
    return PageView(event_id=str(at_ms), ts=MIDNIGHT_MS + at_ms, visitor_id="v")


def test_who_is_there_on_both_sides_of_midnight_is_a_member_of_both_days() -> None:
    """An hour that lies in two local days sends its members to the day they were seen in."""
    yesterday_ms = MIDNIGHT_MS - 86_400_000
    before, after = view(-60 * SECOND_MS), view(60 * SECOND_MS)
    assert members_by_day([before, after]) == {yesterday_ms: 1, MIDNIGHT_MS: 1}
    assert members_by_day([before], [after]) == {yesterday_ms: 1, MIDNIGHT_MS: 1}
    assert members_by_day([after]) == {MIDNIGHT_MS: 1}
