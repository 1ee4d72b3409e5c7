"""Laws of the Segment mapping: names by one table, fields by the specs, nothing personal kept."""

from __future__ import annotations

from typing import Any

import pytest

from processors.event import STRUCT_BY_TYPE
from streams.collector.origin import device_of, path_of, visit
from streams.collector.segment import SKEW_MS_MIN, UnmappableError, event_of, skew_ms
from streams.collector.segment_names import IGNORED, TYPES, normal

NOW_MS = 1_750_000_000_000


def mapped(message: object, call: str = "", currency: str = "", skew: int = 0) -> Any:
    """Map a call received at NOW_MS."""
    return event_of(message, call, received_ms=NOW_MS, skew_ms=skew, currency=currency)


def track(event: str, properties: dict[str, Any] | None = None, **more: Any) -> Any:
    """Map a track call."""
    return mapped(
        {"messageId": "m", "anonymousId": "a", "event": event, "properties": properties, **more},
        "track",
    )


def test_the_table_names_types_that_exist() -> None:
    """Each name is spelled as it is compared, each type is one of ours."""
    assert {normal(name) for name in TYPES} == set(TYPES)
    assert set(TYPES.values()) - {IGNORED} <= set(STRUCT_BY_TYPE)


def test_an_order() -> None:
    """Order Completed is a purchase: revenue before total before value, products as items."""
    event = track(
        "Order Completed",
        {
            "order_id": "o1",
            "total": 30.0,
            "revenue": 25.5,
            "shipping": 3,
            "currency": "USD",
            "coupon": "hasbros",
            "email": "a@example.com",
            "products": [
                {"product_id": "p1", "category": "Games", "price": 19, "quantity": 1, "name": "M"},
                {"sku": "s2", "price": 0.1 + 0.2, "quantity": 2},
            ],
        },
        userId=42,
    )
    assert event == {
        "event_id": "m",
        "ts": NOW_MS,
        "type": "purchase",
        "visitor_id": "a",
        "customer_id": "42",
        "order_id": "o1",
        "value": event["value"],
        "currency": "USD",
        "items": [
            {"product": "p1", "category": "Games", "price": 19, "quantity": 1},
            {"product": "s2", "price": event["items"][1]["price"], "quantity": 2},
        ],
        "properties": {"shipping": 3, "coupon": "hasbros"},
    }
    assert str(event["value"]) == "25.500000"
    assert str(event["items"][1]["price"]) == "0.300000"


def test_one_product_is_the_orders_product() -> None:
    """An order of one product has its product and category; the key's currency fills in."""
    call = {
        "event": "Completed Order",
        "userId": "u",
        "properties": {
            "orderId": "o",
            "value": "9.99",
            "products": [{"product_id": "p", "category": "c"}],
        },
    }
    event = mapped(call, "track", currency="EUR")
    assert (event["type"], event["order_id"], event["product"], event["category"]) == (
        "purchase",
        "o",
        "p",
        "c",
    )
    assert (str(event["value"]), event["currency"]) == ("9.99", "EUR")


def test_a_cart() -> None:
    """Product Added is worth price times quantity."""
    event = track(
        "Product Added", {"cart_id": "c", "product_id": "p", "price": 18.99, "quantity": 3}
    )
    assert (event["type"], event["cart_id"], event["product"]) == ("add_to_cart", "c", "p")
    assert str(event["value"]) == "56.970000"
    assert track("Product Removed", {})["type"] == "remove_from_cart"
    assert track("Checkout Started", {"value": 5})["type"] == "checkout_started"
    assert track("Order Refunded", {"order_id": "o", "total": 3})["type"] == "refund"


def test_advertising() -> None:
    """Promotions are impressions and clicks of a campaign."""
    event = track(
        "Promotion Viewed",
        {"promotion_id": "p", "name": "sale", "creative": "top", "position": "home"},
    )
    assert {k: event[k] for k in ("type", "campaign", "ad", "placement")} == {
        "type": "ad_impression",
        "campaign": "sale",
        "ad": "top",
        "placement": "home",
    }
    assert track("Promotion Clicked", {"promotion_id": "p"})["type"] == "ad_click"


def test_email_never_carries_an_address() -> None:
    """The recipient is the user, not their address."""
    event = track(
        "Email Link Clicked",
        {"campaign_name": "June", "email_id": "x"},
        userId="u1",
        context={"traits": {"email": "a@example.com"}, "ip": "203.0.113.7"},
    )
    assert (event["type"], event["recipient_id"], event["campaign"]) == (
        "email_clicked",
        "u1",
        "June",
    )
    assert "example.com" not in str(event)
    assert "203.0.113.7" not in str(event)


@pytest.mark.parametrize("name", ["Products Searched", "product_list_viewed", "Application Opened"])
def test_browsing_is_understood_and_ignored(name: str) -> None:
    """Page and screen calls carry it."""
    assert track(name, {}) is None


def test_own_types_and_goals() -> None:
    """A name that is one of our types is that type; any other is a goal that was reached."""
    opened = track("Ticket Opened", {"ticket_id": "t", "priority": "high", "email": "a@b.example"})
    assert (opened["type"], opened["ticket_id"], opened["priority"]) == (
        "ticket_opened",
        "t",
        "high",
    )
    assert "email" not in opened
    goal = track(" Signed Up ", {"plan": "pro", "channel": "online"})
    assert (goal["type"], goal["goal"], goal["channel"]) == (
        "goal_completed",
        "Signed Up",
        "online",
    )
    assert goal["properties"] == {"plan": "pro", "channel": "online"}


def test_pages_screens_and_identities() -> None:
    """Pages keep path and host, screens their name; identify, group and alias link identities."""
    page = mapped(
        {
            "type": "page",
            "anonymousId": "a",
            "properties": {
                "url": "https://www.shop.example/shoes?email=a@b.example#top",
                "referrer": "https://www.google.de/search?q=x",
            },
        }
    )
    assert page["landing_page"] == "/shoes"
    assert (page["referrer"], page["source"], page["medium"]) == ("google.de", "google", "organic")
    assert "email" not in str(page)
    screen = mapped(
        {
            "type": "screen",
            "anonymousId": "a",
            "name": "Home",
            "context": {"device": {"type": "ios"}},
        }
    )
    assert (screen["type"], screen["landing_page"], screen["device"]) == (
        "page_view",
        "Home",
        "mobile",
    )
    identify = mapped(
        {
            "type": "identify",
            "anonymousId": "a",
            "userId": "u",
            "traits": {"email": "x@y.example", "recipient_id": "r"},
        }
    )
    assert {k: identify[k] for k in ("type", "visitor_id", "customer_id", "recipient_id")} == {
        "type": "identify",
        "visitor_id": "a",
        "customer_id": "u",
        "recipient_id": "r",
    }
    assert "example" not in str(identify)
    alias = mapped({"type": "alias", "previousId": "a", "userId": "u"})
    assert (alias["visitor_id"], alias["customer_id"]) == ("a", "u")
    group = mapped({"type": "group", "userId": "u", "groupId": "g"})
    assert group["properties"] == {"group_id": "g"}


@pytest.mark.parametrize(
    ("message", "reason", "field"),
    [
        ([], "wrong_type", ""),
        ({"type": "pageview"}, "unknown_type", "type"),
        ({}, "unknown_type", "type"),
        ({"type": "track"}, "missing_field", "event"),
        ({"type": "track", "event": 5}, "missing_field", "event"),
    ],
)
def test_what_is_no_call_is_named(message: object, reason: str, field: str) -> None:
    """With a reason of the same kind as any other."""
    with pytest.raises(UnmappableError) as caught:
        mapped(message)
    assert caught.value.fault[:2] == (reason, field)


def test_clocks() -> None:
    """A timestamp is exact; a client's clock is corrected only where it is far off."""
    stamped = track("x", timestamp="2025-06-15T15:06:40.123+00:00")
    assert stamped["ts"] == NOW_MS + 123
    assert track("x")["ts"] == NOW_MS
    assert track("x", timestamp="soon")["ts"] == "soon"  # the worker's rules name it
    behind = "2025-06-15T14:06:40Z"  # an hour
    assert skew_ms(behind, NOW_MS) == 3_600_000
    late = mapped({"type": "page", "timestamp": behind}, skew=skew_ms(behind, NOW_MS))
    assert late["ts"] == NOW_MS
    assert skew_ms("2025-06-15T15:06:20Z", NOW_MS) == 0
    assert SKEW_MS_MIN == 30_000
    assert skew_ms(None, NOW_MS) == skew_ms("x", NOW_MS) == 0


@pytest.mark.parametrize(
    ("url", "referrer", "expected"),
    [
        (
            "https://s.example/?utm_source=nl&utm_medium=email&utm_campaign=may",
            "https://google.com",
            ("nl", "email", "may"),
        ),
        ("https://s.example/?gclid=1", "", ("google", "cpc", "")),
        ("https://s.example/?fbclid=1", "", ("facebook", "social", "")),
        ("https://s.example/", "https://www.bing.com/search", ("bing", "organic", "")),
        ("https://s.example/", "https://t.co/x", ("twitter", "social", "")),
        ("https://s.example/", "https://at.co/x", ("at.co", "referral", "")),
        ("https://s.example/", "https://blog.example/x?y", ("blog.example", "referral", "")),
        ("https://s.example/b", "https://www.s.example/a", ("", "", "")),
        ("https://s.example/", "", ("direct", "none", "")),
        ("", "", ("", "", "")),
        ("http://[", "http://[", ("direct", "none", "")),
    ],
)
def test_where_visits_come_from(url: str, referrer: str, expected: tuple[str, str, str]) -> None:
    """Campaigns, then click ids, then search engines, networks and other sites, then nothing."""
    assert visit(url, referrer) == expected


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148", "mobile"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/120 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (Linux; Android 14; SM-X710) Chrome/120 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)", "tablet"),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120", "desktop"),
        ("", ""),
    ],
)
def test_devices(agent: str, device: str) -> None:
    """By the user agent, which itself is not kept."""
    assert device_of(agent) == device


def test_paths_hold_no_queries() -> None:
    """What stands in a query may be anybody's name."""
    assert path_of("https://s.example/a/b?name=x#y") == "/a/b"
    assert path_of("https://s.example") == "/"
