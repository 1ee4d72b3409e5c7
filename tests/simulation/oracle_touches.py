"""Recomputation of attribution: every purchase looks back over every touch."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from processors.catalog.model import Catalog

Row = dict[str, Any]
TYPES = {
    "page_view", "ad_click", "add_to_cart", "remove_from_cart", "checkout_started", "purchase",
    "refund", "goal_completed",
}  # fmt: skip
NAMES = ("source", "medium", "campaign", "channel", "network", "ad", "placement")


def _place(row: Row) -> tuple[int, int]:
    return row["ts"], row["offset"]


def _group(row: Row, social: tuple[str, ...]) -> Any:
    """Name the run that an event belongs to; None where nothing brought it."""
    if row["type"] == "refund":
        return None
    if row.get("campaign"):
        return row["campaign"]
    if row.get("medium") in social or row["type"] == "ad_click":
        return row.get("source") or None, row.get("medium") or None
    return None


def attributed(catalog: Catalog, taken: list[Row]) -> list[Row]:
    """Tell of touches, of purchases by touch, and of the first purchase of each touch."""
    visitors: dict[str, list[Row]] = defaultdict(list)
    for row in taken:
        if row["type"] in TYPES and row.get("visitor_id"):
            visitors[row["visitor_id"]].append(row)
    return [fact for events in visitors.values() for fact in _visitor(catalog.defaults, events)]


def _visitor(defaults: Any, events: list[Row]) -> list[Row]:
    marked = [(r, _group(r, defaults.social_mediums)) for r in events]
    touches: list[Row] = []
    last_ms: dict[Any, int] = {}
    for row, group in marked:
        if group is None:
            continue
        goes_on = group in last_ms and row["ts"] - last_ms[group] < defaults.session_gap_ms
        if row["type"] == "ad_click" or not goes_on:
            own = {name: row.get(name) for name in NAMES} | {"offset": row["offset"]}
            how = "click" if row["type"] == "ad_click" else "visit"
            touches.append({**own, "ts": row["ts"], "touch": how})
        last_ms[group] = row["ts"]
    facts = [{**t, "type": "touch_made"} for t in touches]
    converted: dict[tuple[int, int], int] = {}
    bought: list[tuple[Row, list[Row]]] = []
    for row in events:
        if row["type"] == "refund":
            facts += _shares("refund_attributed", row, _given_back(defaults, bought, row))
        if row["type"] != "purchase":
            continue
        owed = _owed(defaults, touches, row)
        bought.append((row, owed))
        facts += _shares("purchase_attributed", row, owed)
        for touch in owed:
            converted.setdefault(_place(touch), row["ts"])
    facts += [
        {**t, "type": "touch_converted", "ts": converted[_place(t)]}
        for t in touches
        if _place(t) in converted
    ]
    return facts


def _shares(kind: str, row: Row, owed: list[Row]) -> list[Row]:
    """Share an amount out: the earlier touches get what does not divide."""
    facts = []
    for number, touch in enumerate(owed):
        micro = (row["micro"] + len(owed) - 1 - number) // len(owed)
        money = {"micro": micro, "currency": row["currency"]}
        facts.append({**touch, **money, "type": kind, "ts": row["ts"]})
    return facts


def _given_back(defaults: Any, bought: list[tuple[Row, list[Row]]], refund: Row) -> list[Row]:
    """Find the touches of the latest purchase before that is the order's and owed to any."""
    found = []
    for purchase, owed in bought:
        is_recent = refund["ts"] - purchase["ts"] < defaults.refund_horizon_ms
        if owed and is_recent and purchase["order_id"] == refund["order_id"]:
            found = owed
    return found


def _owed(defaults: Any, touches: list[Row], purchase: Row) -> list[Row]:
    possible = [
        t
        for t in touches
        if _place(t) <= _place(purchase)
        and purchase["ts"] - t["ts"] <= defaults.attribution_lookback_ms
    ]
    match defaults.attribution_model:
        case "first":
            return possible[:1]
        case "last":
            return possible[-1:]
    return possible
