"""Segment's tracking calls into events. Pure: a message in, an event out."""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from processors.decode import parse_timestamp_ms
from processors.event import STRUCT_BY_TYPE
from streams.collector.origin import device_of, host_of, path_of, visit
from streams.collector.segment_names import IGNORED, TYPES, normal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.amounts import Fault

Event = dict[str, Any]
Message = dict[str, Any]

SKEW_MS_MIN: Final = 30_000
"""A client's clock that is off by less is not corrected: the network alone takes some time, and
late by less is not late."""

_PERSONAL: Final = frozenset(
    {"email", "phone", "firstName", "lastName", "first_name", "last_name", "address", "birthday",
     "ip", "username", "avatar"}
)  # fmt: skip
_MAPPED: Final = frozenset(
    {"order_id", "orderId", "cart_id", "cartId", "currency", "revenue", "total", "value", "price",
     "quantity", "products", "product_id", "sku", "category", "coupon_value", "promotion_id",
     "creative", "position", "campaign_id", "campaign_name", "list", "list_id", "form",
     "recipient_id", "url", "path", "referrer", "title", "search", "share_via"}
)  # fmt: skip
_MICRO: Final = Decimal("0.000001")


class UnmappableError(Exception):
    """A message that is no tracking call; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault[2])


def event_of(
    message: object, call: str, *, received_ms: int, skew_ms: int, currency: str
) -> Event | None:
    """Map one tracking call.

    Args:
        message: the call's JSON.
        call: ``track``, ``page``, ...; empty where the message's ``type`` says it.
        received_ms: when it came, for calls without a timestamp.
        skew_ms: added to the timestamp: how far the client's clock is behind.
        currency: of amounts that name none; empty: they are rejected.

    Returns:
        The event, not yet checked; None where the call has no meaning for any KPI.

    Raises:
        UnmappableError: it is no tracking call.
    """
    if not isinstance(message, dict):
        raise UnmappableError(("wrong_type", "", "a tracking call is a JSON object"))
    call = call or _text(message.get("type"))
    mapper = _CALLS.get(call)
    if mapper is None:
        known = ", ".join(_CALLS)
        raise UnmappableError(("unknown_type", "type", f"{call!r} is none of {known}"))
    specific = mapper(message, currency)
    if specific is None:
        return None
    event: Event = {
        "event_id": message.get("messageId") or uuid.uuid4().hex,
        "ts": _ts(message, received_ms, skew_ms),
        **_identities(message),
        **_surroundings(message, call),
        **specific,
    }
    return {name: value for name, value in event.items() if value not in (None, "", {}, [])}


def _track(message: Message, currency: str) -> Event | None:
    name = message.get("event")
    if not isinstance(name, str) or not name.strip():
        raise UnmappableError(("missing_field", "event", "a track call names its event"))
    properties = _object(message.get("properties"))
    spelled = normal(name)
    native = spelled.replace(" ", "_")
    event_type = TYPES.get(spelled)
    if event_type is None and native in STRUCT_BY_TYPE:
        return {**{k: v for k, v in properties.items() if k not in _PERSONAL}, "type": native}
    if event_type == IGNORED:
        return None
    event_type = event_type or "goal_completed"
    rest = {k: v for k, v in properties.items() if k not in _MAPPED and k not in _PERSONAL}
    event: Event = {"type": event_type, "properties": rest}
    if event_type == "goal_completed":
        event["goal"] = name.strip()
    else:
        event |= _FIELDS[event_type](properties, message, currency)
    for dimension in ("channel", "region", "segment"):
        event[dimension] = properties.get(dimension)
    return event


def _page(message: Message, _currency: str) -> Event:
    properties = _object(message.get("properties"))
    page = _object(_object(message.get("context")).get("page"))
    url = _text(properties.get("url")) or _text(page.get("url"))
    path = _text(properties.get("path")) or _text(page.get("path")) or url
    referrer = _text(properties.get("referrer")) or _text(page.get("referrer"))
    return {"type": "page_view", "landing_page": path_of(path), "referrer": host_of(referrer)}


def _screen(message: Message, _currency: str) -> Event:
    return {"type": "page_view", "landing_page": message.get("name")}


def _identify(message: Message, _currency: str) -> Event:
    traits = _object(message.get("traits"))
    return {"type": "identify", "recipient_id": traits.get("recipient_id")}


def _group(message: Message, _currency: str) -> Event:
    return {"type": "identify", "properties": {"group_id": message.get("groupId")}}


def _alias(message: Message, _currency: str) -> Event:
    return {"type": "identify", "visitor_id": message.get("previousId")}


_CALLS: dict[str, Callable[[Message, str], Event | None]] = {
    "track": _track,
    "page": _page,
    "screen": _screen,
    "identify": _identify,
    "group": _group,
    "alias": _alias,
}


def _cart(properties: Event, _message: Message, currency: str) -> Event:
    product = properties.get("product_id") or properties.get("sku") or properties.get("name")
    value = properties.get("value")
    price, quantity = _amount(properties.get("price")), properties.get("quantity", 1)
    if value is None and isinstance(price, Decimal) and isinstance(quantity, int):
        value = price * quantity
    return {
        "cart_id": properties.get("cart_id") or properties.get("cartId"),
        "product": product,
        "category": properties.get("category"),
        "quantity": properties.get("quantity"),
        "value": _amount(value),
        "currency": properties.get("currency") or currency,
        "items": _items(properties.get("products")),
    }


def _order(properties: Event, message: Message, currency: str) -> Event:
    items = _items(properties.get("products"))
    only = items[0] if len(items) == 1 else {}
    amounts = (properties.get(name) for name in ("revenue", "total", "value"))
    return {
        **_cart(properties, message, currency),
        "order_id": properties.get("order_id") or properties.get("orderId"),
        "value": _amount(next((a for a in amounts if a is not None), None)),
        "product": properties.get("product_id") or only.get("product"),
        "category": properties.get("category") or only.get("category"),
        "quantity": properties.get("quantity") or only.get("quantity"),
        "items": items,
    }


def _promotion(properties: Event, _message: Message, _currency: str) -> Event:
    return {
        "campaign": properties.get("name") or properties.get("promotion_id"),
        "ad": properties.get("creative") or properties.get("promotion_id"),
        "placement": properties.get("position"),
        "network": properties.get("network"),
    }


def _share(properties: Event, _message: Message, _currency: str) -> Event:
    return {"interaction": "share", "network": properties.get("share_via")}


def _email(properties: Event, message: Message, _currency: str) -> Event:
    recipient = properties.get("recipient_id") or _text(message.get("userId"))
    return {
        "recipient_id": recipient or _text(message.get("anonymousId")),
        "campaign": properties.get("campaign_name") or properties.get("campaign_id"),
        "list": properties.get("list") or properties.get("list_id"),
        "form": properties.get("form"),
    }


_FIELDS: dict[str, Callable[[Event, Message, str], Event]] = {
    **dict.fromkeys(("add_to_cart", "remove_from_cart", "checkout_started"), _cart),
    **dict.fromkeys(("purchase", "refund"), _order),
    **dict.fromkeys(("ad_impression", "ad_click"), _promotion),
    "social_interaction": _share,
    **dict.fromkeys((t for t in TYPES.values() if "email" in t or "subscribed" in t), _email),
}


def _items(products: object) -> list[Event]:
    if not isinstance(products, list):
        return []
    items = (
        {
            "product": p.get("product_id") or p.get("sku") or p.get("name"),
            "category": p.get("category"),
            "quantity": p.get("quantity"),
            "price": _amount(p.get("price")),
        }
        for p in products
        if isinstance(p, dict)
    )
    return [{name: v for name, v in item.items() if v is not None} for item in items]


def _identities(message: Mapping[str, Any]) -> Event:
    return {
        "visitor_id": _text(message.get("anonymousId")),
        "customer_id": _text(message.get("userId")),
    }


def _surroundings(message: Message, call: str) -> Event:
    """Campaign, device and country of the context; the client's address is not among them."""
    context = _object(message.get("context"))
    page, device = _object(context.get("page")), _object(context.get("device"))
    campaign = {k: v for k, v in _object(context.get("campaign")).items() if isinstance(v, str)}
    properties = _object(message.get("properties")) if call == "page" else {}
    url = _text(properties.get("url")) or _text(page.get("url"))
    referrer = _text(properties.get("referrer")) or _text(page.get("referrer"))
    kind = _text(device.get("type")).lower()
    found = visit(url, referrer, campaign)
    return {
        **found._asdict(),
        "device": {"ios": "mobile", "android": "mobile"}.get(kind, kind)
        or device_of(_text(context.get("userAgent"))),
        "country": _text(_object(context.get("location")).get("country")),
    }


def _ts(message: Message, received_ms: int, skew_ms: int) -> object:
    stamp = message.get("timestamp") or message.get("originalTimestamp")
    if stamp is None:
        return received_ms
    ts_ms = parse_timestamp_ms(stamp) if isinstance(stamp, str) else None
    return ts_ms + skew_ms if ts_ms is not None else stamp


def skew_ms(sent_at: object, received_ms: int) -> int:
    """Return how far a client's clock is behind, 0 where it is near enough or unknown."""
    sent_ms = parse_timestamp_ms(sent_at) if isinstance(sent_at, str) else None
    behind_ms = received_ms - sent_ms if sent_ms is not None else 0
    return behind_ms if abs(behind_ms) >= SKEW_MS_MIN else 0


def _amount(value: object) -> object:
    """Return an amount exactly; JavaScript's 0.1 + 0.2 is meant to be 0.3."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return value
    try:
        exact = Decimal(str(value))
        return exact.quantize(_MICRO) if isinstance(value, float) else exact
    except InvalidOperation:
        return value


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
