"""Segment's event names and ours: the one table.

Names of the e-commerce (v2, and v1's spellings), promotion, e-mail, mobile and video specs.
Compared without case, ``_`` and ``-`` being blanks. Not in the table: a name that is one of our
types (``ticket_opened``) is that type with the properties as its fields; any other is a goal that
was reached, ``goal_completed`` with the name as ``goal``.
"""

from __future__ import annotations

from typing import Final

IGNORED: Final = ""
"""Understood, and of no meaning for any KPI: page and screen calls carry the browsing."""

TYPES: Final = {
    # cart and order
    "product added": "add_to_cart",
    "added product": "add_to_cart",
    "wishlist product added to cart": "add_to_cart",
    "product removed": "remove_from_cart",
    "removed product": "remove_from_cart",
    "checkout started": "checkout_started",
    "order completed": "purchase",
    "completed order": "purchase",
    "order refunded": "refund",
    "order cancelled": "refund",
    # advertising and sharing
    "promotion viewed": "ad_impression",
    "viewed promotion": "ad_impression",
    "promotion clicked": "ad_click",
    "clicked promotion": "ad_click",
    "product shared": "social_interaction",
    "cart shared": "social_interaction",
    # e-mail
    "email sent": "email_sent",
    "email delivered": "email_delivered",
    "email bounced": "email_bounced",
    "email opened": "email_opened",
    "email link clicked": "email_clicked",
    "subscribed": "subscribed",
    "unsubscribed": "unsubscribed",
    # browsing
    "products searched": IGNORED,
    "product list viewed": IGNORED,
    "viewed product category": IGNORED,
    "product list filtered": IGNORED,
    "product clicked": IGNORED,
    "product viewed": IGNORED,
    "viewed product": IGNORED,
    "cart viewed": IGNORED,
    "checkout step viewed": IGNORED,
    "viewed checkout step": IGNORED,
    "checkout step completed": IGNORED,
    "completed checkout step": IGNORED,
    "payment info entered": IGNORED,
    "order updated": IGNORED,
    "coupon entered": IGNORED,
    "coupon applied": IGNORED,
    "coupon denied": IGNORED,
    "coupon removed": IGNORED,
    "product added to wishlist": IGNORED,
    "product removed from wishlist": IGNORED,
    "product reviewed": IGNORED,
    "email marked as spam": IGNORED,
    # applications
    "application installed": IGNORED,
    "application opened": IGNORED,
    "application updated": IGNORED,
    "application backgrounded": IGNORED,
    "application foregrounded": IGNORED,
    "application crashed": IGNORED,
    "application uninstalled": IGNORED,
    "push notification received": IGNORED,
    "push notification tapped": IGNORED,
    "push notification bounced": IGNORED,
    "install attributed": IGNORED,
    "deep link opened": IGNORED,
    "deep link clicked": IGNORED,
    "video playback started": IGNORED,
    "video playback paused": IGNORED,
    "video playback interrupted": IGNORED,
    "video playback buffer started": IGNORED,
    "video playback buffer completed": IGNORED,
    "video playback seek started": IGNORED,
    "video playback seek completed": IGNORED,
    "video playback resumed": IGNORED,
    "video playback completed": IGNORED,
    "video content started": IGNORED,
    "video content playing": IGNORED,
    "video content completed": IGNORED,
    "video ad started": IGNORED,
    "video ad playing": IGNORED,
    "video ad completed": IGNORED,
}


def normal(name: str) -> str:
    """Return a name as the table spells it."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
