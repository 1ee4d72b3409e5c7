"""Control records: retries count once, and who is forgotten is gone, whatever happens meanwhile."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from processors.catalog.load import load_catalog
from processors.control import Forgotten, Retry, encode_control
from processors.decode import Decoder, Validity
from processors.erasure import RECEIPTS, read_receipt, receipt_id
from processors.event import Event, tick_record
from processors.names import CUSTOMER, VISITOR
from processors.pipeline import compile_plan
from processors.retries import LEDGER
from processors.state import state_id
from streams.catalog_files import preset_sources
from tests.simulation.world import CALM, HORIZON, ROUGH, base_cells, base_sketches, play, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.store import DictTable
    from tests.simulation.traffic import Log, LogRecord

PLAN = compile_plan(load_catalog(preset_sources()))
NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
VALIDITY = Validity(far_future_ms=300_000, retention_ms=10**12, record_bytes_max=65_536)
WHO: dict[str, Any] = {
    "visitor_id": "vera-visitor",
    "customer_id": "carl-customer",
    "recipient_id": "rita@x",
}
TYPES = ("page_view", "ad_click", "add_to_cart", "checkout_started", "purchase", "email_sent",
         "email_delivered", "email_opened", "subscribed", "unsubscribed")  # fmt: skip
LINKING = (*TYPES, "identify")


def made(number: int, kind: str, ts: int, **fields: Any) -> dict[str, Any]:
    """Return a valid event of a kind."""
    event = {"event_id": f"e{number}", "type": kind, "ts": ts, **fields}
    if kind == "purchase":
        event |= {"order_id": f"o{number}", "value": number % 50, "currency": "EUR"}
    return event


def traffic(seed: int, count: int, types: tuple[str, ...] = TYPES) -> list[dict[str, Any]]:
    """Return random events of a few people, WHO among them.

    Whose a backend's purchase is may hang on which of two partitions is faster: where somebody
    logs in, purchases name their visitor.
    """
    rng = random.Random(seed)
    events, ts = [], NOW_MS
    for number in range(count):
        ts += rng.choice((0, 1_000, 60_000, 600_000))
        kind = rng.choice(types)
        who: dict[str, Any] = {"visitor_id": rng.choice(["v1", "v2", WHO["visitor_id"]])}
        if rng.random() < 0.3 and (kind != "purchase" or types is TYPES):
            who = {"customer_id": rng.choice(["c1", WHO["customer_id"]])}
        if kind == "purchase":
            who["customer_id"] = rng.choice(["c1", WHO["customer_id"]])
        if kind == "identify":
            who = {"visitor_id": rng.choice(["v1", "v2", WHO["visitor_id"]])}
            who["customer_id"] = rng.choice(["c1", WHO["customer_id"]])
        if kind.startswith(("email", "subs", "unsubs")):
            who["recipient_id"] = rng.choice(["r1", "r2", WHO["recipient_id"]])
            who["list"] = rng.choice(["l1", "l2"])
        events.append(made(number, kind, ts, campaign="c", **who))
    return events


def records_of(values: Iterable[dict[str, Any] | bytes], seal_ms: int) -> list[LogRecord]:
    """Return a partition's log: each record at its event's time, sealed by a tick."""
    found: list[LogRecord] = []
    now_ms = NOW_MS
    for value in values:
        if isinstance(value, dict):
            now_ms = max(now_ms, value["ts"])
        raw = json.dumps(value).encode() if isinstance(value, dict) else value
        found.append((len(found), now_ms, raw))
    found.append((len(found), seal_ms, tick_record(seal_ms, 0)))
    return found


def retry(source: str, event: dict[str, Any]) -> bytes:
    """Return the retry of a dead letter."""
    return encode_control(Retry(source, json.dumps(event)))


def figures(tables: dict[tuple[str, int], DictTable]) -> tuple[Any, Any]:
    """Return everything that is counted."""
    return base_cells(tables), base_sketches(tables)


@pytest.mark.parametrize("seed", range(6))
def test_a_retry_counts_once_however_often_it_is_retried(seed: int) -> None:
    """Far beyond dedup's horizon, over crashes and roll-backs: as if it were retried once.

    record   r(17) ... r(17) ........ more than two horizons ........ r(17)
    counted  once      duplicate                                      ledger
    """
    rng = random.Random(seed)
    plain: list[Any] = list(traffic(seed, 60 + 8 * HORIZON))
    lost = [made(10_000 + n, "purchase", NOW_MS + n, visitor_id="v1") for n in range(3)]
    first = sorted(rng.sample(range(50), len(lost)), reverse=True)
    for number, at in enumerate(first):
        plain.insert(at, retry(f"{VISITOR}/0/{900 + number}", lost[number]))
    once = {(VISITOR, 0): records_of(plain, plain[-1]["ts"] + HOUR_MS)}
    again = list(plain)
    for number in range(len(lost)):
        for _ in range(3):
            at = rng.randrange(60, len(again))
            again.insert(at, retry(f"{VISITOR}/0/{900 + number}", lost[number]))
    often: Log = {(VISITOR, 0): records_of(again, plain[-1]["ts"] + HOUR_MS)}
    expected = run(PLAN, once, CALM)
    assert figures(run(PLAN, often, CALM)) == figures(expected)
    rough = run(PLAN, often, ROUGH, seed)
    assert figures(rough) == figures(expected)
    stored = rough[VISITOR, 0].stored
    assert stored.counters["duplicates"] == 3 * len(lost)
    assert stored.counters["events"] == expected[VISITOR, 0].stored.counters["events"]
    for number in range(len(lost)):
        assert stored.states[LEDGER, state_id(f"{VISITOR}/0/{900 + number}")].startswith(b"counted")


def test_a_retry_is_the_event_that_it_holds() -> None:
    """It counts what the event itself would have counted."""
    events = traffic(1, 40)
    straight: Log = {(VISITOR, 0): records_of(events, events[-1]["ts"] + HOUR_MS)}
    retried: Log = {
        (VISITOR, 0): [
            (offset, ms, retry(f"x/0/{offset}", json.loads(value)) if offset % 2 else value)
            for offset, ms, value in straight[VISITOR, 0][:-1]
        ]
        + straight[VISITOR, 0][-1:]
    }
    assert figures(run(PLAN, retried, CALM)) == figures(run(PLAN, straight, CALM))


def test_a_retry_of_what_the_producer_sent_again_counts_nothing() -> None:
    """The event came by itself meanwhile: the ledger notes it, so no later retry counts it."""
    event = made(1, "purchase", NOW_MS, visitor_id="v1")
    others = traffic(2, 4 * HORIZON)
    others = [other | {"event_id": f"x{other['event_id']}"} for other in others]
    values: list[Any] = [event, retry("x/0/5", event), *others, retry("x/0/5", event)]
    log: Log = {(VISITOR, 0): records_of(values, others[-1]["ts"] + HOUR_MS)}
    stored = run(PLAN, log, ROUGH, 3)[VISITOR, 0].stored
    assert stored.counters["duplicates"] == 2
    assert stored.states[LEDGER, state_id("x/0/5")].startswith(b"duplicate")


def test_what_is_still_wrong_is_a_dead_letter_and_may_be_retried() -> None:
    """A retry is judged like any record, by its own timestamp, and only then is in the ledger."""
    decoder = Decoder(VALIDITY, VISITOR, takes_control=True)
    wrong = made(1, "purchase", NOW_MS, visitor_id="v1") | {"value": -1}  # BAD!
    values = [
        retry("x/0/1", wrong),
        retry("x/0/2", made(2, "page_view", NOW_MS, visitor_id="v1") | {"p": "x" * 65_400}),
        encode_control(Retry("x/0/3", "{")),  # BAD!
        encode_control(Retry("x/0/4", retry("x/0/1", wrong).decode())),  # BAD! a retry of a retry
        encode_control(Retry("x/0/5", tick_record(NOW_MS, 0).decode())),  # BAD! a tick
        b'{"type":"_retry"}',  # BAD!
        b'{"type":"_retry","source":1,"record":""',  # BAD!
        b'{"type":"identity_forgotten","request_id":7}',  # BAD!
    ]
    records = [(n, NOW_MS, None, value) for n, value in enumerate(values)]
    offsets, _, rejections = decoder.decode(records)
    assert offsets == [1], "the limit of size is the record's, not the retry's"
    assert decoder.controls.retried == {1: "x/0/2"}
    assert [(r.offset, r.reason) for r in rejections] == [
        (0, "invalid_amount"), (2, "invalid_json"), (3, "unknown_type"), (4, "unknown_type"),
        (5, "missing_field"), (6, "invalid_json"), (7, "wrong_type"),
    ]  # fmt: skip


def test_no_producer_may_write_control_records() -> None:
    """Where events are checked before they are sent, control records are unknown types."""
    decoder = Decoder(VALIDITY)
    for value in (
        retry("x/0/1", made(1, "page_view", NOW_MS, visitor_id="v")),
        encode_control(Forgotten("r", visitor_id="v")),
    ):
        judged = decoder.judge(value, NOW_MS)
        assert not isinstance(judged, Event)
        assert judged[0] == "unknown_type"
        offsets, _, rejections = decoder.decode([(0, NOW_MS, None, value)])
        assert (offsets, [r.reason for r in rejections]) == ([], ["unknown_type"])


def anything_of(tables: dict[tuple[str, int], DictTable], *identities: str) -> list[Any]:
    """Return whatever is stored of identities: in keys, in values, by state id, by timer."""
    ids = {state_id(identity) for identity in identities}
    found: list[Any] = []
    for where, table in tables.items():
        for (processor, identity), blob in table.stored.states.items():
            if identity in ids or any(who.encode() in blob for who in identities):
                found.append((where, processor, blob))
        found += [(where, "timer", timer) for timer in table.stored.timers if timer[1] in ids]
        found += [
            (where, cell) for _, cell in table.stored.base if any(w in cell for w in identities)
        ]
        text = json.dumps([table.stored.admitted, table.stored.counters])
        found += [(where, "meta") for who in identities if who in text]
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("weather", [CALM, ROUGH])
def test_who_is_forgotten_is_gone_and_figures_stay(seed: int, weather: Any) -> None:
    """Nothing of any of the three identities is left; no figure differs because of it.

    Both logs end where the identity is forgotten: what would be concluded later never is.
    """
    events = traffic(seed, 120, LINKING)
    forgotten = Forgotten("request-1", partitions=2, **WHO)
    other = events[3] | {"event_id": "other"}
    last_ms = max(event["ts"] for event in events)
    tick = json.loads(tick_record(last_ms, 0))
    logs: list[Log] = [
        {
            (VISITOR, 0): records_of([*events, tick, *control], last_ms),
            (VISITOR, 1): records_of([other, tick, *control], last_ms),
        }
        for control in ([], [encode_control(forgotten)])
    ]
    before = run(PLAN, logs[0], CALM)
    assert anything_of(before, *WHO.values()), "the traffic is of them"
    after = run(PLAN, logs[1], weather, seed)
    assert anything_of(after, *WHO.values()) == []
    assert figures(after) == figures(before)
    removed = read_receipt(after[VISITOR, 0].stored.states[RECEIPTS, receipt_id("request-1")])
    assert removed["session"] == 1
    assert removed["membership"] >= 1
    receipts = {
        number: [read_receipt(b) for (n, _), b in table.stored.states.items() if n == RECEIPTS]
        for (topic, number), table in after.items()
        if topic == CUSTOMER
    }
    assert {number: len(found) for number, found in receipts.items()} == {0: 1, 1: 1}
    removed = Counter(receipts[0][0]) + Counter(receipts[1][0])
    assert removed["customer"] == 1, "once every source has passed it on"
    assert removed["identity"] >= 1, "and whoever was linked to the visitor knows them no more"


@pytest.mark.parametrize("weather", [CALM, ROUGH])
def test_others_stay_as_they_are(weather: Any) -> None:
    """Whoever is not forgotten keeps every state, to the byte."""
    events = traffic(11, 150)
    last_ms = max(event["ts"] for event in events)
    tables = [
        run(PLAN, {(VISITOR, 0): records_of([*events, *control], last_ms)}, weather, 5)
        for control in ([tick_record(last_ms, 0)], [encode_control(Forgotten("r", **WHO))])
    ]
    apart = [
        {
            known: blob
            for known, blob in table[VISITOR, 0].stored.states.items()
            if known[0] not in (RECEIPTS, "order") and b"rita@x" not in blob
        }
        for table in tables
    ]
    gone = {known for known in apart[0] if known not in apart[1]}
    assert {identity for _, identity in gone} <= {state_id(who) for who in WHO.values()}
    changed = {known for known in apart[1] if apart[0].get(known) != apart[1][known]}
    taken_out = {name for name, _ in changed} - {"_passed"}
    assert taken_out <= {"email"}, "only what was sent to them is taken out"


@pytest.mark.parametrize("seed", range(8))
def test_what_is_under_way_to_a_forgotten_visitor_is_forgotten_too(seed: int) -> None:
    """A purchase handed over before every partition knew of the request leaves nothing behind."""
    types = ("purchase", "identify")
    events = [event for event in traffic(seed, 60, types) if event["type"] in types]
    for event in events[::2]:
        if event["type"] == "purchase":
            del event["visitor_id"]
    request = Forgotten("request-1", partitions=1, visitor_id=WHO["visitor_id"])
    later = made(999, "page_view", events[-1]["ts"], visitor_id="v1")
    log: Log = {(VISITOR, 0): records_of([*events, encode_control(request), later], later["ts"])}
    for weather in (CALM, ROUGH):
        world = play(PLAN, log, weather, seed)
        handed = [value for _, _, value in world.log[VISITOR, 0] if b'"_passed"' in value]
        assert any(WHO["visitor_id"].encode() in value for value in handed)
        assert anything_of(world.tables, WHO["visitor_id"]) == []


def test_what_comes_afterwards_begins_anew() -> None:
    """An event behind the request is a new visitor's, in the same batch or a later one."""
    view = made(1, "page_view", NOW_MS, visitor_id=WHO["visitor_id"])
    later = made(2, "page_view", NOW_MS + 60_000, visitor_id=WHO["visitor_id"])
    request = encode_control(Forgotten("r", visitor_id=WHO["visitor_id"]))
    joined: Log = {(VISITOR, 0): records_of([view, later], NOW_MS + HOUR_MS)}
    apart: Log = {(VISITOR, 0): records_of([view, request, later], NOW_MS + HOUR_MS)}
    sessions = [
        sum(n for (_, cell), n in base_cells(run(PLAN, log, weather, 2)).items()
            if cell.measure == "sessions_started" and not cell.dimensions)
        for log in (joined, apart)
        for weather in (CALM, ROUGH)
    ]  # fmt: skip
    assert sessions == [1, 1, 2, 2]


def test_forgetting_twice_or_nobody_does_no_harm() -> None:
    """A second request finds nothing, and says so."""
    view = made(1, "page_view", NOW_MS, visitor_id=WHO["visitor_id"])
    requests = [encode_control(Forgotten(r, **WHO)) for r in ("one", "two")]
    log: Log = {(VISITOR, 0): records_of([view, *requests], NOW_MS)}
    stored = run(PLAN, log, ROUGH, 1)[VISITOR, 0].stored
    assert read_receipt(stored.states[RECEIPTS, receipt_id("one")])
    assert read_receipt(stored.states[RECEIPTS, receipt_id("two")]) == {}
