"""Recomputation of whose session and cart a backend's purchase belongs to, from the rule.

Of what was passed on only the order is taken: contents are the visitors' events, and whatever must
have been passed on must be there, once.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from processors.catalog.model import Catalog
from tests.simulation.traffic import LogRecord

Row = dict[str, Any]
Who = tuple[str, int]
Arrival = tuple[int, int | None, dict[str, Any]]
"""(offset, watermark before it, record) of what was passed on"""
CUSTOMER, VISITOR = "tracking.customer", "tracking.visitor"
LINKS, HELD = 8, 100
_READ = (
    "event_id", "ts", "order_id", "cart_id", "session_id", "source", "medium", "campaign",
    "device", "country", "currency", "micro",
)  # fmt: skip


def handed_over(
    catalog: Catalog,
    rows: dict[Who, list[Row]],
    arrivals: dict[Who, list[Arrival]],
    customers: dict[Who, list[LogRecord]],
    place: Callable[[str], int] | None,
) -> dict[Who, list[Row]]:
    """Return the purchases that arrive in each visitors' partition.

    Args:
        catalog: the times.
        rows: the events that count, by partition.
        arrivals: what was passed on to each visitors' partition.
        customers: the logs of the customers' partitions.
        place: the partition of a visitor; None: not looked at.
    """
    owed: dict[tuple[str, int, int], Row] = {}
    sent: Counter[tuple[str, int]] = Counter()
    for (topic, number), records in customers.items():
        for identity, row in _handed(catalog, rows, records, sent):
            owed[f"{topic}/{number}", *identity] = row
    must = {
        (f"{topic}/{number}", row["offset"])
        for (topic, number), mine in rows.items()
        for row in mine
        if row.get("customer_id") and (row["type"] in ("purchase", "refund") or _is_link(row))
    }
    assert dict.fromkeys(must, 1) == sent, "to customers goes all that must, once"
    found: dict[Who, list[Row]] = defaultdict(list)
    for who, mine in arrivals.items():
        for (offset, watermark), origin, emission in _fresh(
            [((offset, watermark), record) for offset, watermark, record in mine]
        ):
            row = owed.pop((origin, *emission[:2]))
            assert place is None or place(row["visitor_id"]) == who[1]
            found[who].append({**row, "offset": offset, "watermark": watermark})
    assert not owed, "what is owed arrives"
    return found


def _fresh(records: list[tuple[Any, dict[str, Any]]]) -> list[tuple[Any, str, list[Any]]]:
    """Return (where, source, emission) of each that was not there before, in order."""
    found, seen = [], set()
    for where, record in records:
        origin = f"{record['topic']}/{record['partition']}"
        for emission in record["emissions"]:
            if (origin, *emission[:2]) not in seen:
                seen.add((origin, *emission[:2]))
                found.append((where, origin, emission))
    return found


def _is_link(row: Row) -> bool:
    return row["type"] == "identify" and bool(row.get("visitor_id") and row.get("customer_id"))


def _handed(
    catalog: Catalog,
    rows: dict[Who, list[Row]],
    records: list[LogRecord],
    sent: Counter[tuple[str, int]],
) -> list[tuple[tuple[int, int], Row]]:
    """Walk through a customers' partition; return ((offset, number), purchase of whom)."""
    d = catalog.defaults
    events = {
        (f"{topic}/{number}", row["offset"]): row
        for (topic, number), mine in rows.items()
        for row in mine
    }
    links: dict[str, list[Row]] = defaultdict(list)
    waiting: dict[str, list[Row]] = defaultdict(list)
    owed: list[tuple[int, Row, str]] = []
    largest = -(1 << 62)
    for offset, origin, emission in _walk(records):
        if origin is None:
            largest = max(largest, emission)
            continue
        watermark = largest - d.allowed_lateness_ms
        row = events[origin, emission[0]]
        sent[origin, emission[0]] += 1
        largest = max(largest, row["ts"])
        who = row["customer_id"]
        if row["type"] == "identify" and row["ts"] + d.visitor_horizon_ms > watermark:
            kept = sorted(waiting[who], key=_at)[-HELD:]
            for one in kept:
                held = one["ts"] + d.session_gap_ms + d.keyed_lateness_ms > watermark
                if held and not one.get("gone") and row["ts"] - one["ts"] <= d.session_gap_ms:
                    owed.append((offset, one, row["visitor_id"]))
                    one["gone"] = True
            links[who].append(row)
        elif row["type"] == "purchase" and not row.get("visitor_id"):
            known = sorted(links[who], key=_at)[-LINKS:]
            known = [one for one in known if one["ts"] + d.visitor_horizon_ms > watermark]
            before = [one for one in known if one["ts"] <= row["ts"]]
            after = [one for one in known if 0 < one["ts"] - row["ts"] <= d.session_gap_ms]
            chosen = before[-1:] or after[:1]
            if chosen:
                owed.append((offset, row, chosen[0]["visitor_id"]))
            elif row["ts"] + d.session_gap_ms + d.keyed_lateness_ms > watermark:
                waiting[who].append(dict(row))
    numbers: Counter[int] = Counter()
    found = []
    for offset, row, visitor in owed:
        bought = {name: row.get(name) for name in _READ}
        bought |= {"type": "purchase", "visitor_id": visitor, "visitor": visitor}
        found.append(((offset, numbers[offset]), bought))
        numbers[offset] += 1
    return found


def _at(row: Row) -> tuple[int, str]:
    return row["ts"], row["event_id"]


def _walk(records: list[LogRecord]) -> list[tuple[int, str | None, Any]]:
    """Return (offset, source, emission) in order, without repetitions; a tick has no source."""
    decoded = [(offset, json.loads(value)) for offset, _, value in records]
    found: list[tuple[int, str | None, Any]] = [
        (offset, None, record["ts"]) for offset, record in decoded if record["type"] == "_tick"
    ]
    found += _fresh([(offset, record) for offset, record in decoded if record["type"] == "_passed"])
    return sorted(found, key=lambda one: one[0])  # stable: one record's emissions stay in order
