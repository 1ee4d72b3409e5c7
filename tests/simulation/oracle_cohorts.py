"""Recomputation of leads, of what tickets promise, and of e-mails: each over its whole story."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from processors.catalog.model import Catalog
from processors.histogram import WAIT_BOUNDS_MS

Row = dict[str, Any]
_RESPONSES = {
    "email_opened": "send_opened",
    "email_clicked": "send_clicked",
    "purchase": "send_purchased",
}


def _place(row: Row) -> tuple[int, int]:
    return row["ts"], row["offset"]


def _grouped(rows: list[Row], key: Any) -> list[list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return list(groups.values())


def leads(catalog: Catalog, taken: list[Row]) -> list[Row]:
    """Tell what became of each lead, in the pane of its creation."""
    facts: list[Row] = []
    mine = [r for r in taken if r["type"] in ("lead_created", "lead_status", "sales_contacted")]
    for events in _grouped(mine, lambda r: r["lead_id"]):
        created = next((r for r in events if r["type"] == "lead_created"), None)
        if created is None:
            continue
        after = [r for r in events if _place(r) >= _place(created)]
        facts.append({**created, "type": "lead_started"})
        agreed_ms = created["ts"] + catalog.defaults.lead_agreed_ms
        for status in ("accepted", "qualified", "won"):
            first = next((r for r in after if r.get("status") == status), None)
            if first is not None:
                facts.append({**created, "type": f"lead_{status}"})
                if status == "won" and first["ts"] <= agreed_ms:
                    facts.append({**created, "type": "lead_won_in_time"})
        contact = next((r for r in after if r["type"] == "sales_contacted"), None)
        if contact is not None:
            own = {k: v for k, v in contact.items() if v not in (None, "")}
            waited_ms = contact["ts"] - created["ts"]
            facts.append({**created, **own, "type": "lead_contacted", "duration_ms": waited_ms})
    return facts


def promises(
    catalog: Catalog, opened: Row, reply: Row | None, watermark_ms: int | None
) -> list[Row]:
    """Tell when a first reply was due, and whether it was owed then."""
    deadline_ms = opened["ts"] + catalog.defaults.first_response_sla_ms
    if reply is not None and reply["ts"] <= deadline_ms:
        return [{**opened, "type": "ticket_due", "ts": reply["ts"]}]
    if watermark_ms is None or watermark_ms < deadline_ms:
        return []
    return [{**opened, "type": t, "ts": deadline_ms} for t in ("ticket_due", "ticket_breached")]


def waits(catalog: Catalog, opened: Row, after: list[Row], watermark_ms: int | None) -> list[Row]:
    """Tell when a ticket without an answer came to each age, and when it left it again.

    At any time up to the watermark it is of the highest age that it has reached, until it is
    answered, resolved or forgotten.
    """
    begun_ms = opened["ts"]
    answers = [
        r["ts"]
        for r in after
        if r["type"] == "ticket_resolved" or (r["type"], r.get("by")) == ("ticket_replied", "agent")
    ]
    forgotten_ms = begun_ms + catalog.defaults.ticket_retention_ms
    end_ms = min([*answers, forgotten_ms])
    now_ms = begun_ms if watermark_ms is None else max(begun_ms, watermark_ms)
    facts = []
    for age_ms, next_ms in zip(WAIT_BOUNDS_MS, [*WAIT_BOUNDS_MS[1:], 10**15], strict=True):
        came_ms, left_ms = begun_ms + age_ms, min(begun_ms + next_ms, end_ms)
        if came_ms < end_ms and came_ms <= now_ms:
            own = {**opened, "type": "ticket_waiting", "duration_ms": age_ms}
            facts.append({**own, "ts": came_ms, "weight": 1})
            if left_ms <= now_ms or left_ms in answers:
                facts.append({**own, "ts": left_ms, "weight": -1})
    return facts


def openness(opened: Row, events: list[Row]) -> list[Row]:
    """Tell each change between open and closed, from the opening on."""
    facts = [{**opened, "type": "ticket_became_open"}]
    for row in events:
        if _place(row) < _place(opened):
            continue
        now_open = facts[-1]["type"] == "ticket_became_open"
        if row["type"] == "ticket_resolved" and now_open:
            facts.append({**opened, "type": "ticket_became_closed", "ts": row["ts"]})
        if row["type"] == "ticket_reopened" and not now_open:
            facts.append({**opened, "type": "ticket_became_open", "ts": row["ts"]})
    return facts


def emails(catalog: Catalog, taken: list[Row]) -> list[Row]:
    """Tell what came of each message delivered, in the pane of its sending."""
    window_ms = catalog.defaults.email_window_ms
    facts: list[Row] = []
    mine = [r for r in taken if r["type"].startswith("email_") or r["type"] == "purchase"]
    for events in _grouped(mine, lambda r: r["visitor"]):
        facts += _messages(events, window_ms)
    return facts


def _messages(events: list[Row], window_ms: int) -> list[Row]:
    def latest(sends: list[Row], row: Row, *, loose: bool) -> Row | None:
        campaign = row.get("campaign") or None
        found = None
        for send in sends:
            open_to_it = _place(send) <= _place(row) and row["ts"] < send["ts"] + window_ms
            if row["type"] != "purchase":
                same = (send.get("campaign") or None) == campaign or (loose and campaign is None)
                open_to_it &= same and send["recipient_id"] == row["recipient_id"]
            if open_to_it:
                found = send
        return found

    sent = [r for r in events if r["type"] == "email_sent"]
    arrived: set[tuple[int, int]] = set()
    alone = []
    for row in events:
        if row["type"] == "email_delivered":
            send = latest(sent, row, loose=False)
            if send is None:
                alone.append(row)
            arrived.add(_place(send or row))
    sends = sorted([*sent, *alone], key=_place)
    told = {("send_delivered", place) for place in arrived}
    for row in events:
        if row["type"] in _RESPONSES:
            send = latest(sends, row, loose=True)
            if send is not None and _place(send) in arrived:
                told.add((_RESPONSES[row["type"]], _place(send)))
    return [{**s, "type": kind} for s in sends for kind, place in told if place == _place(s)]
