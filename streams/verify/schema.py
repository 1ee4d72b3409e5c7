"""Fields of the published events, as the contract lists them, for the recomputation.

Written apart from the live decoder's structs on purpose; a test holds the two together.
A field's kind is ``text``, ``int``, ``amount`` or ``items``; ``!`` marks what an event must carry.
"""

from __future__ import annotations

from typing import Final, NamedTuple

TICK: Final = "_tick"
VISITOR: Final = "tracking.visitor"


class EventType(NamedTuple):
    """A published type: its topic (empty: any) and its fields with their kinds."""

    topic: str
    fields: dict[str, str]

    @property
    def identity(self) -> bool:
        """Whether one of the three identities is needed."""
        return self.topic == VISITOR


IDENTITIES: Final = ("visitor_id", "customer_id", "recipient_id")
_BASE = "event_id! ts traffic"
_VISITOR = (
    f"{_BASE} visitor_id customer_id recipient_id session_id"
    " source medium campaign device country region channel group"
)
_CART = f"{_VISITOR} cart_id product category value:amount currency quantity:int"
_EMAIL = f"{_VISITOR} recipient_id! list form"
_TICKET = f"{_BASE} ticket_id! priority team channel agent"
_LEAD = f"{_BASE} lead_id! source campaign owner direction network device"
_BUSINESS = f"{_BASE} value:amount! currency source campaign channel network"

_TABLE: Final = {
    VISITOR: {
        "page_view": f"{_VISITOR} landing_page referrer",
        "ad_click": f"{_VISITOR} click_id ad placement network",
        "add_to_cart": _CART,
        "remove_from_cart": _CART,
        "checkout_started": _CART,
        "purchase": f"{_CART} order_id! value:amount! currency! segment direction items:items",
        "refund": f"{_VISITOR} order_id! value:amount! currency! product category quantity:int",
        "goal_completed": f"{_VISITOR} goal",
        "social_interaction": f"{_VISITOR} interaction network",
        "identify": _VISITOR,
        "email_sent": _EMAIL,
        "email_delivered": _EMAIL,
        "email_bounced": _EMAIL,
        "email_opened": _EMAIL,
        "email_clicked": _EMAIL,
        "subscribed": _EMAIL,
        "unsubscribed": _EMAIL,
    },
    "tracking.ads": {
        "ad_impression": f"{_BASE} campaign! ad placement network channel",
    },
    "tracking.support": {
        "ticket_opened": _TICKET,
        "ticket_replied": f"{_TICKET} by!",
        "ticket_resolved": _TICKET,
        "ticket_reopened": _TICKET,
    },
    "tracking.leads": {
        "lead_created": _LEAD,
        "lead_status": f"{_LEAD} status!",
        "sales_contacted": _LEAD,
        "demo_scheduled": _LEAD,
    },
    "tracking.business": {
        "ad_cost": f"{_BUSINESS} currency! direction",
        "marketing_cost": f"{_BUSINESS} currency! direction",
        "expense": f"{_BUSINESS} currency! category direction",
        "balance": f"{_BUSINESS} currency! account!",
        "target_set": f"{_BUSINESS} kpi! list",
        "market_impressions": _BUSINESS,
        "social_reach": _BUSINESS,
        "keyword_rank": f"{_BUSINESS} keyword!",
        "nps_response": f"{_BUSINESS} customer_id segment region",
        "fx_rate": f"{_BUSINESS} currency!",
    },
    "": {
        TICK: _BASE,
    },
}


def _parse(line: str) -> dict[str, str]:
    """Parse one line of the table; a later mention of a field is the stricter one."""
    fields: dict[str, str] = {}
    for word in line.split():
        name, _, kind = word.removesuffix("!").partition(":")
        fields[name] = (kind or "text") + ("!" if word.endswith("!") else "")
    fields["ts"] = "ts!"
    return fields


EVENT_TYPES: Final[dict[str, EventType]] = {
    name: EventType(topic, _parse(line))
    for topic, types in _TABLE.items()
    for name, line in types.items()
}


def fields_of(types: set[str]) -> list[str]:
    """Return every field that some of these types carry, in a fixed order."""
    return sorted({field for name in types for field in EVENT_TYPES[name].fields})


def types_with(field: str, *kinds: str) -> list[str]:
    """Return the types that carry a field as one of these kinds (any kind if none is named)."""
    return sorted(
        name
        for name, event in EVENT_TYPES.items()
        if field in event.fields and (not kinds or event.fields[field] in kinds)
    )
