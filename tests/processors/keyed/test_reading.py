"""Readings: what each differs by from the one before adds up to the last one.

::

    minute     0     10     20     30
    read      100           80     80        0 is no reading, 80 after 80 concludes nothing
    late             120                     moves +20 and -40 in, takes -20 back
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from processors.event import Balance, SocialReach, record_key
from processors.keyed.reading import ReadingProcessor
from tests.processors.keyed.run import stored

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def read(minute: float, value: int, network: str = "x", **fields: Any) -> SocialReach:
    """Make a decoded reading."""
    return SocialReach(
        event_id=f"{network}{minute}",
        ts=int(minute * MINUTE_MS),
        value=value,
        micro=value,
        network=network,
        **fields,
    )


def run(
    events: list[SocialReach], *, horizon_ms: int = HOUR_MS, close_each: bool = False
) -> Counter[tuple[int, str, str]]:
    """Return (minute, network, field) -> what was concluded, offsets in order of arrival."""
    processor, states, facts = ReadingProcessor(horizon_ms=horizon_ms), {}, []
    latest_ms = 0
    for offset, event in enumerate(events):
        key = processor.key(event)
        state = states[key] = states.get(key) or processor.new(key)
        processor.take(state, event, offset, facts.append)
        latest_ms = max(latest_ms, int(event.ts))
        if close_each:
            assert processor.close(state, latest_ms, facts.append)
            states[key] = stored(processor, state)
    found: Counter[tuple[int, str, str]] = Counter()
    for fact in facts:
        for field in ("micro", "known"):
            where = (fact.ts // MINUTE_MS, fact.network, field)
            found[where] += fact.weight * getattr(fact, field)
    return Counter({where: n for where, n in found.items() if n})


def test_differences_add_up_to_the_last_reading() -> None:
    """The first reading is new as a whole; the same again changes nothing."""
    assert run([read(0, 100), read(20, 80), read(30, 80)]) == {
        (0, "x", "micro"): 100,
        (0, "x", "known"): 1,
        (20, "x", "micro"): -20,
    }


def test_a_late_reading_takes_the_next_difference_back() -> None:
    """It counts at its own time, and the one after it is told anew."""
    in_order = run([read(0, 100), read(10, 120), read(20, 80)])
    assert run([read(0, 100), read(20, 80), read(10, 120)]) == in_order
    assert in_order[20, "x", "micro"] == -40


def test_a_reading_before_the_first_becomes_the_first() -> None:
    """A kind is known from its earliest reading on, and known once."""
    found = run([read(20, 80), read(0, 0)])
    assert found == {(0, "x", "known"): 1, (20, "x", "micro"): 80}


def test_kinds_are_apart() -> None:
    """Networks have readings of their own; so have accounts in two currencies."""
    found = run([read(0, 100), read(0, 7, "y"), read(10, 50)])
    assert found[0, "y", "micro"] == 7
    assert found[10, "x", "micro"] == -50
    processor = ReadingProcessor(horizon_ms=HOUR_MS)
    keys = {
        processor.key(Balance(event_id="b", ts=0, value=1, account="cash", currency=currency))
        for currency in ("EUR", "USD")
    }
    assert len(keys) == 2


def test_any_arrival_within_the_horizon_is_the_same() -> None:
    """Order of arrival and what is forgotten in between change nothing."""
    for seed in range(40):
        rnd = random.Random(seed)
        times = rnd.sample(range(600), 25)
        events = [read(minute, rnd.randrange(4)) for minute in sorted(times)]
        shuffled = sorted(events, key=lambda e: int(e.ts) + rnd.randrange(HOUR_MS))
        assert run(shuffled, close_each=True) == run(events), seed


def test_only_what_a_late_reading_can_touch_is_kept() -> None:
    """The last reading before the horizon stays, older ones are forgotten."""
    processor = ReadingProcessor(horizon_ms=HOUR_MS)
    state = processor.new("k")
    for minute in range(0, 600, 30):
        processor.take(state, read(minute, minute), minute, lambda _: None)
    assert processor.close(state, 600 * MINUTE_MS, lambda _: None)
    assert [mark.ts // MINUTE_MS for mark in state.marks] == [540, 570]


def test_what_is_read_again_meets_its_readings_in_one_partition() -> None:
    """The record key depends on nothing but what identifies the reading."""
    base = {"ts": 1, "value": 1}
    for kind, fields, key in (
        ("keyword_rank", {"keyword": "shoes"}, "shoes"),
        ("social_reach", {"network": "x"}, "x"),
        ("target_set", {"kpi": "revenue"}, "revenue"),
        ("target_set", {"kpi": "revenue", "campaign": "spring"}, "spring"),
        ("fx_rate", {"currency": "USD", "source": "ecb"}, "USD"),
        ("market_impressions", {}, "market_impressions"),
        ("balance", {"account": "cash"}, "cash"),
    ):
        keys = {record_key({**base, **fields, "type": kind, "event_id": i}) for i in ("1", "2")}
        assert keys == {key}, kind
