"""Laws of checking before publishing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import names
from processors.decode import REASONS, Decoder
from processors.event import EVENT_STRUCTS, STRUCT_BY_TYPE, Event, record_key
from streams.producer.envelope import Addresser
from streams.producer.errors import InvalidEventError
from streams.producer.gate import Gate, validity_of
from streams.producer.partition import Partitioner
from streams.producer.prepare import Preparer
from streams.schemas.fields import fields_of

NOW_MS = 1_750_000_000_000
TEXTS = st.text(min_size=1, max_size=12)


def minimal(event_type: str) -> dict[str, Any]:
    """Return an event with nothing but what its type requires."""
    samples = {"text": "x", "amount": "1.5", "count": 1, "moment": NOW_MS}
    event: dict[str, Any] = {"type": event_type}
    struct = STRUCT_BY_TYPE[event_type]
    event |= {field.name: samples[field.kind] for field in fields_of(struct) if field.required}
    if struct.topic == names.VISITOR:
        event.setdefault("customer_id", "c")
    return event


def prepare(**event: Any) -> Any:
    """Prepare an event at NOW_MS."""
    return Preparer("live", validity_of(), lambda: NOW_MS).prepare(event)


@pytest.mark.parametrize("event_type", sorted(STRUCT_BY_TYPE))
def test_every_type_passes_with_what_it_requires(event_type: str) -> None:
    """The required fields are enough, and the envelope carries the type's topic and key."""
    event = minimal(event_type)
    envelope = prepare(**event)
    assert envelope.topic == STRUCT_BY_TYPE[event_type].topic
    assert envelope.key == str(record_key(event)).encode()
    assert envelope.timestamp_ms == NOW_MS
    assert json.loads(envelope.value) == event


@pytest.mark.parametrize("event_type", sorted(STRUCT_BY_TYPE))
def test_every_type_is_refused_without_any_of_them(event_type: str) -> None:
    """Each required field is named when it is missing."""
    for field in fields_of(STRUCT_BY_TYPE[event_type]):
        if field.required and field.name not in ("event_id", "ts"):  # these are filled in
            event = minimal(event_type)
            del event[field.name]
            with pytest.raises(InvalidEventError) as caught:
                prepare(**event)
            assert (caught.value.reason, caught.value.field) == ("missing_field", field.name)


@given(
    st.sampled_from(EVENT_STRUCTS),
    st.dictionaries(
        st.sampled_from(["visitor_id", "customer_id", "recipient_id", "account", "source",
                         "campaign", "ticket_id", "lead_id"]),
        TEXTS,
    ),
)  # fmt: skip
def test_address_agrees_with_the_contract(struct: type[Event], more: dict[str, str]) -> None:
    """The key read from the decoded event is record_key of the same JSON."""
    event = minimal(str(struct.__struct_config__.tag)) | more
    value = json.dumps(event).encode()
    decoded = Gate(validity_of()).judge(value, NOW_MS)
    assert isinstance(decoded, Event)
    envelope = Addresser("live").address(decoded, value, NOW_MS)
    assert envelope.key == str(record_key(event)).encode()


@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(
    [b'{"type":"_tick","event_id":"t","ts":1750000000000}', b"[" * 9000 + b"]" * 9000,
     b'{"type":"page_view","event_id":"a","ts":1750000000000,"visitor_id":"v","x":'
     + b"[" * 9000 + b"]" * 9000 + b"}",
     *(json.dumps(minimal(name)).encode() for name in ("page_view", "purchase", "ad_cost"))])),
    max_size=8))  # fmt: skip
def test_judging_many_is_judging_each(values: list[bytes]) -> None:
    """In bulk or one by one, the same events pass and the others fail for the same reason."""
    gate = Gate(validity_of())
    indices, events, rejections = gate.sort(values, NOW_MS)
    judged = [gate.judge(value, NOW_MS) for value in values]
    assert dict(zip(indices, events, strict=True)) == {
        index: event for index, event in enumerate(judged) if isinstance(event, Event)
    }
    assert {r.offset: (r.reason, r.field, r.detail) for r in rejections} == {
        index: fault for index, fault in enumerate(judged) if not isinstance(fault, Event)
    }
    assert all(rejection.reason in REASONS for rejection in rejections)


def test_what_passes_the_gate_passes_the_worker() -> None:
    """The producer's verdict is the worker's, but for ticks, which only the worker writes."""
    gate, worker = Gate(validity_of()), Decoder(validity_of())
    for event_type in STRUCT_BY_TYPE:
        value = json.dumps(minimal(event_type)).encode()
        assert gate.judge(value, NOW_MS) == worker.judge(value, NOW_MS)
    tick = b'{"type":"_tick","event_id":"t","ts":1750000000000}'
    assert gate.judge(tick, NOW_MS)[0] == "unknown_type"  # type: ignore[index]


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"value": 0.1 + 0.2}, "invalid_amount", "value"),  # 0.30000000000000004
        ({"value": Decimal(-1)}, "invalid_amount", "value"),
        ({"value": "1e9"}, "invalid_amount", "value"),
        ({"value": float("nan")}, "invalid_amount", "value"),
        ({"ts": NOW_MS + 300_001}, "far_future", "ts"),
        ({"ts": "yesterday"}, "invalid_timestamp", "ts"),
        ({"ts": datetime(2025, 6, 15)}, "invalid_timestamp", "ts"),  # noqa: DTZ001  # BAD!
        ({"customer_id": ""}, "missing_identity", "visitor_id"),
        ({"type": "purchas"}, "unknown_type", "type"),
        ({"type": "_tick"}, "unknown_type", "type"),
        ({"properties": {"x": "y" * 70_000}}, "too_large", ""),
        ({"properties": object()}, "invalid_json", ""),
    ],
)
def test_faults_are_named(fields: dict[str, Any], reason: str, field: str) -> None:
    """Each fault is raised with its reason and field, before anything is sent."""
    with pytest.raises(InvalidEventError) as caught:
        prepare(**(minimal("purchase") | fields))
    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_moments_are_exact() -> None:
    """A datetime becomes its millisecond, whatever its zone."""
    moment = datetime(2025, 6, 15, 12, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=5.5)))
    ts = json.loads(prepare(type="ad_impression", campaign="c", ts=moment).value)["ts"]
    assert ts == 1_749_970_800_123
    assert datetime.fromtimestamp(ts / 1000, UTC) <= moment


def test_ids_and_times_are_filled_in() -> None:
    """Without them an event gets an id of its own and the clock; None is absence."""
    first, second = (prepare(type="ad_impression", campaign="c", ad=None) for _ in range(2))
    assert first.event_id != second.event_id
    assert json.loads(first.value).keys() == {"type", "campaign", "event_id", "ts"}
    assert json.loads(first.value)["ts"] == NOW_MS


# From Apache Kafka's own UtilsTest: murmur2 as signed 32 bits.
JAVA_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", sorted(JAVA_MURMUR2))
def test_partitions_are_those_of_the_java_client(key: bytes) -> None:
    """The partition is toPositive(murmur2(key)) % partitions, asked once or again."""
    partitioner = Partitioner()
    for partitions in (1, 3, 12):
        expected = (JAVA_MURMUR2[key] & 0x7FFFFFFF) % partitions
        assert partitioner.partition(key, partitions) == expected
        assert partitioner.partition(key, partitions) == expected
