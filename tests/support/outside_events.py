"""What a company reports of two hours beside its shop's traffic, so that every KPI has figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE_MS = 60_000


def outside_events(start_ms: int, minutes: int) -> Iterator[dict[str, Any]]:
    """Yield leads, e-mails, costs, readings and answers, in order of time."""
    number = 0
    for minute in range(minutes):
        for event in (*_once(minute), *_every_minute(minute)):
            number += 1
            ts = start_ms + minute * MINUTE_MS + number % 50 * 1_000
            yield {"event_id": f"outside-{start_ms}-{number}", "ts": ts, **event}


def _once(minute: int) -> list[dict[str, Any]]:
    """Return what is reported first of all: targets and rates."""
    if minute:
        return []
    return [
        {"type": "target_set", "kpi": kpi, "value": value}
        for kpi, value in (("opening_list_size", 500), ("annual_visitors", 3_650_000))
    ] + [
        {"type": "target_set", "kpi": "planned_conversions", "value": 40, "campaign": "brand"},
        {"type": "fx_rate", "currency": "GBP", "value": "1.17"},
    ]


def _every_minute(minute: int) -> list[dict[str, Any]]:
    who = {"customer_id": f"c{minute % 7}", "visitor_id": f"v{minute % 7}"}
    origin = {"source": "google", "medium": "cpc", "campaign": "brand", "channel": "search"}
    social = {"source": "instagram", "medium": "social", "campaign": "brand", "channel": "social"}
    email = {"recipient_id": f"r{minute}", "list": "letter", "campaign": "autumn-letter"}
    mail_id = {"message_id": f"m{minute}"}
    lead = {"lead_id": f"l{minute // 4}", "owner": "ann", "direction": "inbound", **origin}
    euro = {"currency": "EUR", "value": f"{100 + minute}.50"}
    item = {"product": "day-pack", "category": "bags", "quantity": 1, "price": "80"}
    sale = {"region": "dach", "segment": "new", "category": "bags", "product": "day-pack"}
    lead_types: list[dict[str, Any]] = [
        {"type": "lead_created", "device": "mobile"},
        {"type": "sales_contacted"},
        {"type": "lead_status", "status": ("qualified", "accepted")[minute // 4 % 2]},
        {"type": "lead_status", "status": "won"},
    ]
    return [
        lead | lead_types[minute % 4],
        {"type": "demo_scheduled", **lead},
        {"type": "page_view", "landing_page": "/", "device": "mobile", **who, **social},
        {"type": "goal_completed", "goal": "register", **who, **origin},
        {"type": "social_interaction", "interaction": "share", "network": "x", **who},
        {
            "type": "purchase",
            "order_id": f"o{minute}",
            **euro,
            **who,
            **sale,
            **social,
            "channel": "web",
            "items": [{**item, "unit_cost": "31.5"}],
        },
        {"type": "subscribed", "form": "footer", **email},
        {"type": "email_sent", **email, **mail_id},
        {"type": ("email_delivered", "email_bounced")[minute % 5 == 0], **email, **mail_id},
        {"type": "email_opened", **email, **mail_id},
        {"type": "email_clicked", **email, **mail_id},
        {"type": "unsubscribed" if minute % 9 == 8 else "page_view", **email},
        {"type": "ad_cost", "network": "google", **origin, **euro},
        {"type": "marketing_cost", **origin, **euro},
        {"type": "expense", "category": "rent", "channel": "web", **euro},
        {"type": "balance", "account": "cash", "currency": "EUR", "value": 1_000 + minute},
        {"type": "nps_response", "value": 6 + minute % 5, "source": "mail", "region": "dach"},
        {"type": "market_impressions", "value": 90_000 + minute, "campaign": "brand"},
        {"type": "social_reach", "network": "x", "value": 5_000 + minute},
        {"type": "keyword_rank", "keyword": "day pack", "value": 9 - minute % 4},
    ]
