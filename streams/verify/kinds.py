"""Kinds of keyed figures: what each takes of the log, and the SQL file that concludes its facts.

A new kind is one entry here and one file in ``sql/keyed/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Kind:
    """One kind of keyed figure.

    Attributes:
        name: the file in ``sql/keyed``.
        facts: what it concludes; it is recomputed where some measure reads one of them.
        dimensions: fields that its facts take from an event.
        own: fields that its facts have of their own: columns of ``fact``.
        types: events that it takes.
        identity: SQL expression of the key; null where the event is not taken.
        lateness: the variable that says how far behind the watermark an event may come.
    """

    name: str
    facts: tuple[str, ...]
    dimensions: tuple[str, ...]
    types: tuple[str, ...]
    identity: str
    lateness: str
    own: tuple[str, ...] = ()


_CART_TYPES: Final = ("add_to_cart", "remove_from_cart", "checkout_started", "purchase")
_SITE: Final = ("source", "medium", "campaign", "landing_page", "device", "country")

KINDS: Final = (
    Kind(
        "sessions",
        (
            "session_started",
            "session_converted",
            "session_closed",
            "session_bounced",
            "session_ended",
        ),
        _SITE,
        ("page_view", *_CART_TYPES, "goal_completed"),
        "nullif(visitor_id, '')",
        "keyed_lateness_ms",
        ("audience",),
    ),
    Kind(
        "carts",
        ("cart_purchased", "cart_abandoned", "cart_closed"),
        (*_SITE, "currency"),
        _CART_TYPES,
        "case when visitor_id <> '' then coalesce(nullif(cart_id, ''), visitor_id) end",
        "keyed_lateness_ms",
    ),
    Kind(
        "tickets",
        ("ticket_started", "ticket_answered", "ticket_solved"),
        ("priority", "team", "channel", "agent"),
        ("ticket_opened", "ticket_replied", "ticket_resolved", "ticket_reopened"),
        "nullif(ticket_id, '')",
        "ticket_retention_ms",
    ),
    Kind(
        "orders",
        ("order_placed",),
        ("channel", "category", "product", "region", "source", "campaign", "currency"),
        ("purchase",),
        "nullif(order_id, '')",
        "order_horizon_ms",
    ),
)
KIND_BY_FACT: Final = {fact: kind for kind in KINDS for fact in kind.facts}
