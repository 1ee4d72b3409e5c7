"""What the keyed processors conclude from events: facts, one struct a type.

A fact counts in the pane of its ``ts`` with its ``weight``: +1 when it is emitted, -1 when a late
event takes it back, with the very fields it was emitted with. Measures read facts as they read
published events, by type and field name.

=================  ==========================================================================
session_started    at the start of a session
session_converted  the same pane: the session holds the wanted action
session_closed     the same pane, once the session's gap has passed
session_bounced    the same pane, once closed: one page view and nothing wanted
session_ended      at the last event of a closed session, with its duration
cart_purchased     at the purchase
cart_abandoned     at the last activity + timeout, with what was in it
cart_closed        beside each of the two
ticket_started     at the ticket's first opening
ticket_answered    at the first reply by an agent, with the time it took
ticket_solved      at the resolution that holds, with the time it took
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
    """Dimensions are those of the session's first event."""

    topic: ClassVar[str] = names.VISITOR
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    landing_page: str | None = None
    device: str | None = None
    country: str | None = None


class SessionStarted(SessionFact, tag="session_started", gc=False):
    """A visitor came."""


class SessionConverted(SessionFact, tag="session_converted", gc=False):
    """The session holds at least one purchase."""


class SessionClosed(SessionFact, tag="session_closed", gc=False):
    """The session's gap has passed."""


class SessionBounced(SessionFact, tag="session_bounced", gc=False):
    """A closed session of exactly one page view and no purchase."""


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


FACT_STRUCTS: tuple[type[Fact], ...] = (
    SessionStarted, SessionConverted, SessionClosed, SessionBounced, SessionEnded,
    CartPurchased, CartAbandoned, CartClosed,
    TicketStarted, TicketAnswered, TicketSolved,
    OrderPlaced,
    PurchaseItem, PurchaseCost,
    BalanceChanged, MarketImpressionsChanged, SocialReachChanged, KeywordRankChanged,
    FxRateChanged, TargetChanged,
)  # fmt: skip
FACT_BY_TYPE: dict[str, type[Fact]] = {str(s.__struct_config__.tag): s for s in FACT_STRUCTS}
