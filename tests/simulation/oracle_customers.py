"""Recomputation of customers: over all partitions, because a customer is in several."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from processors.catalog.model import Catalog

Row = dict[str, Any]
PAYMENTS = 1_000
_NAMES = ("source", "segment", "region", "channel", "campaign", "country", "direction")


def customers(catalog: Catalog, rows: list[Row]) -> list[Row]:
    """Tell when each customer bought first, and what they spent, then and soon after."""
    payments: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["type"] in ("purchase", "refund") and row.get("customer_id"):
            payments[row["customer_id"]].append(row)
    facts = []
    for mine in payments.values():
        facts += [{**_payment(row), "type": "customer_spent"} for row in mine]
        bought = [r for r in mine if r["type"] == "purchase"]
        if not bought:
            continue
        first = min(bought, key=lambda r: (r["ts"], r["event_id"]))
        joined = {name: first.get(name) for name in _NAMES} | {"ts": first["ts"], "offset": 0}
        facts.append({**joined, "type": "customer_joined"})
        for row in sorted(mine, key=_place)[:PAYMENTS]:
            if 0 <= row["ts"] - first["ts"] < catalog.defaults.customer_cohort_ms:
                paid = _payment(row)
                money = {"micro": paid["micro"], "currency": paid["currency"]}
                facts.append({**joined, **money, "type": "customer_cohort_spent"})
    return facts


def _place(row: Row) -> tuple[Any, ...]:
    paid = _payment(row)
    return row["ts"], row["event_id"], paid["micro"], paid["currency"]


def _payment(row: Row) -> Row:
    return {**row, "micro": -row["micro"] if row["type"] == "refund" else row["micro"]}
