"""Validity: each bad record has its reason and field, and the record beside it goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from processors.decode import Decoder, Validity, parse_timestamp_ms
from processors.event import Event

NOW_MS = 1_700_000_000_000
VALIDITY = Validity(far_future_ms=300_000, retention_ms=1096 * 86_400_000, record_bytes_max=65_536)
GOOD: dict[str, Any] = {
    "event_id": "e",
    "type": "purchase",
    "ts": NOW_MS,
    "visitor_id": "v",
    "order_id": "o",
    "value": "12.50",
    "currency": "EUR",
}


def encoded(**changes: Any) -> bytes:
    row = {k: v for k, v in (GOOD | changes).items() if v is not ...}
    return json.dumps(row).encode()


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (b"{", "invalid_json", ""),  # BAD! cut off
        (b"\xff\xfe", "invalid_json", ""),  # BAD! not UTF-8
        (None, "invalid_json", ""),  # BAD! a tombstone
        (b"[]", "wrong_type", ""),  # BAD! not an object
        (encoded(value=float("nan")), "invalid_json", ""),  # BAD! NaN is no JSON
        (encoded(value="NaN"), "invalid_amount", "value"),  # BAD!
        (encoded(value="-1"), "invalid_amount", "value"),  # BAD! a refund it should be
        (encoded(value="0.1234567"), "invalid_amount", "value"),  # BAD! 7 decimals
        (encoded(value="0.1" + "0" * 25 + "1"), "invalid_amount", "value"),  # BAD! 27 decimals
        (encoded(value=10**9), "invalid_amount", "value"),  # BAD! not below 10^9
        (encoded(value="1e400"), "invalid_amount", "value"),  # BAD!
        (encoded(value="abc"), "invalid_amount", "value"),  # BAD!
        (encoded(value=...), "missing_field", "value"),  # BAD!
        (encoded(order_id=...), "missing_field", "order_id"),  # BAD!
        (encoded(event_id=7), "wrong_type", "event_id"),  # BAD!
        (encoded(source=7), "wrong_type", "source"),  # BAD!
        (encoded(type="nonsense"), "unknown_type", "type"),  # BAD!
        (encoded(type=...), "missing_field", "type"),  # BAD!
        (encoded(ts=NOW_MS + 300_001), "far_future", "ts"),  # BAD!
        (encoded(ts=1), "before_retention", "ts"),  # BAD!
        (encoded(ts=-5), "invalid_timestamp", "ts"),  # BAD!
        (encoded(ts="yesterday"), "invalid_timestamp", "ts"),  # BAD!
        (encoded(ts="2023-11-14T22:13:20"), "invalid_timestamp", "ts"),  # BAD! no offset
        (encoded(ts=1.5), "wrong_type", "ts"),  # BAD!
        (encoded(visitor_id=...), "missing_identity", "visitor_id"),  # BAD!
        (encoded(source="x" * 70_000), "too_large", ""),  # BAD!
        (encoded(event_id=""), "missing_field", "event_id"),  # BAD! all of them would be one
        (encoded(currency=""), "missing_field", "currency"),  # BAD! money of no currency
        (encoded(order_id=""), "missing_field", "order_id"),  # BAD! no order would be counted
        (encoded(value=" 1_0 "), "invalid_amount", "value"),  # BAD! Python's number, not JSON's
        (encoded(value="1_0"), "invalid_amount", "value"),  # BAD!
        (encoded(value=" 10"), "invalid_amount", "value"),  # BAD! a blank
        (encoded(value="\u0661"), "invalid_amount", "value"),  # BAD! an Arabic digit
        (encoded(value=""), "invalid_amount", "value"),  # BAD!
        (encoded(value=None), "invalid_amount", "value"),  # BAD!
        (encoded(value=True), "invalid_amount", "value"),  # BAD!
        (encoded(value={"cents": 1}), "invalid_amount", "value"),  # BAD!
        (encoded(unknown="?").replace(b"?", b"\xff"), "invalid_json", ""),  # BAD! not UTF-8
        (encoded(event_id=7)[:-1], "invalid_json", ""),  # BAD! cut off, behind a fault of type
        (encoded(event_id=7) + b"}", "invalid_json", ""),  # BAD! more than one value
    ],
)
def test_bad_record_is_rejected_by_reason_and_field(
    value: bytes | None, reason: str, field: str
) -> None:
    """One bad record among good ones: its reason, its field, its offset, and nothing else."""
    records = [(0, NOW_MS, None, encoded()), (1, NOW_MS, None, value), (2, NOW_MS, None, encoded())]
    offsets, events, rejections = Decoder(VALIDITY).decode(records)
    assert offsets == [0, 2]
    assert len(events) == 2
    assert [(r.offset, r.reason, r.field) for r in rejections] == [(1, reason, field)]


@pytest.mark.parametrize(
    ("value", "micro"),
    [
        (12.5, 12_500_000),
        ("12.50", 12_500_000),
        (0, 0),
        ("0.000001", 1),
        (999999999.999999, None),
        ("1e3", 1_000_000_000),
        ("007", 7_000_000),
        ("+.5", 500_000),
        ("1.2500000000", 1_250_000),
    ],
)
def test_amounts_are_exact_micro_units(value: Any, micro: int | None) -> None:
    """Numbers and decimal strings become the same exact integers."""
    event: Any = Decoder(VALIDITY).judge(encoded(value=value), NOW_MS)
    assert event.micro == (999_999_999_999_999 if micro is None else micro)


def test_an_escaped_amount_is_the_amount_it_spells() -> None:
    """JSON may write any character of a string as an escape."""
    escaped = encoded().replace(b'"12.50"', b'"12\\u002e50"')
    event: Any = Decoder(VALIDITY).judge(escaped, NOW_MS)
    assert event.micro == 12_500_000


def test_an_optional_amount_may_be_absent_or_null() -> None:
    """A cart without a value is worth nothing, and is no fault."""
    for value in (..., None):
        event: Any = Decoder(VALIDITY).judge(encoded(type="add_to_cart", value=value), NOW_MS)
        assert event.micro == 0


def test_other_scripts_are_text_like_any() -> None:
    """Valid UTF-8 is accepted wherever it stands, read fields and others alike."""
    row = json.dumps(GOOD | {"source": "é", "unknown": "日本"}, ensure_ascii=False).encode()
    offsets, [event], rejections = Decoder(VALIDITY).decode([(0, NOW_MS, None, row)])
    assert (offsets, rejections) == ([0], [])
    assert event.source == "é"  # type: ignore[attr-defined]


def test_a_producer_cannot_set_the_internal_amount() -> None:
    """The decoded amount follows from value alone."""
    event: Any = Decoder(VALIDITY).judge(encoded(**{"(micro)": 7}), NOW_MS)
    assert event.micro == 12_500_000


def test_types_of_other_topics_are_unknown() -> None:
    """A purchase in the support topic would count in the wrong partition: it is refused."""
    judged = Decoder(VALIDITY, "tracking.support").judge(encoded(), NOW_MS)
    assert not isinstance(judged, Event)
    assert judged[0] == "unknown_type"


def test_validity_is_judged_by_the_records_time_not_the_readers() -> None:
    """History replayed with its own record timestamps is valid."""
    past_ms = 946_684_800_000
    assert isinstance(Decoder(VALIDITY).judge(encoded(ts=past_ms), past_ms), Event)


def test_rfc_3339_is_read_to_the_millisecond() -> None:
    """Offsets and fractions count; what is not RFC 3339 is refused."""
    assert parse_timestamp_ms("1970-01-01T01:00:00.1239+01:00") == 123
    assert parse_timestamp_ms("2023-11-14t22:13:20z") == NOW_MS
    assert parse_timestamp_ms("2023-02-30T00:00:00Z") is None
    assert parse_timestamp_ms("20231114T221320Z") is None
