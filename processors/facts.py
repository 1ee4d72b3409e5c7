"""What the keyed processors conclude from events: facts, one struct a type.

A fact counts in the pane of its ``ts`` with its ``weight``: +1 when it is emitted, -1 when a late
event takes it back, with the very fields it was emitted with. Measures read facts as they read
published events, by type and field name.

=================  ==========================================================================
session_started    at the start of a session
session_converted  the same pane: the session holds the wanted action
session_closed     the same pane, once the session's gap has passed
session_bounced    the same pane, once closed: one page view and nothing wanted
session_engaged    the same pane: two pages, ten seconds or the wanted action
funnel_reached     the same pane: the session reached a ``step`` of the funnel, in their order
funnel_entered     the same, for each step that has a next one
funnel_passed      the same, where the session reached the next step too
session_ended      at the last event of a closed session, with its duration
cart_purchased     at the purchase
cart_abandoned     at the last activity + timeout, with what was in it
cart_closed        beside each of the two
ticket_started     at the ticket's first opening
ticket_answered    at the first reply by an agent, with the time it took
ticket_solved      at the resolution that holds, with the time it took
ticket_due         at the first reply by an agent, at the latest at the deadline for it
ticket_breached    at the deadline: the first reply came later, or is still owed
ticket_waiting     +1 each time that an unanswered ticket comes to an age class, -1 at leaving it
ticket_became_open    at the opening, and at each reopening of a closed ticket
ticket_became_closed  at each resolution of an open ticket
lead_started       at the lead's creation
lead_accepted      the same pane, as soon as the lead is; so are lead_qualified and lead_won
lead_won_in_time   the same pane, where it was won within the agreed time
lead_contacted     at the first contact by sales, with the time it took
send_delivered     at an e-mail's sending: it arrived
send_opened        the same pane: it was opened; so are send_clicked and send_purchased
touch_made         at a click on an advertisement or the start of a campaign's or social visit
touch_converted    at the first purchase that a touch led to
purchase_attributed   at a purchase, for each touch that it is owed to, with its share
refund_attributed     at a refund, for each touch that its purchase is owed to, with its share
customer_joined    at the first purchase ever of a customer
customer_cohort_spent  the same pane: what each purchase soon after it brought, less refunds
customer_spent     at each purchase and refund of a known customer
order_placed       at the order's first purchase
purchase_item      at a purchase, for each element of its items, with price * quantity
purchase_cost      the same, where the element says its unit_cost: unit_cost * quantity
=================  ==========================================================================

``balance_changed``, ``market_impressions_changed``, ``social_reach_changed``,
``keyword_rank_changed``, ``fx_rate_changed`` and ``target_changed`` fall at a reading, with what it
differs by from the reading before: summed up since the beginning they are the last reading.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from processors import names


class Fact(msgspec.Struct, gc=False):
    """What every fact carries: its event time (ms since 1970 UTC) and +1 or -1."""

    topic: ClassVar[str] = ""
    ts: int
    weight: int = 1


class SessionFact(Fact, gc=False):
    """Dimensions are those of the session's first event.

    ``audience`` is ``new`` where that is the visitor's first event ever, else ``returning``.
    """

    topic: ClassVar[str] = names.VISITOR
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    landing_page: str | None = None
    device: str | None = None
    country: str | None = None
    audience: str | None = None


class SessionStarted(SessionFact, tag="session_started", gc=False):
    """A visitor came."""


class SessionConverted(SessionFact, tag="session_converted", gc=False):
    """The session holds at least one purchase."""


class SessionClosed(SessionFact, tag="session_closed", gc=False):
    """The session's gap has passed."""


class SessionBounced(SessionFact, tag="session_bounced", gc=False):
    """A closed session of exactly one page view and no purchase."""


class SessionEngaged(SessionFact, tag="session_engaged", gc=False):
    """The session was more than a glance."""


class FunnelFact(SessionFact, gc=False):
    """A session at a ``step`` of the funnel: the event type that makes the step."""

    step: str | None = None


class FunnelReached(FunnelFact, tag="funnel_reached", gc=False):
    """The session reached the step, after all those before it."""


class FunnelEntered(FunnelFact, tag="funnel_entered", gc=False):
    """The session reached the step, and there is one more."""


class FunnelPassed(FunnelFact, tag="funnel_passed", gc=False):
    """The session reached the step and the next one."""


class SessionEnded(SessionFact, tag="session_ended", gc=False):
    """The last event of a closed session; ``duration_ms`` since the first."""

    duration_ms: int = 0


class CartFact(Fact, gc=False):
    """Dimensions are those of the event that opened the cart, or of a purchase without one.

    ``micro`` is the value (micro-units of ``currency``) that lay in the cart.
    """

    topic: ClassVar[str] = names.VISITOR
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    device: str | None = None
    country: str | None = None
    landing_page: str | None = None
    currency: str | None = None
    micro: int = 0


class CartPurchased(CartFact, tag="cart_purchased", gc=False):
    """A cart was bought."""


class CartAbandoned(CartFact, tag="cart_abandoned", gc=False):
    """A cart timed out."""


class CartClosed(CartFact, tag="cart_closed", gc=False):
    """A cart was bought or timed out."""


class TicketFact(Fact, gc=False):
    """Dimensions are those of the event the fact falls on, where absent the opening's."""

    topic: ClassVar[str] = names.SUPPORT
    priority: str | None = None
    team: str | None = None
    channel: str | None = None
    agent: str | None = None


class TicketStarted(TicketFact, tag="ticket_started", gc=False):
    """A customer asked for help."""


class TicketAnswered(TicketFact, tag="ticket_answered", gc=False):
    """An agent replied first; ``duration_ms`` since the opening."""

    duration_ms: int = 0


class TicketSolved(TicketFact, tag="ticket_solved", gc=False):
    """The last resolution holds; ``duration_ms`` since the opening."""

    duration_ms: int = 0


class TicketDue(TicketFact, tag="ticket_due", gc=False):
    """A first reply was owed. Dimensions are the opening's."""


class TicketBreached(TicketFact, tag="ticket_breached", gc=False):
    """A first reply was still owed at its deadline. Dimensions are the opening's."""


class TicketWaiting(TicketFact, tag="ticket_waiting", gc=False):
    """A ticket waits for its first answer since ``duration_ms``: +1 from then on, -1 after it.

    Dimensions are the opening's.
    """

    duration_ms: int = 0


class TicketBecameOpen(TicketFact, tag="ticket_became_open", gc=False):
    """One more ticket to work on. Dimensions are the opening's."""


class TicketBecameClosed(TicketFact, tag="ticket_became_closed", gc=False):
    """One ticket less to work on. Dimensions are the opening's."""


class LeadFact(Fact, gc=False):
    """Dimensions are the creation's."""

    topic: ClassVar[str] = names.LEADS
    source: str | None = None
    campaign: str | None = None
    owner: str | None = None
    direction: str | None = None
    network: str | None = None
    device: str | None = None


class LeadStarted(LeadFact, tag="lead_started", gc=False):
    """A lead was created."""


class LeadAccepted(LeadFact, tag="lead_accepted", gc=False):
    """Sales took the lead on."""


class LeadQualified(LeadFact, tag="lead_qualified", gc=False):
    """Sales found the lead worth working on."""


class LeadWon(LeadFact, tag="lead_won", gc=False):
    """The lead became a customer."""


class LeadWonInTime(LeadFact, tag="lead_won_in_time", gc=False):
    """The lead became a customer within the agreed time."""


class LeadContacted(LeadFact, tag="lead_contacted", gc=False):
    """Sales spoke to the lead first; dimensions are the contact's, where absent the creation's."""

    duration_ms: int = 0


class SendFact(Fact, gc=False):
    """Dimensions are the sending's."""

    topic: ClassVar[str] = names.VISITOR
    campaign: str | None = None
    list: str | None = None
    form: str | None = None


class SendDelivered(SendFact, tag="send_delivered", gc=False):
    """An e-mail arrived."""


class SendOpened(SendFact, tag="send_opened", gc=False):
    """An e-mail that arrived was opened."""


class SendClicked(SendFact, tag="send_clicked", gc=False):
    """A link in an e-mail that arrived was followed."""


class SendPurchased(SendFact, tag="send_purchased", gc=False):
    """The recipient of an e-mail that arrived bought something."""


class SubscriberFact(Fact, gc=False):
    """Dimensions are those of the event that changed the list."""

    topic: ClassVar[str] = names.VISITOR
    campaign: str | None = None
    list: str | None = None
    form: str | None = None


class SubscriberJoined(SubscriberFact, tag="subscriber_joined", gc=False):
    """A recipient came onto a list."""


class SubscriberLeft(SubscriberFact, tag="subscriber_left", gc=False):
    """A recipient went off a list, on which he may have been before anything was counted."""


class TouchFact(Fact, gc=False):
    """Dimensions are those of the touch's first event; ``touch`` is ``click`` or ``visit``."""

    topic: ClassVar[str] = names.VISITOR
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    channel: str | None = None
    network: str | None = None
    ad: str | None = None
    placement: str | None = None
    touch: str | None = None


class TouchMade(TouchFact, tag="touch_made", gc=False):
    """Somebody responded to a campaign or came from a social network."""


class TouchConverted(TouchFact, tag="touch_converted", gc=False):
    """A touch led to a purchase; counted once a touch."""


class PurchaseAttributed(TouchFact, tag="purchase_attributed", gc=False):
    """A purchase is owed to a touch; ``micro`` is its share, in micro-units of ``currency``."""

    currency: str | None = None
    micro: int = 0


class RefundAttributed(TouchFact, tag="refund_attributed", gc=False):
    """A refund is taken off a touch; ``micro`` is its share, in micro-units of ``currency``."""

    currency: str | None = None
    micro: int = 0


class CustomerFact(Fact, gc=False):
    """Dimensions are the purchase's; of what falls at the joining, those of the first purchase."""

    topic: ClassVar[str] = names.CUSTOMER
    source: str | None = None
    segment: str | None = None
    region: str | None = None
    channel: str | None = None
    campaign: str | None = None
    country: str | None = None
    direction: str | None = None


class CustomerJoined(CustomerFact, tag="customer_joined", gc=False):
    """Somebody bought for the first time."""


class CustomerSpent(CustomerFact, tag="customer_spent", gc=False):
    """A customer bought, or got money back: then ``micro`` is negative."""

    currency: str | None = None
    micro: int = 0


class CustomerCohortSpent(CustomerFact, tag="customer_cohort_spent", gc=False):
    """The same soon after joining, in the joining's pane."""

    currency: str | None = None
    micro: int = 0


class OrderPlaced(Fact, tag="order_placed", gc=False):
    """The first purchase of an order."""

    topic: ClassVar[str] = names.VISITOR
    channel: str | None = None
    category: str | None = None
    product: str | None = None
    region: str | None = None
    source: str | None = None
    campaign: str | None = None
    currency: str | None = None


class ItemFact(Fact, gc=False):
    """One element of a purchase's items; dimensions it does not name are the purchase's."""

    topic: ClassVar[str] = names.VISITOR
    channel: str | None = None
    category: str | None = None
    product: str | None = None
    region: str | None = None
    source: str | None = None
    campaign: str | None = None
    currency: str | None = None
    segment: str | None = None
    country: str | None = None
    device: str | None = None
    quantity: int = 1
    micro: int = 0


class PurchaseItem(ItemFact, tag="purchase_item", gc=False):
    """What was bought; ``micro`` is price * quantity."""


class PurchaseCost(ItemFact, tag="purchase_cost", gc=False):
    """What it cost to make or buy; ``micro`` is unit_cost * quantity."""


class ReadingFact(Fact, gc=False):
    """A reading differs by ``micro`` from the one before; ``known`` is 1 at the first of its kind.

    A kind is one combination of the dimensions: they identify what was read.
    """

    topic: ClassVar[str] = names.BUSINESS
    micro: int = 0
    known: int = 0


class _PlacedReading(ReadingFact, gc=False):
    source: str | None = None
    campaign: str | None = None
    channel: str | None = None
    network: str | None = None


class BalanceChanged(_PlacedReading, tag="balance_changed", gc=False):
    """An account was read."""

    account: str | None = None
    currency: str | None = None


class MarketImpressionsChanged(_PlacedReading, tag="market_impressions_changed", gc=False):
    """What the whole market showed was read."""


class SocialReachChanged(_PlacedReading, tag="social_reach_changed", gc=False):
    """How many people a network reaches was read."""


class KeywordRankChanged(_PlacedReading, tag="keyword_rank_changed", gc=False):
    """A position in search results was read."""

    keyword: str | None = None


class FxRateChanged(ReadingFact, tag="fx_rate_changed", gc=False):
    """An exchange rate was read."""

    currency: str | None = None


class TargetChanged(_PlacedReading, tag="target_changed", gc=False):
    """A target was set."""

    kpi: str | None = None
    list: str | None = None


FACT_STRUCTS: tuple[type[Fact], ...] = (
    SessionStarted, SessionConverted, SessionClosed, SessionBounced, SessionEnded, SessionEngaged,
    FunnelReached, FunnelEntered, FunnelPassed,
    CartPurchased, CartAbandoned, CartClosed,
    TicketStarted, TicketAnswered, TicketSolved, TicketDue, TicketBreached, TicketWaiting,
    TicketBecameOpen, TicketBecameClosed,
    LeadStarted, LeadAccepted, LeadQualified, LeadWon, LeadWonInTime, LeadContacted,
    SendDelivered, SendOpened, SendClicked, SendPurchased,
    TouchMade, TouchConverted, PurchaseAttributed, RefundAttributed,
    CustomerJoined, CustomerSpent, CustomerCohortSpent,
    OrderPlaced,
    PurchaseItem, PurchaseCost,
    SubscriberJoined, SubscriberLeft,
    BalanceChanged, MarketImpressionsChanged, SocialReachChanged, KeywordRankChanged,
    FxRateChanged, TargetChanged,
)  # fmt: skip
FACT_BY_TYPE: dict[str, type[Fact]] = {str(s.__struct_config__.tag): s for s in FACT_STRUCTS}
