"""Laws of ``POST /v1/events``: acknowledged is in Kafka as it was sent, the rest is named."""

from __future__ import annotations

import gzip
import json
import socket
import time
import uuid
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from processors.decode import REASONS
from processors.event import STRUCT_BY_TYPE, record_key
from streams.producer.partition import Partitioner
from tests.streams.producer.test_gate import minimal
from tests.support.kafka_log import PARTITIONS, records

if TYPE_CHECKING:
    from tests.support.collecting import Collector

pytestmark = pytest.mark.servers


def now_ms() -> int:
    """Return the clock."""
    return time.time_ns() // 1_000_000


def view(**more: Any) -> dict[str, Any]:
    """Return a valid page view."""
    return {
        "event_id": uuid.uuid4().hex,
        "type": "page_view",
        "ts": now_ms(),
        "visitor_id": "v1",
        **more,
    }


def stored(collector: Collector) -> dict[str, Any]:
    """Return the records in Kafka, by event id."""
    return {
        json.loads(record.value)["event_id"]: record
        for record in records(collector.broker, collector.namespace)
    }


def test_every_type_is_stored_as_it_was_sent(collector: Collector) -> None:
    """Byte for byte, in its topic, under its key, where the Java client would put it."""
    sent = [
        minimal(name) | {"event_id": uuid.uuid4().hex, "ts": now_ms(), "unknown": {"kept": [1.50]}}
        for name in STRUCT_BY_TYPE
    ]
    body = b"[" + b" ,\n ".join(json.dumps(event).encode() for event in sent) + b"]"
    answer = collector.post("/v1/events", body)
    assert (answer.status, answer.json["accepted"]) == (200, len(sent))
    found = stored(collector)
    for event in sent:
        record = found[event["event_id"]]
        assert record.value == json.dumps(event).encode()
        assert record.topic == f"{collector.namespace}.{STRUCT_BY_TYPE[event['type']].topic}"
        assert record.key == str(record_key(event)).encode()
        assert record.partition == Partitioner().partition(record.key, PARTITIONS)
        assert abs(record.timestamp - now_ms()) < 60_000


@pytest.mark.parametrize("shape", ["array", "object", "ndjson", "gzip", "deflate"])
def test_every_shape_of_body_is_taken(collector: Collector, shape: str) -> None:
    """A JSON array, one object, NDJSON with blank lines, compressed or not."""
    event = view()
    text = json.dumps(event).encode()
    headers = {"content_type": "application/json"}
    if shape == "array":
        body = b"[" + text + b"]"
    elif shape == "object":
        body = text
    elif shape == "ndjson":
        headers["content_type"] = "application/x-ndjson"
        body = b"\n" + text + b"\r\n\n"
    elif shape == "gzip":
        headers["content_encoding"] = "gzip"
        body = gzip.compress(b"[" + text + b"]")
    else:
        headers["content_encoding"] = "deflate"
        body = zlib.compress(b"[" + text + b"]")
    answer = collector.post("/v1/events", body, **headers)
    assert (answer.status, answer.json["accepted"]) == (200, 1)
    assert stored(collector)[event["event_id"]].value.strip() == text


def test_a_partial_batch_names_each_rejection(collector: Collector) -> None:
    """207: index, id, rule, field, and the KPIs that each wrong event would have corrupted."""
    good = [view(), view()]
    batch = [
        good[0],
        view(event_id="wrong-type", visitor_id=5),
        {"type": "purchase", "event_id": "negative", "ts": now_ms(), "visitor_id": "v",
         "order_id": "o", "currency": "EUR", "value": -3},
        good[1],
        view(event_id="misspelt", type="purchas"),
        view(event_id="future", ts=now_ms() + 600_000),
        "not an object",
    ]  # fmt: skip
    answer = collector.post("/v1/events", batch)
    assert (answer.status, answer.json["accepted"]) == (207, 2)
    told = {r["index"]: r for r in answer.json["rejected"]}
    assert {i: (r["rule"], r["field"], r.get("event_id")) for i, r in told.items()} == {
        1: ("wrong_type", "visitor_id", "wrong-type"),
        2: ("invalid_amount", "value", "negative"),
        4: ("unknown_type", "type", "misspelt"),
        5: ("far_future", "ts", "future"),
        6: ("wrong_type", "", None),
    }
    assert "sessions" in told[1]["kpis"]
    assert "revenue" not in told[1]["kpis"]
    assert {"revenue", "conversion_rate", "cart_abandonment_rate"} <= set(told[2]["kpis"])
    assert (told[4]["did_you_mean"], told[4]["kpis"]) == ("purchase", told[2]["kpis"])
    assert told[6]["kpis"] == []
    found = stored(collector)
    assert {event["event_id"] for event in good} <= found.keys()
    assert not {"wrong-type", "negative", "misspelt", "future"} & found.keys()


def test_a_batch_without_a_good_event_is_refused(collector: Collector) -> None:
    """400 says that nothing was taken."""
    answer = collector.post("/v1/events", [view(visitor_id="")])
    assert answer.status == 400
    assert answer.json["rejected"][0]["rule"] == "missing_identity"


def test_ticks_are_the_workers(collector: Collector) -> None:
    """Nobody else moves the watermark."""
    answer = collector.post("/v1/events", {"event_id": "t", "type": "_tick", "ts": now_ms()})
    assert answer.json["rejected"][0]["rule"] == "unknown_type"


def test_bytes_that_are_no_text_spoil_only_their_event(collector: Collector) -> None:
    """An event with broken UTF-8 is rejected, its neighbours are not."""
    good = view()
    bad = json.dumps(view(event_id="broken", note="?")).encode().replace(b"?", b"\xff")
    answer = collector.post("/v1/events", b"[" + bad + b"," + json.dumps(good).encode() + b"]")
    assert (answer.status, answer.json["accepted"]) == (207, 1)
    assert answer.json["rejected"][0]["index"] == 0
    assert answer.json["rejected"][0]["rule"] == "invalid_json"
    assert "broken" not in stored(collector)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, None),
        (b"[1,", {}, 400, "invalid_json"),
        (b"", {}, 400, "invalid_json"),
        (b"[]", {}, 400, "no_events"),
        (b"\n\n", {"content_type": "application/x-ndjson"}, 400, "no_events"),
        (b"[" * 50_000 + b"]" * 50_000, {}, 400, "invalid_json"),
        (b"[" + b"1," * 1_000 + b"1]", {}, 413, "batch_size"),
        (b" " * 200_001, {}, 413, "body_size"),
        (gzip.compress(b" " * 50_000_000), {"content_encoding": "gzip"}, 413, "body_size"),
        (b"no gzip at all", {"content_encoding": "gzip"}, 400, "encoding"),
        (gzip.compress(b"[1]", mtime=0)[:-12], {"content_encoding": "gzip"}, 400, None),
        (b"[1]", {"content_encoding": "compress"}, 415, "encoding"),
    ],
)
def test_wrong_bodies_are_refused(
    collector: Collector, body: bytes, headers: dict[str, str], status: int, code: str | None
) -> None:
    """Each with a status and a word for programs; no bomb is unpacked, nothing hangs."""
    answer = collector.post("/v1/events", body, **headers)
    assert answer.status == status, answer.body
    if code is not None:
        assert answer.json["code"] == code
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    else:
        assert answer.json.get("code") or answer.json["rejected"][0]["rule"] in REASONS


def test_a_body_that_never_comes_is_given_up(collector: Collector) -> None:
    """A client that stops in the middle gets 408 and does not hold a place for ever."""
    with socket.create_connection(("127.0.0.1", collector.port), 10) as client:
        client.sendall(
            b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n[{"
        )
        client.settimeout(10)
        assert client.recv(4096).startswith(b"HTTP/1.1 408")


def test_requests_have_ids(collector: Collector) -> None:
    """The client's own where it is harmless, else a fresh one; always in the answer."""
    given = collector.post("/v1/events", [view()], x_request_id="order-42.a")
    assert given.headers["X-Request-Id"] == given.json["request_id"] == "order-42.a"
    for harmful in ("a b", "x" * 65, "<script>"):
        fresh = collector.post("/v1/events", [view()], x_request_id=harmful)
        assert fresh.json["request_id"] not in ("", harmful)


def test_unknown_paths_and_methods_answer_in_json(collector: Collector) -> None:
    """Whoever is lost is told so in the same form as everybody."""
    assert collector.get("/v1/nothing").status == 404
    wrong = collector.get("/v1/events")
    assert (wrong.status, wrong.json["code"]) == (405, "http")


def test_a_collector_without_keys_is_for_this_machine(collector: Collector) -> None:
    """No web page reaches it: not from its own origin, not by rebinding a name to 127.0.0.1."""
    assert collector.post("/v1/events", [view()], host="evil.example").status == 403
    foreign = collector.post("/v1/events", [view()], origin="https://evil.example")
    assert foreign.status == 403
    assert "Access-Control-Allow-Origin" not in foreign.headers
    for origin in ("http://localhost:3000", "http://127.0.0.1"):
        answer = collector.post("/v1/events", [view()], origin=origin)
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == origin


def test_metrics_count_and_hold_nothing_personal(collector: Collector) -> None:
    """Accepted and rejected events by source and rule; no identity, value or address."""
    secret = f"visitor-{uuid.uuid4().hex}"
    collector.post("/v1/events", [view(visitor_id=secret), view(visitor_id=secret, ts="never")])
    page = collector.get("/metrics").body.decode()
    assert 'kpi_collector_events_total{outcome="kafka",source="local"}' in page
    assert 'kpi_collector_rejections_total{rule="invalid_timestamp",source="local"}' in page
    assert "kpi_collector_kafka_up 1.0" in page
    assert secret not in page
    assert secret not in collector.log
    assert "127.0.0.1" not in collector.log.replace(f"http://127.0.0.1:{collector.port}", "")


def test_health_pages(collector: Collector) -> None:
    """Alive, and ready while events are taken."""
    assert collector.get("/healthz").json == {"status": "alive"}
    assert collector.get("/readyz").json == {"kafka": True, "spooled": 0}
