"""Laws of CloudEvents in any mode of the binding, and of identities that are hashed."""

from __future__ import annotations

import base64
import json
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from processors.errors import SettingsError
from streams.collector.cloud import NoCloudEventError, from_binary, from_structured
from streams.collector.identity import IdentityHasher
from tests.support.collecting import Collector
from tests.support.kafka_log import create_topics, events

if TYPE_CHECKING:
    from pathlib import Path

    from streams.embedded.servers import Addresses

ATTRIBUTES = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.page_view"}


def test_attributes_become_fields() -> None:
    """Source and id are the event's id, time its moment, the type's last part its type."""
    cloud = {**ATTRIBUTES, "time": "2025-06-15T15:06:40Z", "data": {"visitor_id": "v", "n": 1.50}}
    assert from_structured(cloud) == {
        "event_id": "/shop#1",
        "type": "page_view",
        "ts": "2025-06-15T15:06:40Z",
        "visitor_id": "v",
        "n": 1.50,
    }
    own = from_structured({**ATTRIBUTES, "data": {"event_id": "mine", "ts": 5}})
    assert (own["event_id"], own["ts"]) == ("mine", 5)


def test_modes_agree() -> None:
    """Structured, Base64 and binary carry the same event."""
    data = {"visitor_id": "vä"}
    text = json.dumps(data).encode()
    headers = {f"ce-{name}": value for name, value in ATTRIBUTES.items()} | {"CE-Subject": "x%20y"}
    plain = from_structured({**ATTRIBUTES, "data": data})
    coded = from_structured({**ATTRIBUTES, "data_base64": base64.b64encode(text).decode()})
    assert plain == coded == from_binary(headers, text)


@pytest.mark.parametrize(
    ("cloud", "reason", "field"),
    [
        ([], "wrong_type", ""),
        ({}, "missing_field", "specversion"),
        ({**ATTRIBUTES, "id": ""}, "missing_field", "id"),
        ({**ATTRIBUTES, "source": 5}, "missing_field", "source"),
        ({**ATTRIBUTES, "specversion": "9"}, "wrong_type", "specversion"),
        ({**ATTRIBUTES}, "wrong_type", "data"),
        ({**ATTRIBUTES, "data": "text"}, "wrong_type", "data"),
        ({**ATTRIBUTES, "data_base64": "!"}, "wrong_type", "data_base64"),
        ({**ATTRIBUTES, "data_base64": "eA=="}, "invalid_json", "data"),
    ],
)
def test_what_is_no_cloudevent_is_named(cloud: object, reason: str, field: str) -> None:
    """With a reason of the same kind as any other."""
    with pytest.raises(NoCloudEventError) as caught:
        from_structured(cloud)
    assert caught.value.fault[:2] == (reason, field)


@pytest.mark.servers
@pytest.mark.parametrize("mode", ["structured", "binary", "batch"])
def test_the_published_sdk_publishes(collector: Collector, mode: str) -> None:
    """What the CloudEvents SDK writes is taken, in each mode."""
    visitor = uuid.uuid4().hex
    cloud = CloudEvent(
        {
            "id": visitor,
            "source": "https://shop.example",
            "type": "com.example.add_to_cart",
            "specversion": "1.0",
            "time": datetime.now(UTC),
            "datacontenttype": "application/json",
        },
        {"visitor_id": visitor, "value": "19.90", "currency": "EUR"},
    )
    message = to_binary_event(cloud) if mode == "binary" else to_structured_event(cloud)
    headers, body = dict(message.headers), bytes(message.body)
    if mode == "batch":
        headers["content-type"] = "application/cloudevents-batch+json"
        body = b"[" + body + b"]"
    named = {name.replace("-", "_").lower(): value for name, value in headers.items()}
    answer = collector.post("/v1/cloudevents", body, **named)
    assert (answer.status, answer.json["accepted"]) == (200, 1), answer.body
    (found,) = [
        e for e in events(collector.broker, collector.namespace) if e.get("visitor_id") == visitor
    ]
    assert found["type"] == "add_to_cart"
    assert found["event_id"] == f"https://shop.example#{visitor}"
    assert found["value"] == "19.90"


@pytest.mark.servers
def test_a_batch_names_what_is_none(collector: Collector) -> None:
    """Beside good ones, 207 with the place of what is no CloudEvent."""
    good = {**ATTRIBUTES, "data": {"visitor_id": "v", "ts": time.time_ns() // 1_000_000}}
    answer = collector.post(
        "/v1/cloudevents",
        [good, {"id": "2"}, {**good, "id": "3", "type": "com.example.unheard"}],
        content_type="application/cloudevents-batch+json",
    )
    assert answer.status == 207
    told = [(r["index"], r["rule"], r["field"]) for r in answer.json["rejected"]]
    assert told == [(1, "missing_field", "specversion"), (2, "unknown_type", "type")]


def test_hashes_are_stable_and_keyed() -> None:
    """One identity has one hash under one key, another under another; nothing else changes."""
    hasher, other = IdentityHasher("k" * 32), IdentityHasher("x" * 32)
    value = b'{"visitor_id":"anna","value":19.900000000000000000001,"n":[1.50],"cart_id":"c"}'
    replaced = json.loads(hasher.replace(value))
    assert replaced["visitor_id"] == hasher.hash("anna") != other.hash("anna")
    assert replaced["cart_id"] == hasher.hash("c")
    assert b"19.900000000000000000001" in hasher.replace(value)
    assert b"anna" not in hasher.replace(value)
    assert hasher.replace(b"[" * 9_000) == b"[" * 9_000  # BAD! judged as it is
    with pytest.raises(SettingsError, match="5 characters could be guessed"):
        IdentityHasher("short")


@pytest.mark.servers
def test_hashed_identities_are_all_that_kafka_sees(
    servers: Addresses, namespace: str, tmp_path: Path
) -> None:
    """By configuration no identity enters Kafka, and the same visitor stays the same."""
    create_topics(servers.broker, namespace)
    ts = time.time_ns() // 1_000_000
    with Collector(servers.broker, namespace, tmp_path, identity_key="s" * 40) as collector:
        sent: list[dict[str, Any]] = [
            {"event_id": f"e{n}", "type": "page_view", "ts": ts, "visitor_id": "anna",
             "customer_id": "anna@example.com"}
            for n in range(2)
        ]  # fmt: skip
        assert collector.post("/v1/events", sent).status == 200
        call = {"anonymousId": "anna", "event": "Product Added", "messageId": "m"}
        assert collector.post("/v1/track", call).status == 200
    found = events(servers.broker, namespace)
    assert "anna" not in json.dumps(found)
    assert len({event["visitor_id"] for event in found}) == 1
    assert len(found) == 3
