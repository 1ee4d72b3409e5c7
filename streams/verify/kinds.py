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
        reads: further fields that its SQL reads.
    """

    name: str
    facts: tuple[str, ...]
    dimensions: tuple[str, ...]
    types: tuple[str, ...]
    identity: str
    lateness: str
    own: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


LINKED: Final = "_purchase_linked"  # a backend's purchase where it was handed over: sql/identity
_CART_TYPES: Final = ("add_to_cart", "remove_from_cart", "checkout_started", "purchase")
_SITE: Final = ("source", "medium", "campaign", "landing_page", "device", "country")
_VISITOR: Final = "nullif(visitor_id, '')"
_ANYBODY: Final = (
    "coalesce(nullif(visitor_id, ''), nullif(customer_id, ''), nullif(recipient_id, ''))"
)
_SOLD: Final = ("channel", "category", "product", "region", "source", "campaign")
_PLACED: Final = ("source", "campaign", "channel", "network")
_NEVER_LATE: Final = "ever_ms"

_READINGS: Final = {  # type -> what tells its readings apart
    "balance": (*_PLACED, "account", "currency"),
    "market_impressions": _PLACED,
    "social_reach": _PLACED,
    "keyword_rank": (*_PLACED, "keyword"),
    "fx_rate": ("currency",),
    "target_set": (*_PLACED, "kpi", "list"),
}


def _reading(event_type: str, dimensions: tuple[str, ...]) -> Kind:
    values = (f"coalesce(\"{name}\", '')" for name in dimensions)
    return Kind(
        "readings",
        (f"{event_type.removesuffix('_set')}_changed",),
        dimensions,
        (event_type,),
        " || chr(31) || ".join(values),
        "reading_horizon_ms",
        own=("known",),
    )


KINDS: Final = (
    Kind(
        "sessions",
        (
            "session_started",
            "session_converted",
            "session_engaged",
            "session_closed",
            "session_bounced",
            "session_ended",
            "funnel_reached",
            "funnel_entered",
            "funnel_passed",
        ),
        _SITE,
        ("page_view", *_CART_TYPES, "goal_completed", LINKED),
        _VISITOR,
        "keyed_lateness_ms",
        own=("audience", "step"),
        reads=("session_id",),
    ),
    Kind(
        "carts",
        ("cart_purchased", "cart_abandoned", "cart_closed"),
        (*_SITE, "currency"),
        (*_CART_TYPES, LINKED),
        "case when visitor_id <> '' then coalesce(nullif(cart_id, ''), visitor_id) end",
        "keyed_lateness_ms",
    ),
    Kind(
        "tickets",
        (
            "ticket_started",
            "ticket_answered",
            "ticket_solved",
            "ticket_due",
            "ticket_breached",
            "ticket_waiting",
            "ticket_became_open",
            "ticket_became_closed",
        ),
        ("priority", "team", "channel", "agent"),
        ("ticket_opened", "ticket_replied", "ticket_resolved", "ticket_reopened"),
        "nullif(ticket_id, '')",
        "ticket_retention_ms",
        reads=("by",),
    ),
    Kind(
        "leads",
        (
            "lead_started",
            "lead_accepted",
            "lead_qualified",
            "lead_won",
            "lead_won_in_time",
            "lead_contacted",
        ),
        ("source", "campaign", "owner", "direction", "network", "device"),
        ("lead_created", "lead_status", "sales_contacted"),
        "nullif(lead_id, '')",
        "lead_retention_ms",
        reads=("status",),
    ),
    Kind(
        "emails",
        ("send_delivered", "send_opened", "send_clicked", "send_purchased"),
        ("campaign", "list", "form"),
        ("email_sent", "email_delivered", "email_opened", "email_clicked", "purchase"),
        _ANYBODY,
        "keyed_lateness_ms",
        reads=("recipient_id", "campaign"),
    ),
    Kind(
        "attribution",
        ("touch_made", "touch_converted", "purchase_attributed", "refund_attributed"),
        ("source", "medium", "campaign", "channel", "network", "ad", "placement"),
        ("page_view", "ad_click", *_CART_TYPES, "refund", "goal_completed"),
        "case when campaign <> '' or type in ('ad_click', 'purchase', 'refund')"
        " or coalesce(list_contains(getvariable('social_mediums'), medium), false)"
        " then nullif(visitor_id, '') end",
        "keyed_lateness_ms",
        own=("touch", "currency"),
        reads=("source", "medium", "campaign", "currency", "order_id"),
    ),
    Kind(
        "customers",
        ("customer_joined", "customer_spent", "customer_cohort_spent"),
        ("source", "segment", "region", "channel", "campaign", "country", "direction"),
        ("purchase", "refund"),
        "nullif(customer_id, '')",
        _NEVER_LATE,
        own=("currency",),
        reads=("event_id", "currency"),
    ),
    Kind(
        "memberships",
        ("subscriber_joined", "subscriber_left"),
        ("campaign", "list", "form"),
        ("subscribed", "unsubscribed"),
        "nullif(recipient_id, '') || chr(31) || coalesce(\"list\", '')",
        "reading_horizon_ms",
    ),
    Kind(
        "orders",
        ("order_placed",),
        (*_SOLD, "currency"),
        ("purchase",),
        "nullif(order_id, '')",
        "order_horizon_ms",
    ),
    Kind(
        "items",
        ("purchase_item", "purchase_cost"),
        ("channel", "region", "source", "campaign", "currency", "segment", "country", "device"),
        ("purchase",),
        "''",
        _NEVER_LATE,
        own=("product", "category", "quantity"),
        reads=("product", "category"),
    ),
    *(_reading(name, dimensions) for name, dimensions in _READINGS.items()),
)
KIND_BY_FACT: Final = {fact: kind for kind in KINDS for fact in kind.facts}
_LACKS: Final = {  # own fields of a kind that not all of its facts have
    "step": frozenset(name for name in KIND_BY_FACT if name.startswith("session_")),
    "currency": frozenset({"touch_made", "touch_converted", "customer_joined"}),
}


def fact_fields(fact: str) -> tuple[str, ...]:
    """Return the fields that a fact has, beside its time, duration and amount."""
    kind = KIND_BY_FACT[fact]
    own = (name for name in kind.own if fact not in _LACKS.get(name, ()))
    return (*kind.dimensions, *own)
