"""Seeded logs that collide on purpose: few keys, late and repeated events, exact boundaries."""

from __future__ import annotations

import json
import random
from typing import Any

from processors.event import TOPIC_BY_TYPE, record_key, tick_record

START_MS = 1_700_000_000_000
_GAP_MS = 1_800_000
_STEPS_MS = (0, 1, 999, 10_000, 60_000, 600_000, _GAP_MS - 1, _GAP_MS, _GAP_MS + 1, 5_400_000)

LogRecord = tuple[int, int, bytes]
"""(offset, timestamp ms, value)"""
Log = dict[tuple[str, int], list[LogRecord]]


def make_log(
    seed: int,
    *,
    events: int,
    partitions: int = 2,
    lateness_max_ms: int = 7_200_000,
    busy: float = 0.0,
) -> Log:
    """Make a log: topic and partition -> (offset, timestamp ms, value), offsets with gaps.

    Args:
        seed: the same log for the same seed.
        events: how many; each ten span two hours.
        partitions: of each topic.
        lateness_max_ms: the most that an event lags behind.
        busy: share of events that follow the one before within a second. Long logs need many:
            the recomputation knows no horizon after which an order is forgotten.
    """
    rnd = random.Random(seed)
    log: Log = {}
    clock = START_MS
    sent: list[tuple[dict[str, Any], bytes]] = []
    for number in range(events):
        if busy and rnd.random() < busy:
            clock += rnd.randrange(1_000)
        else:
            clock += rnd.choice(_STEPS_MS) // rnd.choice((1, 1, 7, 50))
        late_ms = rnd.choice((0, 0, 0, 0, 5_000, 40_000, _GAP_MS, rnd.randrange(lateness_max_ms)))
        event = _event(rnd, number, clock - late_ms)
        value = json.dumps(event).encode()
        if sent and rnd.random() < 0.05:
            event, value = rnd.choice(sent)
        elif rnd.random() < 0.03:
            value = _broken(rnd, event)
        sent.append((event, value))
        _append(log, rnd, event, value, clock, partitions)
    end_ms = clock + 3 * 3_600_000
    for (_, partition), records in log.items():
        records.append((records[-1][0] + 1, end_ms, tick_record(end_ms, partition)))
    return log


def _append(
    log: Log, rnd: random.Random, event: dict[str, Any], value: bytes, clock: int, partitions: int
) -> None:
    topic = TOPIC_BY_TYPE[event["type"]]
    partition = sum((record_key(event) or "").encode()) % partitions
    records = log.setdefault((topic, partition), [])
    offset = records[-1][0] + rnd.choice((1, 1, 1, 1, 5)) if records else 0
    records.append((offset, clock, value))


def _event(rnd: random.Random, number: int, ts: int) -> dict[str, Any]:
    kind = rnd.choice(
        ("page_view",) * 6 + ("add_to_cart",) * 3 + ("remove_from_cart", "checkout_started")
        + ("purchase",) * 6 + ("identify",) * 4
        + ("refund", "goal_completed", "ad_click", "ad_click")
        + ("ad_impression",) * 4
        + ("ticket_opened", "ticket_replied", "ticket_replied", "ticket_resolved")
        + ("ticket_reopened",)
        + ("lead_created", "lead_status", "lead_status", "lead_status", "sales_contacted")
        + ("email_sent", "email_delivered", "email_delivered", "email_opened", "email_clicked")
        + ("social_interaction", "nps_response", "ad_cost", "subscribed", "unsubscribed")
        + ("balance", "social_reach", "social_reach", "keyword_rank", "target_set", "fx_rate")
    )  # fmt: skip
    event: dict[str, Any] = {"event_id": f"e{number}", "type": kind, "ts": ts}
    topic = TOPIC_BY_TYPE[kind]
    if topic == "tracking.visitor":
        event["visitor_id"] = f"v{rnd.randrange(5)}"
        event |= {"source": rnd.choice(("google", "mail", "")), "device": rnd.choice("md")}
        event |= {"country": rnd.choice(("DE", "FR")), "medium": rnd.choice(("social", "organic"))}
        event["campaign"] = rnd.choice(("spring", "sale", None, ""))
        event["group"] = rnd.choice(("treatment", "holdout", None))
        if rnd.random() < 0.1:
            event["session_id"] = rnd.choice(("s1", "s2"))
        if rnd.random() < 0.3:
            event["customer_id"] = f"c{rnd.randrange(4)}"
        if rnd.random() < 0.03:
            event["customer_id"] = event.pop("visitor_id")
        if kind == "identify" or (kind == "purchase" and rnd.random() < 0.5):
            # Known to a backend and logging in: others every now and then, who are no one's yet.
            event["customer_id"] = f"b{number // 40}{rnd.randrange(2)}"
            if kind == "purchase":
                event.pop("visitor_id", None)
    if topic == "tracking.leads":
        event |= {"lead_id": f"l{rnd.randrange(15)}", "source": rnd.choice(("fair", "mail", ""))}
        event |= {"owner": rnd.choice(("ann", "bob")), "network": rnd.choice(("x", None))}
        if kind == "lead_status":
            event["status"] = rnd.choice(("accepted", "qualified", "won", "lost"))
    if kind.startswith("email_") or kind.endswith("subscribed"):
        event |= {"recipient_id": f"r{rnd.randrange(3)}", "list": rnd.choice(("news", "offers"))}
        if rnd.random() < 0.3:
            event.pop("visitor_id", None)
    if kind == "page_view":
        event["landing_page"] = rnd.choice(("/", "/a", "/b"))
    if kind in ("add_to_cart", "remove_from_cart", "purchase", "refund"):
        event |= {
            "value": rnd.choice((1, 2.5, "19.99", 0.000001)),
            "currency": rnd.choice(("EUR", "GBP")),
        }
        event["product"] = f"p{rnd.randrange(4)}"
    if kind in ("add_to_cart", "purchase") and rnd.random() < 0.2:
        event["cart_id"] = f"{event.get('visitor_id')}-c{rnd.randrange(2)}"
    if kind in ("purchase", "refund"):
        owner = event.get("visitor_id") or event.get("customer_id")
        event["order_id"] = f"o-{owner}-{rnd.randrange(12)}"
    if kind == "purchase" and rnd.random() < 0.4:
        event["items"] = [_item(rnd) for _ in range(rnd.randrange(1, 4))]
        event["quantity"] = rnd.randrange(3)
    if kind in ("purchase", "ad_cost"):
        event["direction"] = rnd.choice(("inbound", "outbound", None))
    if kind == "social_interaction":
        event |= {"interaction": rnd.choice(("like", "share", "save")), "network": "x"}
    if topic == "tracking.business":
        event |= _outside(rnd, kind)
    if topic == "tracking.support":
        event["ticket_id"] = f"t{rnd.randrange(12)}"
        event |= {"priority": rnd.choice(("high", "low")), "team": rnd.choice(("a", "b"))}
        if kind == "ticket_replied":
            event["by"] = rnd.choice(("agent", "customer"))
            event["agent"] = rnd.choice(("ann", "bob"))
    if topic == "tracking.ads" or kind == "ad_click":
        event |= {"campaign": rnd.choice(("spring", "sale")), "network": rnd.choice(("x", "y"))}
    return event


def _item(rnd: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {"product": f"p{rnd.randrange(4)}", "price": rnd.choice((1, "0.3"))}
    if rnd.random() < 0.7:
        item["unit_cost"] = rnd.choice((2, "0.000001", 1e9 if rnd.random() < 0.05 else 0.7))
    if rnd.random() < 0.5:
        item["quantity"] = rnd.choice((0, 1, 2, 1000))
    return item


def _outside(rnd: random.Random, kind: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"value": rnd.choice((0, 6, 7, 9, 10, "0.5")), "currency": "EUR"}
    fields |= {"source": rnd.choice(("google", "mail")), "campaign": "spring"}
    match kind:
        case "balance":
            fields["account"] = rnd.choice(("cash", "due"))
        case "social_reach":
            fields["network"] = rnd.choice(("x", "y"))
        case "keyword_rank":
            fields["keyword"] = rnd.choice(("shoes", "hats"))
        case "target_set":
            fields["kpi"] = rnd.choice(("revenue", "planned_conversions"))
        case "fx_rate":
            fields["currency"] = rnd.choice(("USD", "GBP"))
    return fields


def _broken(rnd: random.Random, event: dict[str, Any]) -> bytes:
    good = json.dumps(event)
    return rnd.choice(
        (
            b"{not json",
            good[:-1].encode(),
            json.dumps({**event, "ts": event["ts"] + 10**10}).encode(),
            json.dumps({**event, "ts": 5}).encode(),
            json.dumps({**event, "event_id": 7}).encode(),
            json.dumps({**event, "type": "nonsense"}).encode(),
        )
    )
