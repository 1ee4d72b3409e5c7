"""Random logs that every rule has something to say about, the same for the same seed."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from processors.names import SUPPORT, VISITOR
from tests.support.recomputing import T0_MS

if TYPE_CHECKING:
    from processors.record import Record

DAY_MS = 86_400_000
END_MS = T0_MS + 40 * DAY_MS
STEPS_MS = (0, 1, 1_000, 1_000, 60_000, 60_000, 600_000, 1_800_000, 7_200_000)
LATE_MS = (1, 1_000, 60_000, 1_799_999, 1_800_000, 1_800_001, 3_600_000, 3_630_000, DAY_MS)
SITE = (
    "page_view",
    "add_to_cart",
    "remove_from_cart",
    "checkout_started",
    "purchase",
    "goal_completed",
)
TICKET = (
    "ticket_opened",
    "ticket_replied",
    "ticket_replied",
    "ticket_resolved",
    "ticket_reopened",
)
SOUND_AMOUNTS = (1, 1.5, "2.25", "0.000001", 999_999_999.999999, 0)
BAD_AMOUNTS = (-1, "x", "1.0000001", 1e9, 1e-7, "NaN", True, [1])
BAD_TIMES = ("2023-11-14 23:13:20.9999+01:00", "2023-11-14", "", 10**30, -1)


def random_log(seed: int, events: int) -> dict[str, list[Record]]:
    """Return topic -> the records of one partition, sealed by a tick."""
    rng = random.Random(seed)
    logs: dict[str, list[Record]] = {VISITOR: [], SUPPORT: []}
    now_ms = dict.fromkeys(logs, T0_MS)
    for number in range(events):
        topic = rng.choice(list(logs))
        now_ms[topic] += rng.choice(STEPS_MS)
        ts = now_ms[topic] - (rng.choice(LATE_MS) if rng.random() < 0.3 else 0)
        known = number if rng.random() > 0.05 else rng.randrange(number + 1)
        make = _site if topic == VISITOR else _ticket
        event = {"event_id": f"e{known}", "ts": ts, **make(rng)}
        logs[topic].append(_record(rng, len(logs[topic]), ts, event))
    for records in logs.values():
        tick = {"event_id": "tick", "type": "_tick", "ts": END_MS}
        records.append((len(records), END_MS, None, json.dumps(tick).encode()))
    return logs


def _site(rng: random.Random) -> dict[str, Any]:
    event: dict[str, Any] = {"type": rng.choice(SITE), "visitor_id": f"v{rng.randrange(3)}"}
    if rng.random() < 0.1:
        event |= {"visitor_id": None, "customer_id": "c"}
    if rng.random() < 0.2:
        event["session_id"] = f"s{rng.randrange(2)}"
    if rng.random() < 0.2:
        event["cart_id"] = f"c{rng.randrange(2)}"
    for name in ("source", "campaign", "device"):
        if rng.random() < 0.8:
            plain = f"{name[0]}{rng.randrange(4)}"
            event[name] = plain if rng.random() < 0.9 else rng.choice(["", "x\n", "y" * 201])
    if event["type"] == "purchase":
        event |= {"order_id": f"o{rng.randrange(8)}", "currency": rng.choice(["EUR", "USD"])}
        event["value"] = rng.choice(SOUND_AMOUNTS)
    elif "cart" in event["type"] and rng.random() < 0.7:
        event["value"] = rng.choice(SOUND_AMOUNTS)
    return event


def _ticket(rng: random.Random) -> dict[str, Any]:
    event = {"type": rng.choice(TICKET), "ticket_id": f"t{rng.randrange(5)}"}
    if event["type"] == "ticket_replied":
        event["by"] = rng.choice(["agent", "customer"])
    for name in ("priority", "team", "agent"):
        if rng.random() < 0.6:
            event[name] = f"{name[0]}{rng.randrange(4)}"
    return event


def _record(rng: random.Random, offset: int, ts: int, event: dict[str, Any]) -> Record:
    """Encode an event; one in ten is faulty, in one way only."""
    recorded_ms = ts
    match rng.randrange(70):
        case 0:
            event.pop(rng.choice(list(event)))
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
