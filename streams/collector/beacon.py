"""What a browser sends by ``navigator.sendBeacon``: events, and when it sent them."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.collector.origin import Visit, device_of, host_of, path_of, visit
from streams.collector.segment import SKEW_MS_MIN


class Page(msgspec.Struct):
    """A page's address and the one before it."""

    url: str = ""
    referrer: str = ""


class Beacon(msgspec.Struct):
    """The body of a beacon.

    Attributes:
        events: the events; ``url`` and ``referrer`` of page views are read and not kept.
        key: the write key: a beacon carries no headers of its own.
        sent: the browser's clock, ms since 1970 UTC.
        entry: the page on which the visit began, and what led there.
    """

    events: list[dict[str, Any]]
    key: str = ""
    sent: int = 0
    entry: Page = msgspec.field(default_factory=Page)


def events_of(beacon: Beacon, user_agent: str, received_ms: int) -> list[dict[str, Any]]:
    """Complete a beacon's events: source, medium, campaign, device, and a corrected clock.

    A page's address is cut down to its path and a referrer's to its host: what stands in a query
    may be anybody's name.
    """
    behind_ms = received_ms - beacon.sent if beacon.sent else 0
    skew_ms = behind_ms if abs(behind_ms) >= SKEW_MS_MIN else 0
    device = device_of(user_agent)
    entry = visit(beacon.entry.url, beacon.entry.referrer)
    return [_completed(event, entry, device, skew_ms) for event in beacon.events]


def _completed(event: dict[str, Any], entry: Visit, device: str, skew_ms: int) -> dict[str, Any]:
    url, referrer = _text(event.pop("url", "")), _text(event.pop("referrer", ""))
    ts = event.get("ts")
    if skew_ms and isinstance(ts, int):
        event["ts"] = ts + skew_ms
    if device:
        event.setdefault("device", device)
    if url:
        event.setdefault("landing_page", path_of(url))
    if host_of(referrer):
        event["referrer"] = host_of(referrer)
    if not {"source", "medium", "campaign"} & event.keys():
        own = visit(url, referrer) if url else Visit()
        came = own if any(own) and own.medium != "none" else entry
        event |= {name: value for name, value in came._asdict().items() if value}
    return event


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
