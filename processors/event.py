"""The published events, one struct a type, and the topic each belongs to (contract.md).

Fields that nobody reads here are skipped by the decoder and stay in the log. ``micro`` and the
integer form of ``ts`` are filled in by :mod:`processors.decode`, never by a producer. An amount is
kept as its JSON (processors/amounts.py): ``null`` where there is none.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Union

import msgspec

from processors import names
from processors.bundles import Sold

TICK_TYPE = "_tick"  # reserved: progress of an idle partition, written by its owner
_MICRO = msgspec.field(
    default=0, name="(micro)"
)  # overwritten from value by decode, whatever a producer sent
NO_AMOUNT: Final = msgspec.Raw(b"null")
BEFORE_ANY_MS: Final = -(1 << 62)  # the time of a partition that has seen no event
Text = Annotated[str, msgspec.Meta(min_length=1)]
"""A text that must be there: an empty one says as little as none."""


class Event(msgspec.Struct, tag_field="type", kw_only=True, gc=False):
    """What every event carries; ``ts`` is ms since 1970 UTC once decoded."""

    topic: ClassVar[str] = ""
    event_id: Text
    ts: int | str
    traffic: str | None = None  # who caused it, where that is no customer: bot, test


class _VisitorEvent(Event, kw_only=True):
    topic: ClassVar[str] = names.VISITOR
    visitor_id: str | None = None
    customer_id: str | None = None
    recipient_id: str | None = None
    session_id: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    device: str | None = None
    country: str | None = None
    region: str | None = None
    channel: str | None = None
    group: str | None = None  # of an experiment: treatment, holdout

    @property
    def key(self) -> str | None:
        """The identity by which the topic is keyed."""
        return self.visitor_id or self.customer_id or self.recipient_id

    @property
    def visitor(self) -> str | None:
        """Who acts, as far as it is known: what distinct visitors are counted by."""
        return self.key


class PageView(_VisitorEvent, tag="page_view", kw_only=True):
    """A page was shown."""

    landing_page: str | None = None
    referrer: str | None = None


class AdClick(_VisitorEvent, tag="ad_click", kw_only=True):
    """An advertisement was clicked."""

    click_id: str | None = None
    ad: str | None = None
    placement: str | None = None
    network: str | None = None


class _CartEvent(_VisitorEvent, kw_only=True):
    cart_id: str | None = None
    product: str | None = None
    category: str | None = None
    value: msgspec.Raw = NO_AMOUNT
    currency: str | None = None
    quantity: int | None = None
    micro: int = _MICRO


class AddToCart(_CartEvent, tag="add_to_cart", kw_only=True):
    """Something was put into a cart."""


class RemoveFromCart(_CartEvent, tag="remove_from_cart", kw_only=True):
    """Something was taken out of a cart."""


class CheckoutStarted(_CartEvent, tag="checkout_started", kw_only=True):
    """A checkout began."""


class Item(msgspec.Struct, kw_only=True, gc=False):
    """One element of a purchase's ``items``; decode fills the micro-units in."""

    product: str | None = None
    category: str | None = None
    quantity: int = 1
    price: msgspec.Raw = NO_AMOUNT
    unit_cost: msgspec.Raw = NO_AMOUNT
    price_micro: int = msgspec.field(default=0, name="(price_micro)")
    cost_micro: int = msgspec.field(default=0, name="(cost_micro)")


class Purchase(_VisitorEvent, tag="purchase", kw_only=True):
    """An order, or one part of it; ``order_id`` tells which."""

    order_id: Text
    value: msgspec.Raw
    currency: Text
    cart_id: str | None = None
    product: str | None = None
    category: str | None = None
    segment: str | None = None
    direction: str | None = None
    quantity: int | None = None
    items: list[Item] | None = None
    micro: int = _MICRO


class Refund(_VisitorEvent, tag="refund", kw_only=True):
    """Money given back."""

    order_id: Text
    value: msgspec.Raw
    currency: Text
    product: str | None = None
    category: str | None = None
    quantity: int | None = None
    micro: int = _MICRO


class GoalCompleted(_VisitorEvent, tag="goal_completed", kw_only=True):
    """A goal other than a purchase was reached."""

    goal: str | None = None


class SocialInteraction(_VisitorEvent, tag="social_interaction", kw_only=True):
    """A like, comment, share, ..."""

    interaction: str | None = None
    network: str | None = None


class Identify(_VisitorEvent, tag="identify", kw_only=True):
    """Links identities of one person."""


class _EmailEvent(_VisitorEvent, kw_only=True):
    list: str | None = None
    form: str | None = None


class EmailSent(_EmailEvent, tag="email_sent", kw_only=True):
    """A message left."""

    recipient_id: Text


class EmailDelivered(_EmailEvent, tag="email_delivered", kw_only=True):
    """A message arrived."""

    recipient_id: Text


class EmailBounced(_EmailEvent, tag="email_bounced", kw_only=True):
    """A message came back."""

    recipient_id: Text


class EmailOpened(_EmailEvent, tag="email_opened", kw_only=True):
    """A message was opened."""

    recipient_id: Text


class EmailClicked(_EmailEvent, tag="email_clicked", kw_only=True):
    """A link in a message was followed."""

    recipient_id: Text


class Subscribed(_EmailEvent, tag="subscribed", kw_only=True):
    """A recipient joined a list."""

    recipient_id: Text


class Unsubscribed(_EmailEvent, tag="unsubscribed", kw_only=True):
    """A recipient left a list."""

    recipient_id: Text


class AdImpression(Event, tag="ad_impression", kw_only=True):
    """An advertisement was shown."""

    topic: ClassVar[str] = names.ADS
    campaign: Text
    ad: str | None = None
    placement: str | None = None
    network: str | None = None
    channel: str | None = None


class _TicketEvent(Event, kw_only=True):
    topic: ClassVar[str] = names.SUPPORT
    ticket_id: Text
    priority: str | None = None
    team: str | None = None
    channel: str | None = None
    agent: str | None = None


class TicketOpened(_TicketEvent, tag="ticket_opened", kw_only=True):
    """A customer asked for help."""


class TicketReplied(_TicketEvent, tag="ticket_replied", kw_only=True):
    """Somebody answered: ``by`` is agent or customer."""

    by: Text


class TicketResolved(_TicketEvent, tag="ticket_resolved", kw_only=True):
    """The ticket was solved."""


class TicketReopened(_TicketEvent, tag="ticket_reopened", kw_only=True):
    """The solution did not hold."""


class _LeadEvent(Event, kw_only=True):
    topic: ClassVar[str] = names.LEADS
    lead_id: Text
    source: str | None = None
    campaign: str | None = None
    owner: str | None = None
    direction: str | None = None
    network: str | None = None
    device: str | None = None


class LeadCreated(_LeadEvent, tag="lead_created", kw_only=True):
    """Somebody showed interest."""


class LeadStatus(_LeadEvent, tag="lead_status", kw_only=True):
    """A lead moved on: ``status`` is accepted, qualified, won or lost."""

    status: Text


class SalesContacted(_LeadEvent, tag="sales_contacted", kw_only=True):
    """Sales spoke to the lead."""


class DemoScheduled(_LeadEvent, tag="demo_scheduled", kw_only=True):
    """A demonstration was agreed."""


class _Business(Event, kw_only=True):
    topic: ClassVar[str] = names.BUSINESS
    value: msgspec.Raw
    currency: str | None = None
    source: str | None = None
    campaign: str | None = None
    channel: str | None = None
    network: str | None = None
    micro: int = _MICRO


class AdCost(_Business, tag="ad_cost", kw_only=True):
    """Money spent on advertisements."""

    currency: Text
    direction: str | None = None


class MarketingCost(_Business, tag="marketing_cost", kw_only=True):
    """Money spent on sales and marketing."""

    currency: Text
    direction: str | None = None


class Expense(_Business, tag="expense", kw_only=True):
    """Money spent on running the business."""

    currency: Text
    category: str | None = None
    direction: str | None = None


class Balance(_Business, tag="balance", kw_only=True):
    """The last reading of an account."""

    currency: Text
    account: Text


class TargetSet(_Business, tag="target_set", kw_only=True):
    """A target for a KPI."""

    kpi: Text
    list: str | None = None


class MarketImpressions(_Business, tag="market_impressions", kw_only=True):
    """What the whole market showed."""


class SocialReach(_Business, tag="social_reach", kw_only=True):
    """People reached by a network."""


class KeywordRank(_Business, tag="keyword_rank", kw_only=True):
    """A position in search results."""

    keyword: Text


class NpsResponse(_Business, tag="nps_response", kw_only=True):
    """An answer, 0 to 10, to how likely a recommendation is."""

    customer_id: str | None = None
    segment: str | None = None
    region: str | None = None


class FxRate(_Business, tag="fx_rate", kw_only=True):
    """What one unit of ``currency`` is worth in the reporting currency."""

    currency: Text


class Tick(Event, tag=TICK_TYPE, kw_only=True):
    """Progress of an idle partition."""


class CustomerBought(Event, tag="_customer_bought", kw_only=True):
    """A purchase or refund as passed on to its customer (processors/passing.py); never published.

    ``micro`` is negative for a refund. Of a backend's purchase it says what was ``sold``, and the
    receiver fills in its watermark before it.
    """

    topic: ClassVar[str] = names.CUSTOMER
    customer_id: str
    refund: bool = False
    micro: int = 0
    currency: str = ""
    source: str | None = None
    segment: str | None = None
    region: str | None = None
    channel: str | None = None
    campaign: str | None = None
    country: str | None = None
    direction: str | None = None
    sold: Sold | None = None
    watermark_ms: int = BEFORE_ANY_MS
    origin: str = ""
    origin_id: str = ""
    place: tuple[int, int] = (0, 0)


class CustomerLinked(Event, tag="_customer_linked", kw_only=True):
    """An ``identify`` that names a customer and a visitor, as passed on to the customer."""

    topic: ClassVar[str] = names.CUSTOMER
    customer_id: str
    visitor_id: str = ""
    watermark_ms: int = BEFORE_ANY_MS
    origin: str = ""
    origin_id: str = ""
    place: tuple[int, int] = (0, 0)


class PurchaseLinked(Event, tag="_purchase_linked", kw_only=True):
    """A backend's purchase as handed over to its visitor: what sessions and carts take as one."""

    topic: ClassVar[str] = names.VISITOR
    purchase: Purchase
    origin: str = ""
    origin_id: str = ""
    place: tuple[int, int] = (0, 0)


class CustomerForgotten(Event, tag="_customer_forgotten", kw_only=True):
    """A customer to be forgotten, as passed on; ``event_id`` is the request's.

    It is so once each of so many ``sources`` has passed it on, and all before it. A visitor may be
    named beside the customer, or alone: then every partition is told.
    """

    topic: ClassVar[str] = names.CUSTOMER
    customer_id: str
    visitor_id: str = ""
    sources: int = 1
    origin: str = ""
    origin_id: str = ""
    place: tuple[int, int] = (0, 0)


EVENT_STRUCTS: tuple[type[Event], ...] = (
    PageView, AdClick, AddToCart, RemoveFromCart, CheckoutStarted, Purchase, Refund, GoalCompleted,
    SocialInteraction, Identify, EmailSent, EmailDelivered, EmailBounced, EmailOpened,
    EmailClicked, Subscribed, Unsubscribed, AdImpression, TicketOpened, TicketReplied,
    TicketResolved, TicketReopened, LeadCreated, LeadStatus, SalesContacted, DemoScheduled,
    AdCost, MarketingCost, Expense, Balance, TargetSet, MarketImpressions, SocialReach,
    KeywordRank, NpsResponse, FxRate,
)  # fmt: skip
STRUCT_BY_TYPE: dict[str, type[Event]] = {str(s.__struct_config__.tag): s for s in EVENT_STRUCTS}
TOPIC_BY_TYPE: dict[str, str] = {tag: struct.topic for tag, struct in STRUCT_BY_TYPE.items()}

PROCESSED_BY_TYPE: dict[str, type[Event]] = {
    **STRUCT_BY_TYPE,
    "_customer_bought": CustomerBought,
    "_customer_linked": CustomerLinked,
}
"""What keyed processors may take: published events, and what is passed on."""

READINGS: Final = frozenset(
    {"balance", "market_impressions", "social_reach", "keyword_rank", "fx_rate", "target_set"}
)


def record_key(event: dict[str, Any]) -> str | None:
    """Return the record key that an event (as a JSON object) must be published under.

    The key column of contract.md. None where the identity is missing: the event is invalid.
    """
    topic = TOPIC_BY_TYPE.get(str(event.get("type")))
    candidates: tuple[str, ...]
    match topic:
        case names.VISITOR:
            candidates = ("visitor_id", "customer_id", "recipient_id")
        case names.ADS:
            candidates = ("event_id",)
        case names.SUPPORT:
            candidates = ("ticket_id",)
        case names.LEADS:
            candidates = ("lead_id",)
        case _:
            return _business_key(event)
    return next((str(event[name]) for name in candidates if event.get(name)), None)


def _business_key(event: dict[str, Any]) -> str | None:
    """Return a business event's key: what is read again must meet the readings before it."""
    candidates: tuple[str, ...] = ("account", "source", "campaign", "event_id")
    kind = str(event.get("type"))
    if kind == "fx_rate":
        candidates = ("currency",)  # one rate a currency, whoever reports it
    elif kind in READINGS:
        candidates = ("account", "source", "campaign", "kpi", "keyword", "network", "channel")
    found = next((str(event[name]) for name in candidates if event.get(name)), None)
    return kind if found is None and kind in READINGS else found


def tick_record(ts_ms: int, partition: int) -> bytes:
    """Encode the tick that carries ``ts_ms`` into a partition."""
    return msgspec.json.encode(
        {"event_id": f"tick-{partition}-{ts_ms}", "type": TICK_TYPE, "ts": ts_ms}
    )


AnyEvent = Union[*EVENT_STRUCTS, Tick]  # type: ignore[valid-type]
