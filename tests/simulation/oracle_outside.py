"""Recomputation of what comes from outside: readings, and the items of purchases."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

_PLACE = ("source", "campaign", "channel", "network")
READING_KINDS = {
    "balance": (*_PLACE, "account", "currency"),
    "market_impressions": _PLACE,
    "social_reach": _PLACE,
    "keyword_rank": (*_PLACE, "keyword"),
    "fx_rate": ("currency",),
    "target_set": (*_PLACE, "kpi", "list"),
}
_FACT = {name: f"{name}_changed" for name in READING_KINDS} | {"target_set": "target_changed"}
_OF_PURCHASE = (
    "channel", "region", "source", "campaign", "currency", "segment", "country", "device",
)  # fmt: skip


def readings(rows: list[Row]) -> list[Row]:
    """Tell what each reading differs by from the one before, of those taken."""
    kinds: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        names = READING_KINDS.get(row["type"])
        if names is not None:
            kinds[row["type"], *(row.get(name) or "" for name in names)].append(row)
    facts = []
    for (kind, *_), found in kinds.items():
        last = 0
        for place, row in enumerate(sorted(found, key=lambda r: (r["ts"], r["offset"]))):
            fact = {name: row.get(name) for name in READING_KINDS[kind]}
            fact |= {"type": _FACT[kind], "ts": row["ts"], "offset": row["offset"]}
            fact |= {"micro": row["micro"] - last, "known": int(place == 0)}
            last = row["micro"]
            if fact["micro"] or fact["known"]:
                facts.append(fact)
    return facts


def memberships(rows: list[Row]) -> list[Row]:
    """Tell where a recipient's word on a list differs from the one before."""
    recipients: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["type"] in ("subscribed", "unsubscribed"):
            recipients[row["recipient_id"], row.get("list") or ""].append(row)
    facts = []
    for words in recipients.values():
        last = ""
        for row in sorted(words, key=lambda r: (r["ts"], r["offset"])):
            if row["type"] != last:
                joined = row["type"] == "subscribed"
                facts.append({**row, "type": f"subscriber_{'joined' if joined else 'left'}"})
            last = row["type"]
    return facts


def items(rows: list[Row]) -> list[Row]:
    """Take purchases apart."""
    facts = []
    for row in rows:
        if row["type"] != "purchase":
            continue
        for item in row.get("items") or ():
            quantity = item.get("quantity", 1)
            fact = {name: row.get(name) for name in _OF_PURCHASE}
            fact |= {"ts": row["ts"], "offset": row["offset"], "quantity": quantity}
            for name in ("product", "category"):
                fact[name] = item.get(name) or row.get(name)
            price = item.get("price")
            facts.append({**fact, "type": "purchase_item", "micro": micro(price) * quantity})
            if item.get("unit_cost") is not None:
                cost = micro(item["unit_cost"]) * quantity
                facts.append({**fact, "type": "purchase_cost", "micro": cost})
    return facts


def micro(value: object) -> int:
    """Return an amount in micro-units."""
    return 0 if value is None else int(Decimal(str(value)) * 1_000_000)


def items_valid(row: Row) -> bool:
    """Whether every item's amounts are within what a sum can hold."""
    for item in row.get("items") or ():
        quantity = item.get("quantity", 1)
        amounts = [micro(item.get(name)) for name in ("price", "unit_cost")]
        largest = max(amounts) * max(1, quantity)
        if not 0 <= quantity < 10**9 or min(amounts) < 0 or largest >= 10**15:
            return False
    return True
