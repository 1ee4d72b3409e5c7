"""Which of the catalogue's defaults shape what a fact says."""

from __future__ import annotations

from typing import Final

_SESSION: Final = ("session_gap_ms",)
_FUNNEL: Final = (*_SESSION, "funnel_steps")
_ATTRIBUTION: Final = (
    "attribution_lookback_ms",
    "attribution_model",
    "social_mediums",
    "session_gap_ms",
)
_EMAIL: Final = ("email_window_ms",)
_CART: Final = ("cart_timeout_ms",)
_SLA: Final = ("first_response_sla_ms",)

_SHAPED_BY: Final = {
    "session_started": _SESSION,
    "session_converted": _SESSION,
    "session_closed": _SESSION,
    "session_bounced": _SESSION,
    "session_ended": _SESSION,
    "session_engaged": (*_SESSION, "engaged_ms", "engaged_pages"),
    "funnel_reached": _FUNNEL,
    "funnel_entered": _FUNNEL,
    "funnel_passed": _FUNNEL,
    "cart_purchased": _CART,
    "cart_abandoned": _CART,
    "cart_closed": _CART,
    "ticket_due": _SLA,
    "ticket_breached": _SLA,
    "ticket_waiting": ("ticket_retention_ms",),
    "lead_won_in_time": ("lead_agreed_ms",),
    "send_opened": _EMAIL,
    "send_clicked": _EMAIL,
    "send_purchased": _EMAIL,
    "touch_made": _ATTRIBUTION,
    "touch_converted": _ATTRIBUTION,
    "purchase_attributed": _ATTRIBUTION,
    "refund_attributed": (*_ATTRIBUTION, "refund_horizon_ms"),
    "customer_cohort_spent": ("customer_cohort_ms",),
}


def shaped_by(event_type: str) -> tuple[str, ...]:
    """Return the names of the defaults behind an event type: of published events there are none."""
    return _SHAPED_BY.get(event_type, ())
