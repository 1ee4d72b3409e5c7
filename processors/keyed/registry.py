"""Which keyed processors exist, and how the catalogue's defaults configure them."""

from __future__ import annotations

from collections.abc import Callable

from processors.catalog.model import Defaults
from processors.keyed.base import Processor
from processors.keyed.cart import CartProcessor
from processors.keyed.order import OrderProcessor
from processors.keyed.reading import ReadingProcessor
from processors.keyed.session import SessionProcessor
from processors.keyed.ticket import TicketProcessor

PROCESSORS: tuple[tuple[Callable[[Defaults], Processor], frozenset[str]], ...] = (
    (
        lambda d: SessionProcessor(gap_ms=d.session_gap_ms, lateness_ms=d.keyed_lateness_ms),
        frozenset(
            {
                "session_started",
                "session_converted",
                "session_closed",
                "session_bounced",
                "session_ended",
            }
        ),
    ),
    (
        lambda d: CartProcessor(timeout_ms=d.cart_timeout_ms, lateness_ms=d.keyed_lateness_ms),
        frozenset({"cart_purchased", "cart_abandoned", "cart_closed"}),
    ),
    (
        lambda d: TicketProcessor(retention_ms=d.ticket_retention_ms),
        frozenset({"ticket_started", "ticket_answered", "ticket_solved"}),
    ),
    (
        lambda d: OrderProcessor(horizon_ms=d.order_horizon_ms),
        frozenset({"order_placed"}),
    ),
    (
        lambda d: ReadingProcessor(horizon_ms=d.reading_horizon_ms),
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
)
"""(factory, the facts it concludes): a processor runs where some measure reads one of its facts."""


def needed_processors(defaults: Defaults, fact_types: frozenset[str]) -> list[Processor]:
    """Build the processors that conclude any of the wanted facts."""
    return [make(defaults) for make, concluded in PROCESSORS if concluded & fact_types]
