"""Which keyed processors exist, and how the catalogue's defaults configure them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from processors.catalog.model import Defaults
from processors.histogram import WAIT_BOUNDS_MS
from processors.keyed.attribution import AttributionProcessor
from processors.keyed.base import Processor
from processors.keyed.cart import CartProcessor
from processors.keyed.customer import CustomerProcessor
from processors.keyed.email import EmailProcessor
from processors.keyed.identity import IdentityProcessor
from processors.keyed.lead import LeadProcessor
from processors.keyed.membership import MembershipProcessor
from processors.keyed.order import OrderProcessor
from processors.keyed.reading import ReadingProcessor
from processors.keyed.session import SessionProcessor
from processors.keyed.ticket import TicketProcessor

Reads = Mapping[str, frozenset[str]]
"""Of each fact that any measure reads: the fields read."""

_FUNNEL = frozenset({"funnel_reached", "funnel_entered", "funnel_passed"})
_SESSION = _FUNNEL | {
    "session_started",
    "session_converted",
    "session_closed",
    "session_bounced",
    "session_ended",
    "session_engaged",
}
_OPENNESS = frozenset({"ticket_became_open", "ticket_became_closed"})


_CART = frozenset({"cart_purchased", "cart_abandoned", "cart_closed"})


def _sessions(d: Defaults, reads: Reads) -> Processor:
    """Build the session processor; what nobody reads it does not work out."""
    asks_audience = any("audience" in reads[fact] for fact in reads.keys() & _SESSION)
    return SessionProcessor(
        gap_ms=d.session_gap_ms,
        lateness_ms=d.keyed_lateness_ms,
        engaged_ms=d.engaged_ms,
        engaged_pages=d.engaged_pages,
        horizon_ms=d.visitor_horizon_ms if asks_audience else 0,
        steps=d.funnel_steps if reads.keys() & _FUNNEL else (),
    )


PROCESSORS: tuple[tuple[Callable[[Defaults, Reads], Processor], frozenset[str]], ...] = (
    (_sessions, _SESSION),
    (
        lambda d, _: CartProcessor(timeout_ms=d.cart_timeout_ms, lateness_ms=d.keyed_lateness_ms),
        _CART,
    ),
    (
        lambda d, reads: TicketProcessor(
            retention_ms=d.ticket_retention_ms,
            sla_ms=d.first_response_sla_ms,
            ages_ms=WAIT_BOUNDS_MS if "ticket_waiting" in reads else (),
            counts_open=not _OPENNESS.isdisjoint(reads),
        ),
        frozenset(
            {
                "ticket_started",
                "ticket_answered",
                "ticket_solved",
                "ticket_due",
                "ticket_breached",
                "ticket_waiting",
                "ticket_became_open",
                "ticket_became_closed",
            }
        ),
    ),
    (
        lambda d, _: LeadProcessor(retention_ms=d.lead_retention_ms, agreed_ms=d.lead_agreed_ms),
        frozenset(
            {
                "lead_started",
                "lead_accepted",
                "lead_qualified",
                "lead_won",
                "lead_won_in_time",
                "lead_contacted",
            }
        ),
    ),
    (
        lambda d, _: EmailProcessor(window_ms=d.email_window_ms, lateness_ms=d.keyed_lateness_ms),
        frozenset({"send_delivered", "send_opened", "send_clicked", "send_purchased"}),
    ),
    (
        lambda d, _: AttributionProcessor(
            lookback_ms=d.attribution_lookback_ms,
            model=d.attribution_model,
            gap_ms=d.session_gap_ms,
            social_mediums=d.social_mediums,
            lateness_ms=d.keyed_lateness_ms,
            refund_horizon_ms=d.refund_horizon_ms,
        ),
        frozenset({"touch_made", "touch_converted", "purchase_attributed", "refund_attributed"}),
    ),
    (
        lambda d, _: CustomerProcessor(
            horizon_ms=d.customer_horizon_ms, cohort_ms=d.customer_cohort_ms
        ),
        frozenset({"customer_joined", "customer_spent", "customer_cohort_spent"}),
    ),
    (
        lambda d, _: MembershipProcessor(lateness_ms=d.reading_horizon_ms),
        frozenset({"subscriber_joined", "subscriber_left"}),
    ),
    (
        lambda d, _: OrderProcessor(horizon_ms=d.order_horizon_ms),
        frozenset({"order_placed"}),
    ),
    (
        lambda d, _: ReadingProcessor(horizon_ms=d.reading_horizon_ms),
        frozenset(
            {
                "balance_changed",
                "market_impressions_changed",
                "social_reach_changed",
                "keyword_rank_changed",
                "fx_rate_changed",
                "target_changed",
            }
        ),
    ),
    # Concludes nothing by itself: it hands purchases over to those that conclude these.
    (
        lambda d, _: IdentityProcessor(
            gap_ms=d.session_gap_ms,
            lateness_ms=d.keyed_lateness_ms,
            horizon_ms=d.visitor_horizon_ms,
        ),
        _SESSION | _CART,
    ),
)
"""(factory, the facts it concludes): a processor runs where some measure reads one of its facts."""


def needed_processors(defaults: Defaults, reads: Reads) -> list[Processor]:
    """Build the processors that conclude any of the facts read."""
    return [make(defaults, reads) for make, concluded in PROCESSORS if concluded & reads.keys()]


def unneeded_processors(defaults: Defaults, reads: Reads) -> list[Processor]:
    """Build the others, of which a catalogue with other KPIs may have left states."""
    return [make(defaults, {}) for make, concluded in PROCESSORS if not concluded & reads.keys()]
