"""Laws under fuzzing: no 5xx, no hang, and nothing wrong in Kafka, whatever is sent where.

KPI_FUZZ_EXAMPLES sets how many requests each endpoint gets.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from processors.event import STRUCT_BY_TYPE, Event, record_key
from streams.producer.gate import Gate, validity_of
from streams.schemas.event_schema import event_schema
from tests.support.collecting import ROOT
from tests.support.kafka_log import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.collecting import Collector

pytestmark = pytest.mark.servers
EXAMPLES = int(os.environ.get("KPI_FUZZ_EXAMPLES", "12"))
DEADLINE_S = 10
EVENT_PATHS = ("/v1/events", "/v1/cloudevents", "/v1/beacon")
SEGMENT_PATHS = tuple(
    f"/v1/{call}"
    for call in ("track", "page", "screen", "identify", "group", "alias", "batch", "import")
)
FUZZ = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

for cloud in ("application/cloudevents+json", "application/cloudevents-batch+json"):
    schemathesis.serializer.alias(cloud, "application/json")
document = yaml.safe_load((ROOT / "docs/_gen/openapi.yaml").read_text())
# Four of the types stand for all: making events of 36 at once takes minutes.
document["components"]["schemas"]["event"]["oneOf"] = [
    event_schema(name) for name in ("page_view", "purchase", "ticket_replied", "ad_cost")
]
schema = schemathesis.openapi.from_dict(document)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module", autouse=True)
def nothing_wrong_in_kafka(collector: Collector) -> Iterator[None]:
    """After everything: each record is an event that the worker takes, under its own key."""
    yield
    gate = Gate(validity_of())
    found = records(collector.broker, collector.namespace)
    for record in found:
        judged = gate.judge(record.value, record.timestamp)
        assert isinstance(judged, Event), (judged, record.value)
        assert record.topic.endswith(judged.topic)
        assert record.key == str(record_key(json.loads(record.value))).encode()
    accepted = collector.get("/metrics").body.decode()
    counted = [
        line for line in accepted.splitlines() if 'outcome="kafka"' in line and "total" in line
    ]
    assert len(found) == sum(int(float(line.split()[-1])) for line in counted)


@schema.parametrize()
@FUZZ
def test_the_document_is_kept(case: Any, collector: Collector) -> None:
    """Whatever the OpenAPI document allows, or not quite, is answered as the document says."""
    case.call_and_validate(base_url=collector.url, checks=CHECKS, timeout=DEADLINE_S)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip
FIELDS = st.sampled_from(
    [
        "event_id",
        "type",
        "ts",
        "visitor_id",
        "customer_id",
        "value",
        "currency",
        "order_id",
        "items",
        "quantity",
        "properties",
        "batch",
        "events",
        "event",
        "context",
        "timestamp",
        "messageId",
        "userId",
        "anonymousId",
        "traits",
        "specversion",
        "id",
        "source",
        "data",
        "data_base64",
        "time",
        "key",
        "sent",
        "entry",
        "writeKey",
        "sentAt",
        "recipient_id",
        "campaign",
        "url",
        "referrer",
    ]
)
LIKELY = st.sampled_from(
    [*STRUCT_BY_TYPE, "_tick", "track", "page", "Order Completed", "Product Added", "1.0", "x", "",
     "19.90", "-1", "1e9", "2026-01-01T00:00:00Z", "http://[", "https://a.example/?utm_source=x",
     0, -1, 1.5, 10**30, None, True, [], {}, "\u0000", "\ud83d\ude00", "x" * 300]
) | st.just(time.time_ns() // 1_000_000)  # fmt: skip


@st.composite
def plausible(draw: st.DrawFn) -> Any:
    """Return JSON that has the names of real requests and anything as their values."""
    inner = LIKELY | json_values
    thing = st.dictionaries(FIELDS, inner | st.dictionaries(FIELDS, inner, max_size=6), max_size=10)
    event = draw(thing)
    shape = draw(st.sampled_from(["alone", "array", "batch", "events"]))
    if shape == "alone":
        return event
    several = [event, *draw(st.lists(thing | inner, max_size=3))]
    return several if shape == "array" else {shape: several}


def ask(collector: Collector, path: str, body: bytes, headers: dict[str, str]) -> int:
    """POST and return the status; a closed connection is an answer, silence is not."""
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=DEADLINE_S)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.getheader("Content-Type", "").startswith("application/json"):
        json.loads(content)
    return answer.status


TYPES = st.sampled_from(
    ["application/json", "application/x-ndjson", "text/plain", "application/cloudevents+json",
     "application/cloudevents-batch+json", "application/octet-stream", "x", "multipart/form-data"]
)  # fmt: skip


@pytest.mark.parametrize("path", [*EVENT_PATHS, *SEGMENT_PATHS])
@given(body=st.binary(max_size=200), content_type=TYPES, packed=st.booleans())
@FUZZ
def test_any_bytes(
    collector: Collector, path: str, body: bytes, content_type: str, packed: bool
) -> None:
    """Any bytes, as any type, compressed, truncated or not, are answered without a 5xx."""
    headers = {"Content-Type": content_type}
    if packed:
        headers["Content-Encoding"] = "gzip"
        if body[:1] < b"\x80":
            body = gzip.compress(body)[: 1 + len(body) * 2]
    assert ask(collector, path, body, headers) < 500


@pytest.mark.parametrize("path", [*EVENT_PATHS, *SEGMENT_PATHS])
@given(body=plausible(), content_type=TYPES)
@settings(FUZZ, max_examples=4 * EXAMPLES)
def test_any_json(collector: Collector, path: str, body: Any, content_type: str) -> None:
    """JSON with the right names and the wrong values is judged, not crashed on."""
    text = json.dumps(body).encode()
    assert ask(collector, path, text, {"Content-Type": content_type}) < 500


@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["Authorization", "Origin", "X-Request-Id", "Content-Encoding", "User-Agent", "Host",
             "ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time", "Expect", "Referer"]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
        max_size=6,
    )
)  # fmt: skip
@FUZZ
def test_any_headers(collector: Collector, headers: dict[str, str]) -> None:
    """No header brings it down."""
    assert ask(collector, "/v1/cloudevents", b'{"visitor_id":"v"}', headers) < 500
