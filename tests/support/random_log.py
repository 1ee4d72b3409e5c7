"""Random logs that every rule has something to say about, the same for the same seed."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from processors.names import ADS, BUSINESS, LEADS, SUPPORT, VISITOR
from tests.support.recomputing import T0_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from processors.record import Record

    Make = Callable[[random.Random], dict[str, Any]]

DAY_MS = 86_400_000
END_MS = T0_MS + 40 * DAY_MS
STEPS_MS = (0, 1, 1_000, 1_000, 60_000, 60_000, 600_000, 1_800_000, 7_200_000)
LATE_MS = (1, 1_000, 60_000, 1_799_999, 1_800_000, 1_800_001, 3_600_000, 3_630_000, DAY_MS)
SITE = (
    "page_view",
    "page_view",
    "add_to_cart",
    "remove_from_cart",
    "checkout_started",
    "purchase",
    "purchase",
    "refund",
    "goal_completed",
    "ad_click",
    "social_interaction",
    "identify",
    "identify",
)
EMAIL = (
    "email_sent",
    "email_sent",
    "email_delivered",
    "email_bounced",
    "email_opened",
    "email_clicked",
    "subscribed",
    "unsubscribed",
)
TICKET = (
    "ticket_opened",
    "ticket_replied",
    "ticket_replied",
    "ticket_resolved",
    "ticket_reopened",
)
LEAD = ("lead_created", "lead_status", "lead_status", "sales_contacted", "demo_scheduled")
REPORT = ("ad_cost", "marketing_cost", "expense", "nps_response")
READING = (
    "balance",
    "target_set",
    "market_impressions",
    "social_reach",
    "keyword_rank",
    "fx_rate",
)
TARGETS = ("planned_conversions", "opening_list_size", "annual_visitors", "conversion_rate")
SOUND_AMOUNTS = (1, 1.5, "2.25", "0.000001", 999_999_999.999999, 0)
BAD_AMOUNTS = (-1, "x", "1.0000001", 1e9, 1e-7, "NaN", True, [1], " 1", "1_0", "")
BAD_TIMES = ("2023-11-14 23:13:20.9999+01:00", "2023-11-14", "", 10**30, -1)


def random_log(seed: int, events: int) -> dict[str, list[Record]]:
    """Return topic -> the records of one partition, sealed by a tick."""
    rng = random.Random(seed)
    makers: dict[str, Make] = {
        VISITOR: _visitor,
        SUPPORT: _ticket,
        LEADS: _lead,
        BUSINESS: _business,
        ADS: _ad,
    }
    chances = [5, 2, 2, 3, 1]
    logs: dict[str, list[Record]] = {topic: [] for topic in makers}
    now_ms = dict.fromkeys(logs, T0_MS)
    for number in range(events):
        (topic,) = rng.choices(list(logs), chances)
        now_ms[topic] += rng.choice(STEPS_MS)
        ts = now_ms[topic] - (rng.choice(LATE_MS) if rng.random() < 0.3 else 0)
        known = number if rng.random() > 0.05 else rng.randrange(number + 1)
        event = {"event_id": f"e{known}", "ts": ts, **makers[topic](rng)}
        if rng.random() < 0.05:
            event["traffic"] = rng.choice(["bot", "test", "guest"])
        logs[topic].append(_record(rng, len(logs[topic]), ts, event))
    for records in logs.values():
        tick = {"event_id": "tick", "type": "_tick", "ts": END_MS}
        records.append((len(records), END_MS, None, json.dumps(tick).encode()))
    return logs


def _visitor(rng: random.Random) -> dict[str, Any]:
    return _email(rng) if rng.random() < 0.25 else _site(rng)


def _site(rng: random.Random) -> dict[str, Any]:
    event: dict[str, Any] = {"type": rng.choice(SITE), "visitor_id": f"v{rng.randrange(3)}"}
    if event["type"] == "identify" or rng.random() < 0.1:
        event["customer_id"] = f"k{rng.randrange(2)}"
        if event["type"] != "identify":
            event["visitor_id"] = None
    elif rng.random() < 0.4:
        event["customer_id"] = f"c{rng.randrange(3)}"
    if rng.random() < 0.2:
        event["session_id"] = rng.choice(["s0", "s1", ""])
    if rng.random() < 0.2:
        event["cart_id"] = f"c{rng.randrange(2)}"
    for name in ("source", "campaign", "device", "network", "channel", "goal", "region"):
        if rng.random() < 0.6:
            plain = f"{name[0]}{rng.randrange(3)}"
            event[name] = plain if rng.random() < 0.95 else rng.choice(["", "x\n", "y" * 201])
    if rng.random() < 0.5:
        event["medium"] = rng.choice(["social", "cpc", "organic", ""])
    if rng.random() < 0.2:
        event["channel"] = "web"
    if event["type"] in ("purchase", "refund"):
        event |= {"order_id": f"o{rng.randrange(8)}", "currency": rng.choice(["EUR", "USD"])}
        event["value"] = rng.choice(SOUND_AMOUNTS)
        if rng.random() < 0.5:
            event["items"] = [_item(rng) for _ in range(rng.randrange(3))]
    elif "cart" in event["type"] and rng.random() < 0.7:
        event["value"] = rng.choice(SOUND_AMOUNTS)
    elif event["type"] == "social_interaction":
        event["interaction"] = rng.choice(["share", "like", "comment", "stare"])
    return event


def _item(rng: random.Random) -> dict[str, Any]:
    item: dict[str, Any] = {"quantity": rng.randrange(4), "price": rng.choice(["0.5", 3])}
    if rng.random() < 0.7:
        item["unit_cost"] = rng.choice([1, "0.25"])
    for name in ("product", "category"):
        if rng.random() < 0.7:
            item[name] = f"{name[0]}{rng.randrange(2)}"
    return item


def _email(rng: random.Random) -> dict[str, Any]:
    event: dict[str, Any] = {"type": rng.choice(EMAIL), "recipient_id": f"r{rng.randrange(2)}"}
    if rng.random() < 0.7:
        event["visitor_id"] = "v0"
    for name in ("campaign", "list", "form"):
        if rng.random() < 0.6:
            event[name] = f"{name[0]}{rng.randrange(2)}"
    return event


def _ticket(rng: random.Random) -> dict[str, Any]:
    event = {"type": rng.choice(TICKET), "ticket_id": f"t{rng.randrange(5)}"}
    if event["type"] == "ticket_replied":
        event["by"] = rng.choice(["agent", "customer"])
    for name in ("priority", "team", "agent"):
        if rng.random() < 0.6:
            event[name] = f"{name[0]}{rng.randrange(4)}"
    return event


def _lead(rng: random.Random) -> dict[str, Any]:
    event = {"type": rng.choice(LEAD), "lead_id": f"l{rng.randrange(6)}"}
    if event["type"] == "lead_status":
        event["status"] = rng.choice(["accepted", "qualified", "won", "lost"])
    for name in ("source", "campaign", "owner", "network"):
        if rng.random() < 0.6:
            event[name] = f"{name[0]}{rng.randrange(3)}"
    if rng.random() < 0.5:
        event["device"] = rng.choice(["mobile", "desktop"])
    return event


def _business(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice(REPORT + READING)
    event: dict[str, Any] = {"type": kind, "value": rng.choice([0, 3, "12.5", 9, 10])}
    if kind in ("ad_cost", "marketing_cost", "expense", "balance", "fx_rate"):
        event["currency"] = rng.choice(["EUR", "USD"])
    if kind == "balance":
        event["account"] = f"a{rng.randrange(2)}"
    if kind == "keyword_rank":
        event["keyword"] = f"k{rng.randrange(2)}"
    if kind == "target_set":
        event["kpi"] = rng.choice(TARGETS)
        if rng.random() < 0.3:
            event["list"] = "l0"
    for name in ("source", "campaign", "channel", "network"):
        if rng.random() < 0.3:
            event[name] = f"{name[0]}{rng.randrange(2)}"
    return event


def _ad(rng: random.Random) -> dict[str, Any]:
    event = {"type": "ad_impression", "campaign": f"c{rng.randrange(3)}"}
    for name in ("ad", "placement", "network", "channel"):
        if rng.random() < 0.6:
            event[name] = f"{name[0]}{rng.randrange(3)}"
    return event


def _record(rng: random.Random, offset: int, ts: int, event: dict[str, Any]) -> Record:
    """Encode an event; one in ten is faulty, in one way only."""
    recorded_ms = ts
    match rng.randrange(70):
        case 0:
            event.pop(rng.choice(list(event)))
        case 7:
            event[rng.choice(["event_id", "order_id", "ticket_id", "currency"])] = ""
        case 1:
            event["source"] = rng.choice([5, 1.5, [1], {}])
        case 2:
            recorded_ms = ts - rng.choice([300_000, 300_001])
        case 3:
            recorded_ms = ts + 1_096 * DAY_MS + rng.choice([0, 1])
        case 4:
            event["ts"] = rng.choice(BAD_TIMES)
        case 5 if "value" in event:
            event["value"] = rng.choice(BAD_AMOUNTS)
        case 6:
            whole = json.dumps(event).encode()
            broken = [None, b"", b"[]", whole[:-1], whole + b"x", whole[:-1] + b',"u":NaN}']
            return offset, recorded_ms, b"k", rng.choice(broken)
    return offset, recorded_ms, b"k", json.dumps(event).encode()
