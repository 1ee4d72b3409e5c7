"""Passing on, the pure part: what is passed, how it is told apart, and what is refused."""

from __future__ import annotations

import json

from processors.bundles import Emission, bundle
from processors.catalog.load import load_catalog
from processors.checkpoint import Claim
from processors.event import tick_record
from processors.names import CUSTOMER, VISITOR
from processors.passing import Marks
from processors.pipeline import PartitionPipeline, compile_plan
from streams.catalog_files import preset_sources

PLAN = compile_plan(load_catalog(preset_sources()))
NOW_MS = 1_700_000_000_000


def pipeline(topic: str) -> PartitionPipeline:
    claim = Claim(epoch=1, number=0, offset=None, max_ts_ms=None)
    return PartitionPipeline(
        PLAN, claim, topic=topic, partition=0, dedup_horizon=100, state_cache_max=100
    )


def emission(offset: int, ts: int = NOW_MS) -> Emission:
    return Emission(offset, 0, f"e{offset}", ts, "c1", False, 5, "EUR", ("mail",) + (None,) * 5)


def test_purchases_and_refunds_of_known_customers_are_passed_on() -> None:
    """Nothing else is, no duplicate, no dead letter; a refund's amount is negative."""
    money = {"order_id": "o", "value": "2.5", "currency": "EUR", "ts": NOW_MS}
    events = [
        {"event_id": "1", "type": "purchase", "visitor_id": "v", "customer_id": "c", **money},
        {"event_id": "2", "type": "purchase", "visitor_id": "v", **money},
        {"event_id": "3", "type": "refund", "customer_id": "c", **money},
        {"event_id": "1", "type": "purchase", "visitor_id": "v", "customer_id": "c", **money},
        {"event_id": "4", "type": "purchase", "customer_id": "c", **money, "value": -1},  # BAD!
        {"event_id": "5", "type": "page_view", "customer_id": "c", "ts": NOW_MS},
    ]
    records = [(10 + n, NOW_MS, None, json.dumps(e).encode()) for n, e in enumerate(events)]
    batch = pipeline(VISITOR).decode(records)
    assert [(e.offset, e.index, e.micro) for e in batch.emissions] == [
        (10, 0, 2_500_000),
        (12, 0, -2_500_000),
    ]


def test_repetitions_are_dropped_even_by_a_new_owner() -> None:
    """The marks are in the checkpoint: what was taken before it is known after a crash."""
    first = pipeline(CUSTOMER)
    batch = first.decode([(0, NOW_MS, None, bundle(VISITOR, 3, [emission(5), emission(9)]))])
    first.apply(batch, {})
    checkpoint = first.drain(next_offset=1)
    assert checkpoint is not None
    assert checkpoint.counters == {"passed": 2}
    claim = Claim(epoch=2, number=1, offset=1, max_ts_ms=checkpoint.max_ts_ms)
    second = PartitionPipeline(
        PLAN, claim, topic=CUSTOMER, partition=0, dedup_horizon=100, state_cache_max=100
    )
    again = [
        (1, NOW_MS, None, bundle(VISITOR, 3, [emission(5), emission(9), emission(11)])),
        (2, NOW_MS, None, bundle(VISITOR, 4, [emission(5)])),  # another source's
        (3, NOW_MS, None, tick_record(NOW_MS, 0)),
    ]
    batch = second.decode(again)
    states = {(p, i): checkpoint.states[p].get(i) for p, ids in batch.missing.items() for i in ids}
    second.apply(batch, states)
    later = second.drain(next_offset=4)
    assert later is not None
    assert later.counters == {"passed": 2, "repeated": 2, "ticks": 1}


def test_what_nobody_passed_on_is_a_dead_letter() -> None:
    """The topic is internal: an event published there is refused, not counted."""
    event = json.dumps({"event_id": "1", "type": "page_view", "visitor_id": "v", "ts": NOW_MS})
    records = [(0, NOW_MS, None, event.encode()), (1, NOW_MS, None, b"{"), (2, NOW_MS, None, None)]
    batch = pipeline(CUSTOMER).decode(records)
    assert [r.reason for r in batch.rejections] == ["unknown_type", "invalid_json", "invalid_json"]
    assert not batch.events


def test_marks_survive_their_encoding() -> None:
    """What is stored and loaded knows what was seen of each source."""
    marks = Marks()
    decoded = pipeline(CUSTOMER).decode([(0, 0, None, bundle(VISITOR, 1, [emission(7)]))])
    (event,) = decoded.events
    assert marks.is_fresh(event)
    again = Marks()
    again.load(marks.encode())
    assert not again.is_fresh(event)
