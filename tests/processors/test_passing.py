"""Passing on, the pure part: what is passed, how it is told apart, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from processors.bundles import Bundle, Emission, Sold, bundle, bundled
from processors.catalog.entries import RECORD_BYTES_MAX
from processors.catalog.load import load_catalog
from processors.checkpoint import Checkpoint, Claim
from processors.event import (
    NO_AMOUNT,
    CustomerBought,
    CustomerForgotten,
    Identify,
    Purchase,
    tick_record,
)
from processors.names import ADS, CUSTOMER, VISITOR
from processors.passing import Marks, Wanted, emissions
from processors.pipeline import PartitionPipeline, Plan, compile_plan
from streams.catalog_files import preset_sources

PLAN = compile_plan(load_catalog(preset_sources()))
NOW_MS = 1_700_000_000_000


def pipeline(topic: str, plan: Plan = PLAN) -> PartitionPipeline:
    claim = Claim(epoch=1, number=0, offset=None, max_ts_ms=None)
    return PartitionPipeline(
        plan, claim, topic=topic, partition=0, dedup_horizon=100, state_cache_max=100
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


def test_links_and_what_a_backend_sold_are_passed_on() -> None:
    """An identify with both names is a link; a purchase without visitor says what it holds."""
    money = {"order_id": "o", "value": 2, "currency": "EUR", "ts": NOW_MS}
    events = [
        {"event_id": "1", "type": "identify", "visitor_id": "v", "customer_id": "c", "ts": NOW_MS},
        {"event_id": "2", "type": "identify", "visitor_id": "v", "ts": NOW_MS},
        {"event_id": "3", "type": "identify", "customer_id": "c", "ts": NOW_MS},
        {"event_id": "4", "type": "purchase", "customer_id": "c", "cart_id": "k", **money},
        {"event_id": "5", "type": "purchase", "customer_id": "c", "visitor_id": "v", **money},
    ]
    records = [(n, NOW_MS, None, json.dumps(e).encode()) for n, e in enumerate(events)]
    passed = pipeline(VISITOR).decode(records).emissions
    assert [(e.offset, e.visitor_id, e.sold and e.sold.cart_id) for e in passed] == [
        (0, "v", None),
        (3, "", "k"),
        (4, "", None),
    ]
    assert (passed[0].refund, passed[0].micro) == (True, 0), "an older worker counts nothing of it"


@pytest.mark.parametrize("text", ["x", "\u0001", "\x7f", "\u00e9", "\U0001f600", '"', "/"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_is_passed_on_of_the_longest_record_fits_into_one(
    text: str, *, ascii_only: bool
) -> None:
    """Whatever it is written in: JSON is never written longer than it was read, at most twice."""
    purchase = {
        "event_id": "1", "type": "purchase", "customer_id": "c", "order_id": "o", "value": 1,
        "currency": "EUR", "ts": NOW_MS,
    }  # fmt: skip
    size = len(json.dumps(text, ensure_ascii=ascii_only).encode()) - 2
    purchase["campaign"] = (RECORD_BYTES_MAX - 200) // size * text
    record = json.dumps(purchase, ensure_ascii=ascii_only).encode()
    assert RECORD_BYTES_MAX - 200 < len(record) <= RECORD_BYTES_MAX
    longest = ("own.yaml", f"defaults: {{record_bytes_max: {RECORD_BYTES_MAX}}}")
    plan = compile_plan(load_catalog([*preset_sources(), longest]))
    batch = pipeline(VISITOR, plan).decode([(0, NOW_MS, None, record)])
    (passed,) = batch.emissions
    assert passed.sold is not None
    (value,) = bundled(VISITOR, 0, batch.emissions)
    assert len(value) < 1_000_000 - 1_000


def test_nothing_is_passed_on_that_nobody_takes() -> None:
    """Without customers' KPIs only what is handed over; without sessions and carts no link."""
    assert list(emissions([], [], Wanted())) == []
    buy = Purchase(event_id="p", ts=1, order_id="o", value=NO_AMOUNT, currency="E", customer_id="c")
    seen = msgspec.structs.replace(buy, visitor_id="v")
    login = Identify(event_id="i", ts=1, customer_id="c", visitor_id="v")
    found = [
        [
            (one.event_id, one.sold is not None)
            for one in emissions([buy, seen, login], [0, 1, 2], w)
        ]
        for w in (Wanted(links=True, payments=False), Wanted(links=False, payments=True))
    ]
    assert found == [[("p", True), ("i", False)], [("p", False), ("p", False)]]


def test_what_was_passed_on_by_older_workers_still_decodes() -> None:
    """Fields that came later have defaults: a topic may hold what was sent before them."""
    old = b"""{"type":"_passed","topic":"tracking.visitor","partition":0,"emissions":[
        [7,0,"e7",1700000000000,"c1",false,5,"EUR",["mail",null,null,null,null,null]],
        [8,0,"request",0,"c1",false,0,"",[null],2]]}"""
    batch = pipeline(CUSTOMER).decode([(0, NOW_MS, None, old)])
    bought, forgotten = batch.events
    assert isinstance(bought, CustomerBought)
    assert (bought.source, bought.sold) == ("mail", None)
    assert isinstance(forgotten, CustomerForgotten)
    assert (forgotten.sources, forgotten.visitor_id) == (2, "")


def handed(offset: int, ts: int = NOW_MS, visitor: str = "v", **sold: Any) -> Emission:
    return Emission(
        offset, 0, f"e{offset}", ts, "c", False, 5, "EUR", (), visitor_id=visitor,
        sold=Sold("o", **sold),
    )  # fmt: skip


def cells(checkpoint: Checkpoint | None, measure: str) -> int:
    """Return a measure's total."""
    assert checkpoint is not None
    panes = checkpoint.base.values()
    return sum(n for pane in panes for name, n in pane.items() if name == f"{measure}\x1f")


def test_what_is_handed_over_counts_in_sessions_and_carts_only() -> None:
    """It is no event: no purchase of the site, no order, no touch; it moves no time."""
    one = pipeline(VISITOR)
    add = {"type": "add_to_cart", "visitor_id": "v", "value": 5, "currency": "EUR"}
    event = json.dumps({"event_id": "a", "ts": NOW_MS, **add}).encode()
    batch = one.decode([
        (0, NOW_MS, None, event),
        (1, NOW_MS, None, bundle(CUSTOMER, 0, [handed(4, NOW_MS + 60_000)])),
    ])  # fmt: skip
    one.apply(batch, {})
    assert one.watermark_ms == NOW_MS - 30_000
    checkpoint = one.drain(next_offset=2)
    assert cells(checkpoint, "sessions_converted") == cells(checkpoint, "carts_closed") == 1
    assert cells(checkpoint, "purchases") == cells(checkpoint, "orders") == 0
    assert checkpoint is not None
    assert checkpoint.counters == {"events": 1, "linked": 1}
    assert set(checkpoint.states) == {"session", "cart", "_passed"}
    assert not batch.emissions, "it is not passed on a second time"


def test_what_is_handed_over_again_is_dropped_after_a_crash() -> None:
    """The marks are in the visitors' checkpoint, beside those of no one who was passed nothing."""
    first = pipeline(VISITOR)
    batch = first.decode([(0, NOW_MS, None, bundle(CUSTOMER, 0, [handed(4), handed(5)]))])
    first.apply(batch, {})
    checkpoint = first.drain(next_offset=1)
    assert checkpoint is not None
    claim = Claim(epoch=2, number=1, offset=1, max_ts_ms=checkpoint.max_ts_ms)
    second = PartitionPipeline(
        PLAN, claim, topic=VISITOR, partition=0, dedup_horizon=100, state_cache_max=100
    )
    batch = second.decode([
        (1, NOW_MS, None, bundle(CUSTOMER, 0, [handed(5), handed(6)])),
        (2, NOW_MS, None, bundle(CUSTOMER, 1, [handed(5)])),  # another source's
    ])  # fmt: skip
    states = {(p, i): checkpoint.states[p].get(i) for p, ids in batch.missing.items() for i in ids}
    second.apply(batch, states)
    later = second.drain(next_offset=3)
    assert later is not None
    assert later.counters == {"linked": 2, "repeated": 1}
    assert cells(later, "sessions_started") == 0, "the same session goes on"


def test_marks_that_nobody_needs_are_neither_read_nor_written() -> None:
    """A partition that nothing is handed over to knows nothing of marks."""
    one = pipeline(VISITOR)
    view = {"event_id": "1", "type": "page_view", "visitor_id": "v", "ts": NOW_MS}
    batch = one.decode([(0, NOW_MS, None, json.dumps(view).encode())])
    assert "_passed" not in batch.missing
    one.apply(batch, {})
    checkpoint = one.drain(next_offset=1)
    assert checkpoint is not None
    assert "_passed" not in checkpoint.states


def test_what_comes_too_late_for_sessions_is_told() -> None:
    """It is refused as any event that is too late for keys, once."""
    one = pipeline(VISITOR)
    view = {"event_id": "1", "type": "page_view", "visitor_id": "v", "ts": NOW_MS}
    edge_ms = NOW_MS - 30_000 - 3_600_000
    batch = one.decode([
        (0, NOW_MS, None, json.dumps(view).encode()),
        (1, NOW_MS, None, bundle(CUSTOMER, 0, [handed(1, edge_ms), handed(2, edge_ms - 1)])),
    ])  # fmt: skip
    one.apply(batch, {})
    checkpoint = one.drain(next_offset=2)
    assert checkpoint is not None
    assert checkpoint.counters == {"events": 1, "linked": 2, "late_unkeyed": 1}


def test_purchases_of_one_visitor_go_into_records_of_their_own() -> None:
    """Their order is that of offsets: within a record each visitor is named once."""
    passed = [handed(1), handed(2, visitor="w"), handed(3), handed(4)]
    records = bundled(CUSTOMER, 0, passed)
    decoded = [msgspec.json.decode(record, type=Bundle).emissions for record in records]
    assert [[e.offset for e in found] for found in decoded] == [[1, 2], [3], [4]]


def test_what_pretends_to_be_handed_over_is_a_dead_letter() -> None:
    """Of another source than customers, to nobody, of nothing, or damaged: refused, not counted."""
    records = [
        bundle(VISITOR, 0, [handed(1)]),
        bundle(CUSTOMER, 0, [handed(1, visitor="")]),
        bundle(CUSTOMER, 0, [emission(1)]),
        bundle(CUSTOMER, 0, [handed(1, ts=-1)]),
        b'{"type":"_passed"}',
        b'{"type":"_passed","topic":"tracking.customer","partition":0,"emissions":[[1]]}',
        b'{"type":"_passed","topic":',
    ]
    one = pipeline(VISITOR)
    batch = one.decode([(n, NOW_MS, None, value) for n, value in enumerate(records)])
    assert [r.reason for r in batch.rejections] == [
        *("unknown_type",) * 4, "missing_field", "wrong_type", "invalid_json",
    ]  # fmt: skip
    one.apply(batch, {})
    ads = pipeline(ADS).decode([(0, NOW_MS, None, bundle(CUSTOMER, 0, [handed(1)]))])
    assert [r.reason for r in ads.rejections] == ["unknown_type"]


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


def fresh(marks: Marks, offset: int, topic_id: str = "") -> bool:
    """Tell whether marks take what a topic passes on."""
    record = bundle(VISITOR, 1, [emission(offset)], topic_id)
    (event,) = pipeline(CUSTOMER).decode([(0, 0, None, record)]).events
    return marks.is_fresh(event)


def stored(marks: Marks) -> Marks:
    """Return marks as the next owner loads them."""
    again = Marks()
    again.load(marks.encode())
    return again


@pytest.mark.parametrize("then", [stored, lambda marks: marks])
def test_what_a_topic_passes_on_that_was_created_anew_is_new(then: Callable[..., Marks]) -> None:
    """Its offsets begin again; what the former topic passed on stays a repetition."""
    marks = Marks()
    taken = []
    for offset, topic_id in [
        (900_000, "X"), (0, "Y"), (1, "Y"), (1, "Y"), (900_000, "X"), (900_001, "X"), (2, "Y"),
        (0, "Z"), (2, "Y"), (1, "Z"), (0, "Z"),
    ]:  # fmt: skip
        taken.append(fresh(marks, offset, topic_id))
        marks = then(marks)
    assert taken == [True, True, True, False, False, True, True, True, False, True, False]


@pytest.mark.parametrize("then", [stored, lambda marks: marks])
def test_an_upgrade_repeats_nothing(then: Callable[..., Marks]) -> None:
    """What was passed on without an id is known when it comes with one, and the other way round."""
    marks = Marks()
    marks.load(msgspec.msgpack.encode({f"{VISITOR}/1": (100, 0)}))  # as older workers stored it
    taken = []
    for offset, topic_id in [
        (90, "X"), (100, "X"), (101, "X"), (101, ""), (100, ""), (102, ""), (102, "X"), (103, "X"),
    ]:  # fmt: skip
        taken.append(fresh(marks, offset, topic_id))
        marks = then(marks)
    assert taken == [False, False, True, False, False, True, False, True]
    assert fresh(marks, 0, "Y")
    assert not fresh(marks, 0)


def test_an_older_receiver_goes_on_between_two_newer_ones() -> None:
    """It knows sources by topic and partition alone, and keeps what it does not know."""
    newer = Marks()
    assert fresh(newer, 900_000, "X")
    assert fresh(newer, 5, "Y")
    older = msgspec.msgpack.decode(newer.encode(), type=dict[str, tuple[int, int]])
    assert older[f"{VISITOR}/1"] == (5, 0)
    older[f"{VISITOR}/1"] = (8, 0)
    newer = Marks()
    newer.load(msgspec.msgpack.encode(older))
    assert [fresh(newer, offset, "Y") for offset in (7, 8, 9)] == [False, False, True]
    assert not fresh(newer, 900_000, "X")


def test_purchases_handed_over_by_a_topic_created_anew_are_new() -> None:
    """Visitors tell customers' topics apart as customers tell theirs."""
    one = pipeline(VISITOR)
    records = [
        bundle(CUSTOMER, 0, [handed(900_000)], "X"),
        bundle(CUSTOMER, 0, [handed(0)], "Y"),
        bundle(CUSTOMER, 0, [handed(0)], "Y"),
    ]
    batch = one.decode([(n, NOW_MS, None, value) for n, value in enumerate(records)])
    one.apply(batch, {})
    checkpoint = one.drain(next_offset=3)
    assert checkpoint is not None
    assert checkpoint.counters == {"linked": 2, "repeated": 1}


def test_marks_survive_their_encoding() -> None:
    """What is stored and loaded knows what was seen of each source."""
    marks = Marks()
    decoded = pipeline(CUSTOMER).decode([(0, 0, None, bundle(VISITOR, 1, [emission(7)]))])
    (event,) = decoded.events
    assert marks.is_fresh(event)
    again = Marks()
    again.load(marks.encode())
    assert not again.is_fresh(event)
