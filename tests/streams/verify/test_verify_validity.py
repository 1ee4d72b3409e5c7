"""Laws of validity, as the recomputation judges."""

from __future__ import annotations

from typing import Any

import pytest

from streams.verify.strict import plain
from tests.support.recomputing import (
    T0_MS,
    catalog_of,
    count,
    event,
    faults_of,
    log_of,
    recomputed,
)

DAY_MS = 86_400_000


def view(**fields: Any) -> dict[str, Any]:
    """Return a sound page view, but for some fields."""
    return {**event("page_view", 0, visitor_id="v"), **fields}


def buy(value: Any) -> dict[str, Any]:
    """Return a purchase of some value."""
    return event("purchase", 0, visitor_id="v", order_id="o", currency="EUR", value=value)


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (view(), None),
        (None, "invalid_json"),
        (b"", "invalid_json"),
        (b'{"type":"page_view"', "invalid_json"),
        (b'{"type":"page_view",}', "invalid_json"),  # DuckDB alone would take it
        (b'{"type":"page_view","u":NaN}', "invalid_json"),  # and this
        (b"[]", "wrong_type"),
        (b"null", "wrong_type"),
        (view(properties={"deep": [1, {"er": None}]}), None),
        (view(p="x" * 70_000), "too_large"),
        ({"ts": T0_MS}, "missing_field"),
        (view(type=5), "wrong_type"),
        (view(type="page_seen"), "unknown_type"),
        (view(type="ad_impression", campaign="c"), "unknown_type"),  # it belongs to another topic
        (view(source=5), "wrong_type"),
        (view(source=None), None),
        (view(event_id=None), "wrong_type"),
        (view(landing_page=["x"]), "wrong_type"),
        (view(value="nobody reads a page view's value"), None),
        (event("purchase", 0, visitor_id="v", order_id="o", currency="EUR"), "missing_field"),
        (view(visitor_id=""), "missing_identity"),
        (view(visitor_id="", customer_id="c"), None),
        (event("email_sent", 0, visitor_id="v"), "missing_field"),
        (view(event_id=""), "missing_field"),
        (event("email_sent", 0, visitor_id="v", recipient_id=""), "missing_field"),
        (
            {**event("purchase", 0, visitor_id="v", order_id="o", value=1), "currency": ""},
            "missing_field",
        ),
    ],
)
def test_one_fault_a_record(record: dict[str, Any] | bytes | None, fault: str | None) -> None:
    """A record has the first fault in the documented order, or none."""
    assert faults_of(record) == [fault]


@pytest.mark.parametrize(
    ("ts", "fault"),
    [
        (T0_MS, None),
        ("2023-11-14T22:13:20Z", None),
        ("2023-11-14t23:13:20.999999+01:00", None),
        ("2023-11-14 22:13:20", "invalid_timestamp"),  # BAD! no offset
        ("yesterday", "invalid_timestamp"),
        (str(T0_MS), "invalid_timestamp"),
        (-1, "invalid_timestamp"),
        (10**30, "invalid_timestamp"),
        (T0_MS + 0.5, "wrong_type"),
        (T0_MS + 300_000, None),
        (T0_MS + 300_001, "far_future"),
        (T0_MS - 1_096 * DAY_MS, None),
        (T0_MS - 1_096 * DAY_MS - 1, "before_retention"),
    ],
)
def test_times_are_judged_against_the_record(ts: object, fault: str | None) -> None:
    """Far future and before retention are relative to the record's own timestamp."""
    assert faults_of(view(ts=ts, recorded=T0_MS)) == [fault]


@pytest.mark.parametrize(
    ("value", "micro"),
    [
        (1, 1_000_000),
        (0.1, 100_000),
        ("2.25", 2_250_000),
        ("1e2", 100_000_000),
        ("1.0000000", 1_000_000),
        (999_999_999.999999, 999_999_999_999_999),
        (0, 0),
        ("-0.01", None),
        ("0.0000001", None),
        (1_000_000_000, None),
        ("NaN", None),
        ("dear", None),
        ("1_0", None),
        (" 10 ", None),
        ("", None),
        (True, None),
        (None, None),
    ],
)
def test_amounts_are_exact(value: object, micro: int | None) -> None:
    """An amount has at most 6 decimals, is not negative and below 10^9; it is exact."""
    con = recomputed(log_of([buy(value)]), catalog_of(count("page_view")))
    found = con.execute("select fault, micro from judged").fetchall()
    assert found == [(None, micro)] if micro is not None else [("invalid_amount", 0)]


def test_every_digit_of_an_amount_counts() -> None:
    """Digits that a double would round away are seen."""
    record = b'{"type":"purchase","event_id":"e","ts":1700000000000,"visitor_id":"v",'
    record += b'"order_id":"o","currency":"EUR","value":0.10000000000000000001}'
    assert faults_of(record) == ["invalid_amount"]


def test_the_last_of_two_equal_fields_counts() -> None:
    """A field that stands there twice has its last value."""
    record = (
        b'{"type":"page_view","event_id":"e","ts":1700000000000,"visitor_id":"","visitor_id":"v"}'
    )
    assert faults_of(record) == [None]


def test_strict_json_only() -> None:
    """What the standard library's strict reader refuses is no JSON."""
    assert plain('{"a":NaN}') is None
    assert plain('{"value":1.50}') == '{"value": "1.50"}'
