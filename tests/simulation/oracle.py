"""The batch recomputation of a log, written from the formulas: no streaming, no deltas, no state.

Each partition's records are read once in offset order to judge them (validity, duplicates,
watermarks); everything else is computed over the finished sets of events. Nothing of the live
path is used but the catalogue, the struct of a cell's name and the histogram's bucket table.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from processors.catalog.model import Catalog
from processors.histogram import BUCKET_BOUNDS_MS
from processors.names import Cell
from tests.simulation.oracle_cohorts import emails, leads, openness, promises, waits
from tests.simulation.oracle_customers import customers
from tests.simulation.oracle_identity import CUSTOMER, Arrival, handed_over
from tests.simulation.oracle_outside import (
    READING_KINDS,
    items,
    items_valid,
    memberships,
    readings,
)
from tests.simulation.oracle_touches import attributed
from tests.simulation.oracle_visits import audience, is_engaged, step_facts
from tests.simulation.traffic import LogRecord

Row = dict[str, Any]

SESSION_TYPES = {
    "page_view", "add_to_cart", "remove_from_cart", "checkout_started", "purchase",
    "goal_completed",
}  # fmt: skip
KNOWN_TYPES = {
    *SESSION_TYPES, "refund", "ad_click", "ad_impression", "_tick",
    "ticket_opened", "ticket_replied", "ticket_resolved", "ticket_reopened",
    "lead_created", "lead_status", "sales_contacted",
    "email_sent", "email_delivered", "email_opened", "email_clicked",
    "subscribed", "unsubscribed",
    "identify", "social_interaction", "nps_response", "ad_cost", *READING_KINDS,
}  # fmt: skip
CART_TYPES = {"add_to_cart", "remove_from_cart", "checkout_started", "purchase"}


@dataclass
class Expected:
    """What a log must amount to.

    Attributes:
        cells: (pane start, cell) -> integer, base panes.
        members: (pane start, cell) -> set of members, for distinct counts.
        counters: events, duplicates, late, late_unkeyed, rejected.
        watermarks: (topic, partition) -> watermark ms.
    """

    cells: dict[tuple[int, Cell], int] = field(default_factory=lambda: defaultdict(int))
    members: dict[tuple[int, Cell], set[str]] = field(default_factory=lambda: defaultdict(set))
    counters: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    watermarks: dict[tuple[str, int], int] = field(default_factory=dict)


def recompute(
    catalog: Catalog,
    log: dict[tuple[str, int], list[LogRecord]],
    *,
    dedup_horizon: int,
    place: Callable[[str], int] | None = None,
) -> Expected:
    """Recompute every base cell of a log: topic and partition -> records in offset order.

    Args:
        catalog: the formulas.
        log: every topic's, that of what is passed on to customers included if there is any.
        dedup_horizon: of the workers.
        place: the partition that each visitor's purchases must have been handed over to.
    """
    expected = Expected()
    everything: list[Row] = []
    judged: dict[tuple[str, int], list[Row]] = {}
    arrivals: dict[tuple[str, int], list[Arrival]] = defaultdict(list)
    for (topic, partition), records in log.items():
        if topic == CUSTOMER:
            continue
        who = topic, partition
        judged[who], watermark_ms = _judge(catalog, records, dedup_horizon, expected, arrivals[who])
        if watermark_ms is not None:
            expected.watermarks[who] = watermark_ms
    customers_log = {who: records for who, records in log.items() if who[0] == CUSTOMER}
    # Without the customers' log nobody knows what they handed over: nothing, where none logs in.
    handed = handed_over(catalog, judged, arrivals, customers_log, place) if customers_log else {}
    came = [row for mine in handed.values() for row in mine]
    expected.counters["linked"] = len(came)
    in_time = _taken(came, catalog.defaults.keyed_lateness_ms)
    expected.counters["linked in time"] = len(in_time)
    for who, rows in judged.items():
        watermark_ms = expected.watermarks.get(who)
        acts = [*rows, *handed.get(who, ())]
        facts = [
            *_sessions(catalog, acts, watermark_ms),
            *_carts(catalog, acts, watermark_ms),
            *_tickets(catalog, rows, watermark_ms),
            *leads(catalog, _taken(rows, catalog.defaults.lead_retention_ms)),
            *emails(catalog, _taken(rows, catalog.defaults.keyed_lateness_ms)),
            *attributed(catalog, _taken(rows, catalog.defaults.keyed_lateness_ms)),
            *_orders(catalog, rows),
            *items(rows),
            *memberships(_taken(rows, catalog.defaults.reading_horizon_ms)),
            *readings(_taken(rows, catalog.defaults.reading_horizon_ms)),
        ]
        _count(catalog, rows, expected)
        _count(catalog, facts, expected)
        everything += rows
    _count(catalog, customers(catalog, everything), expected)
    return expected


def _judge(
    catalog: Catalog,
    records: list[LogRecord],
    horizon: int,
    expected: Expected,
    arrivals: list[Arrival],
) -> tuple[list[Row], int | None]:
    """Keep what counts: valid, not a duplicate; with the watermark that stood before it."""
    defaults = catalog.defaults
    rows: list[Row] = []
    last_seen: dict[str, int] = {}
    largest: int | None = None
    for offset, recorded_ms, value in records:
        watermark = None if largest is None else largest - defaults.allowed_lateness_ms
        if value.startswith(b'{"type":"_passed"'):
            arrivals.append((offset, watermark, json.loads(value)))
            continue
        row = _valid(catalog, value, recorded_ms)
        if row is None:
            expected.counters["rejected"] += 1
            continue
        if row["type"] == "_tick":
            largest = row["ts"] if largest is None else max(largest, row["ts"])
            continue
        before = last_seen.get(row["event_id"])
        last_seen[row["event_id"]] = offset
        if before is not None and before // horizon >= offset // horizon - 1:
            expected.counters["duplicates"] += 1
            continue
        expected.counters["events"] += 1
        row["offset"] = offset
        row["watermark"] = watermark
        if row["watermark"] is not None and row["ts"] < row["watermark"]:
            expected.counters["late"] += 1
        largest = row["ts"] if largest is None else max(largest, row["ts"])
        rows.append(row)
    return rows, None if largest is None else largest - defaults.allowed_lateness_ms


def _valid(catalog: Catalog, value: bytes, recorded_ms: int) -> Row | None:
    try:
        row = json.loads(value)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(row.get("ts"), int):
        return None
    if not isinstance(row.get("event_id"), str) or row.get("type") not in KNOWN_TYPES:
        return None
    retention_ms = max(r.retention_ms for r in catalog.ladder.rungs if r.name != "all")
    if not -retention_ms <= row["ts"] - recorded_ms <= catalog.defaults.far_future_ms:
        return None
    if "value" in row:
        row["micro"] = round(float(row["value"]) * 1_000_000)
    if row.get("micro", 0) < 0 or not items_valid(row):
        return None
    row["visitor"] = row.get("visitor_id") or row.get("customer_id") or row.get("recipient_id")
    return row


def _taken(rows: list[Row], lateness_ms: int) -> list[Row]:
    taken = [r for r in rows if r["watermark"] is None or r["ts"] >= r["watermark"] - lateness_ms]
    return sorted(taken, key=lambda r: (r["ts"], r["offset"]))


def _grouped(rows: list[Row], key: Any) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _sessions(catalog: Catalog, rows: list[Row], watermark_ms: int | None) -> list[Row]:
    defaults = catalog.defaults
    mine = [r for r in rows if r["type"] in SESSION_TYPES and r.get("visitor_id")]
    facts = []
    taken = _taken(mine, defaults.keyed_lateness_ms)
    visitors = _grouped(taken, lambda r: r["visitor_id"])
    groups = _grouped(taken, lambda r: (r["visitor_id"], r.get("session_id")))
    for (visitor, session_id), events in groups.items():
        gap_ms = defaults.session_gap_ms if session_id is None else 86_400_000
        for run in _runs(events, gap_ms):
            who = audience(catalog, visitors[visitor], run[0])
            start = {**run[0], "audience": who}
            facts += _session_facts(run, start, defaults.session_gap_ms, watermark_ms)
            facts += step_facts(catalog, run, start)
            if is_engaged(defaults, run):
                facts.append({**start, "type": "session_engaged"})
    return facts


def _runs(events: list[Row], gap_ms: int) -> list[list[Row]]:
    runs: list[list[Row]] = []
    for event in events:
        if runs and event["ts"] - runs[-1][-1]["ts"] < gap_ms:
            runs[-1].append(event)
        else:
            runs.append([event])
    return runs


def _session_facts(run: list[Row], start: Row, gap_ms: int, watermark_ms: int | None) -> list[Row]:
    first, last = run[0], run[-1]
    converted = any(r["type"] == "purchase" for r in run)
    facts = [{**start, "type": "session_started"}]
    if converted:
        facts.append({**start, "type": "session_converted"})
    if watermark_ms is not None and last["ts"] + gap_ms <= watermark_ms:
        facts.append({**start, "type": "session_closed"})
        if len(run) == 1 and first["type"] == "page_view":
            facts.append({**start, "type": "session_bounced"})
        duration_ms = last["ts"] - first["ts"]
        facts.append(
            {**start, "type": "session_ended", "ts": last["ts"], "duration_ms": duration_ms}
        )
    return facts


def _carts(catalog: Catalog, rows: list[Row], watermark_ms: int | None) -> list[Row]:
    defaults = catalog.defaults
    mine = [r for r in rows if r["type"] in CART_TYPES and r.get("visitor_id")]
    facts = []
    groups = _grouped(
        _taken(mine, defaults.keyed_lateness_ms), lambda r: r.get("cart_id") or r["visitor_id"]
    )
    for events in groups.values():
        opened: list[Row] = []
        for event in [*events, None]:
            timed_out = opened and (
                event is None or event["ts"] - opened[-1]["ts"] >= defaults.cart_timeout_ms
            )
            if timed_out:
                due_ms = opened[-1]["ts"] + defaults.cart_timeout_ms
                if watermark_ms is not None and due_ms <= watermark_ms:
                    facts += _cart_facts("cart_abandoned", opened, due_ms)
                opened = []
            if event is None:
                continue
            if event["type"] != "purchase":
                opened.append(event)
            elif opened:
                facts += _cart_facts("cart_purchased", opened, event["ts"])
                opened = []
    return facts


def _cart_facts(kind: str, opened: list[Row], ts: int) -> list[Row]:
    signs = {"add_to_cart": 1, "remove_from_cart": -1, "checkout_started": 0}
    micro = max(0, sum(signs[r["type"]] * r.get("micro", 0) for r in opened))
    row = {**opened[0], "ts": ts, "micro": micro if kind == "cart_abandoned" else 0}
    return [{**row, "type": kind}, {**row, "type": "cart_closed"}]


def _tickets(catalog: Catalog, rows: list[Row], watermark_ms: int | None) -> list[Row]:
    mine = [r for r in rows if r["type"].startswith("ticket_")]
    facts = []
    taken = _taken(mine, catalog.defaults.ticket_retention_ms)
    for events in _grouped(taken, lambda r: r["ticket_id"]).values():
        opened = next((r for r in events if r["type"] == "ticket_opened"), None)
        if opened is None:
            continue
        facts.append({**opened, "type": "ticket_started"})
        after = [r for r in events if (r["ts"], r["offset"]) >= (opened["ts"], opened["offset"])]
        reply = next(
            (r for r in after if r["type"] == "ticket_replied" and r["by"] == "agent"), None
        )
        facts += promises(catalog, opened, reply, watermark_ms) + openness(opened, events)
        facts += waits(catalog, opened, after, watermark_ms)
        if reply is not None:
            facts.append(_ticket_fact("ticket_answered", reply, opened))
        statuses = [r for r in events if r["type"] in ("ticket_resolved", "ticket_reopened")]
        last = statuses[-1] if statuses else None
        if last is not None and last["type"] == "ticket_resolved" and last["ts"] >= opened["ts"]:
            facts.append(_ticket_fact("ticket_solved", last, opened))
    return facts


def _ticket_fact(kind: str, event: Row, opened: Row) -> Row:
    dimensions = {
        name: event.get(name) or opened.get(name)
        for name in ("priority", "team", "channel", "agent")
    }
    return {
        "type": kind,
        "ts": event["ts"],
        "offset": event["offset"],
        "duration_ms": event["ts"] - opened["ts"],
        **dimensions,
    }


def _orders(catalog: Catalog, rows: list[Row]) -> list[Row]:
    mine = [r for r in rows if r["type"] == "purchase"]
    taken = _taken(mine, catalog.defaults.order_horizon_ms)
    return [
        {**events[0], "type": "order_placed"}
        for events in _grouped(taken, lambda r: r["order_id"]).values()
    ]


def _count(catalog: Catalog, rows: list[Row], expected: Expected) -> None:
    for requirement in catalog.requirements.values():
        measure = requirement.measure
        for row in rows:
            if row["type"] not in measure.events:
                continue
            if any(_label(row.get(name)) not in wanted for name, wanted in measure.where):
                continue
            if not all(_within(row, bound) for bound in measure.bounds):
                continue
            pane = row["ts"] - row["ts"] % 10_000
            for dimensions in requirement.dimension_sets:
                values = tuple(_label(row.get(name)) for name in dimensions)
                _add(expected, pane, measure, dimensions, values, row)


def _add(
    expected: Expected,
    pane: int,
    measure: Any,
    dimensions: tuple[str, ...],
    values: tuple[str, ...],
    row: Row,
) -> None:
    def cell(component: str = "") -> tuple[int, Cell]:
        return pane, Cell(measure.name, component, dimensions, values)

    match measure.agg:
        case "count":
            expected.cells[cell()] += _weight(row, measure.weights)
        case "sum":
            expected.cells[cell()] += _number(row, measure.of)
        case "histogram":
            bucket = bisect_right(BUCKET_BOUNDS_MS, row["duration_ms"])
            weight = row.get("weight", 1)
            expected.cells[cell(f"b{bucket}")] += weight
            expected.cells[cell("sum")] += weight * row["duration_ms"]
        case "distinct":
            if row.get(measure.of):
                expected.members[cell()].add(row[measure.of])


def _number(row: Row, field: str) -> int:
    return row.get("micro" if field == "value" else field) or 0


def _within(row: Row, bound: Any) -> bool:
    number = _number(row, bound.field)
    low = number if bound.low is None else bound.low
    high = number if bound.high is None else bound.high
    return low <= number <= high


def _weight(row: Row, weights: Any) -> int:
    return 1 if weights is None else dict(weights.by_value).get(row.get(weights.field), 1)


def _label(value: Any) -> str:
    return "__none__" if value in (None, "") else str(value)
