"""Laws of the simulator."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import islice

import msgspec
import pytest

from processors.event import AnyEvent, record_key
from streams.simulator.incidents import Incident, IncidentKind
from streams.simulator.traffic import Event, Traffic, history, live

START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def day() -> list[Event]:
    """One day at 10 events a second."""
    return list(history(1, START_MS, START_MS + 24 * HOUR_MS, 10))


def test_same_seed_same_events() -> None:
    """Seed, start and rate decide every byte."""
    first, second = (list(history(5, START_MS, START_MS + HOUR_MS, 10)) for _ in range(2))
    assert first == second
    other = list(history(6, START_MS, START_MS + HOUR_MS, 10))
    assert [e["ts"] for e in other] != [e["ts"] for e in first]


def test_history_then_live_is_one_stream() -> None:
    """Where the stream is cut changes nothing: history and what follows are one sequence."""
    traffic = Traffic(5, START_MS, 10)
    cuts = [START_MS + 1, START_MS + 60_000, START_MS + 60_000, START_MS + HOUR_MS]
    pieces = [event for cut in cuts for event in traffic.until(cut)]
    pieces += islice(traffic.until(2**62), 1000)
    assert pieces == list(islice(live(5, START_MS, 10), len(pieces)))


def test_order_and_identity(day: list[Event]) -> None:
    """Events come in order of ts, start at the start, and no event_id comes twice."""
    times = [event["ts"] for event in day]
    assert times == sorted(times)
    assert times[0] >= START_MS
    assert len({event["event_id"] for event in day}) == len(day)


def test_every_event_is_valid(day: list[Event]) -> None:
    """Every event decodes as published and has the identity that keys its record."""
    decoder = msgspec.json.Decoder(AnyEvent)
    for event in islice(day, 200_000):
        decoder.decode(msgspec.json.encode(event))
        assert record_key(event)


def test_mean_rate(day: list[Event]) -> None:
    """The stated rate is the mean over a day (4 % for chance and the first hour's warming up)."""
    assert math.isclose(len(day) / 86_400, 10, rel_tol=0.04)


def test_nights_are_quiet(day: list[Event]) -> None:
    """The busiest hour has at least twice the traffic of the quietest."""
    hours = Counter(event["ts"] // HOUR_MS for event in day)
    complete = sorted(hours.values())[2:]
    assert complete[-1] > 2 * complete[0]


def test_sessions_keep_their_origin(day: list[Event]) -> None:
    """Within one visitor's run of activity, origin, device and country stay the same."""
    last: dict[str, tuple[int, tuple[object, ...]]] = {}
    kinds = {"page_view", "add_to_cart", "remove_from_cart", "checkout_started", "purchase"}
    for event in day:
        if event["type"] not in kinds or "visitor_id" not in event:
            continue
        names = ("source", "medium", "campaign", "landing_page", "device", "country")
        origin = (*(event.get(name) for name in names), event.get("session_id"))
        before = last.get(event["visitor_id"])
        if before is not None and event["ts"] - before[0] < HOUR_MS // 2:
            assert before[1] == origin
        last[event["visitor_id"]] = (event["ts"], origin)


def test_a_backend_s_orders_are_somebody_s(day: list[Event]) -> None:
    """A few orders name no visitor; of each customer an identify does, now and then later."""
    logins = {e["customer_id"]: e for e in day if e["type"] == "identify"}
    orders = [e for e in day if e["type"] == "purchase"]
    unknown = [e for e in orders if "visitor_id" not in e]
    assert 0.02 < len(unknown) / len(orders) < 0.1
    assert sum(e["customer_id"] in logins for e in unknown) > 0.95 * len(unknown)
    assert any(logins[e["customer_id"]]["ts"] > e["ts"] for e in unknown)


def test_believable_shares(day: list[Event]) -> None:
    """Click-through 1 to 4 % by campaign, about 70 % of carts abandoned, few orders refunded."""
    shown, clicked = Counter[str](), Counter[str]()
    for event in day:
        if event["type"] == "ad_impression":
            shown[event["campaign"]] += 1
        elif event["type"] == "ad_click":
            clicked[event["campaign"]] += 1
    assert all(0.005 < clicked[name] / shown[name] < 0.04 for name in shown)
    kinds = Counter(event["type"] for event in day)
    carts = {
        (event["visitor_id"], event["landing_page"], event["ts"] // (6 * HOUR_MS))
        for event in day
        if event["type"] == "add_to_cart"
    }
    assert 0.64 < 1 - kinds["purchase"] / len(carts) < 0.76
    assert 0.01 < kinds["refund"] / kinds["purchase"] < 0.08
    assert {e["currency"] for e in day if e["type"] == "purchase"} == {"EUR", "GBP"}


def test_tickets_tell_a_story(day: list[Event]) -> None:
    """A ticket opens first, an agent replies after minutes, and some tickets are reopened."""
    tickets: dict[str, list[Event]] = defaultdict(list)
    for event in day:
        if "ticket_id" in event:
            tickets[event["ticket_id"]].append(event)
    assert all(events[0]["type"] == "ticket_opened" for events in tickets.values())
    delays = sorted(
        events[1]["ts"] - events[0]["ts"] for events in tickets.values() if len(events) > 1
    )
    assert 120_000 < delays[len(delays) // 2] < 1_200_000
    kinds = Counter(event["type"] for event in day)
    assert 0 < kinds["ticket_reopened"] < 0.15 * kinds["ticket_opened"]


def test_every_minute_has_everything() -> None:
    """At the demo's rate each minute has what every KPI needs: no gaps in one-minute windows."""
    minutes: dict[int, set[str]] = defaultdict(set)
    for event in history(3, START_MS, START_MS + 4 * HOUR_MS, 50):
        by = event.get("by", "")
        minutes[event["ts"] // 60_000].add(f"{event['type']}{by and ':' + by}")
    wanted = {
        "ad_impression", "ad_click", "page_view", "add_to_cart", "purchase",
        "ticket_replied:agent", "ticket_resolved",
    }  # fmt: skip
    later = [kinds for minute, kinds in sorted(minutes.items())[120:-1]]
    assert sum(wanted <= kinds for kinds in later) > 0.98 * len(later)


@pytest.mark.parametrize(
    ("kind", "silent"),
    [(IncidentKind.BROKEN_CHECKOUT, "purchase"), (IncidentKind.AD_OUTAGE, "ad_impression")],
)
def test_incident_silences(kind: IncidentKind, silent: str) -> None:
    """An incident silences its events while it lasts, and only then."""
    incident = Incident(kind, START_MS + HOUR_MS, START_MS + 2 * HOUR_MS)
    times = [
        event["ts"]
        for event in history(2, START_MS, START_MS + 3 * HOUR_MS, 30, (incident,))
        if event["type"] == silent
    ]
    assert not [t for t in times if incident.start_ms <= t < incident.end_ms]
    assert [t for t in times if t < incident.start_ms]
    assert [t for t in times if t >= incident.end_ms]


def test_slow_support() -> None:
    """While support is slow, first replies take several times as long."""
    incident = Incident(IncidentKind.SLOW_SUPPORT, START_MS, START_MS + 6 * HOUR_MS)
    medians = []
    for incidents in ((), (incident,)):
        opened: dict[str, int] = {}
        delays: dict[str, int] = {}
        for event in history(2, START_MS, START_MS + 14 * HOUR_MS, 5, incidents):
            if event["type"] == "ticket_opened" and event["ts"] < incident.end_ms:
                opened[event["ticket_id"]] = event["ts"]
            elif event["type"] == "ticket_replied" and event["ticket_id"] in opened:
                delays.setdefault(event["ticket_id"], event["ts"] - opened[event["ticket_id"]])
        medians.append(sorted(delays.values())[len(delays) // 2])
    assert medians[1] > 5 * medians[0]
