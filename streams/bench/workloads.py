"""The two workloads, fixed here once: mixes, sizes, keys and numbers of dimension values.

============================  =====================  =====================================
of 1,000 events               ads                    shop
============================  =====================  =====================================
ad_impression                 930                    80
ad_click                      20                     20
visits' events                45                     850
tickets' events               5                      50
events a second of event time 20,000                 500
slots: visits, tickets        20,000 and 500         20,000 and 2,000
============================  =====================  =====================================

Visits: of 38, 16 are one page view (bounce), 12 are five page views, 7 leave a cart behind
(``PPAPACC`` with P page_view, A add_to_cart, C checkout_started) and 3 buy (``PPAPACB``, B
purchase). A visit belongs to a new visitor, and keeps its source, medium, campaign, landing page,
device and country. A slot holds one visit after the other; the slots take turns, so a visit's
events are slots / share / rate apart (47 s in the shop) and sessions close 30 minutes of event
time later. Tickets: opened, agent replies, customer replies, resolved; slots as for visits.

Distinct values: campaign 20, ad 200, placement 6, network 4, channel 3; source 8, medium 5,
landing_page 40, device 3, country 25, product 200, category 10, region 12; priority 3, team 6,
agent 40. Visitors, orders, tickets and event ids are without bound.

Records are 195 to 330 bytes, 220 (ads) and 245 (shop) in the mean. Keys and partitions: visitor_id
and ticket_id by murmur2; impressions, whose keys are unique, take the partitions in turn.
Timestamps never go back; records carry their event's time. Nothing is late, repeated or invalid.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from kafka.partitioner.default import murmur2

from processors.names import ADS, SUPPORT, VISITOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOPICS: Final = (ADS, VISITOR, SUPPORT)
_SEED: Final = 20_240_229
_POOL: Final = 4_096
_LIFE: Final = ("P",) * 16 + ("PPPPP",) * 12 + ("PPAPACC",) * 7 + ("PPAPACB",) * 3
_TICKET: Final = (
    b'"type":"ticket_opened"',
    b'"type":"ticket_replied","by":"agent"',
    b'"type":"ticket_replied","by":"customer"',
    b'"type":"ticket_resolved"',
)


@dataclass(frozen=True)
class Workload:
    """How many of 1,000 events are of which kind, and how dense they are in event time."""

    name: str
    impressions: int
    clicks: int
    visits: int
    tickets: int
    rate: int
    visit_slots: int
    ticket_slots: int


ADS_HEAVY: Final = Workload("ads", 930, 20, 45, 5, 20_000, 20_000, 500)
SHOP: Final = Workload("shop", 80, 20, 850, 50, 500, 20_000, 2_000)
WORKLOADS: Final = {w.name: w for w in (ADS_HEAVY, SHOP)}


class BenchRecord(NamedTuple):
    """A record to be: the topic's number in TOPICS, partition, key, value, time (ms)."""

    topic: int
    partition: int
    key: bytes
    value: bytes
    ts_ms: int


def records(workload: Workload, start_ms: int, partitions: int, run: str) -> Iterator[BenchRecord]:
    """Yield the workload's records without end, in order of time.

    Args:
        workload: one of WORKLOADS, or with another rate.
        start_ms: event time of the first one.
        partitions: of each topic.
        run: goes into every identity, up to 8 characters.
    """
    random = Random(_SEED)
    stamp = run.encode()
    kinds = [0] * workload.impressions + [1] * workload.clicks
    kinds += [2] * workload.visits + [3] * workload.tickets
    random.shuffle(kinds)
    makers = (
        _impressions(random, partitions, stamp),
        _clicks(random, partitions, stamp),
        _visits(random, workload.visit_slots, partitions, stamp),
        _tickets(random, workload.ticket_slots, partitions, stamp),
    )
    turn, number = len(kinds), 0
    while True:
        ts_ms = start_ms + number * 1000 // workload.rate
        yield makers[kinds[number % turn]](number, ts_ms)
        number += 1


def _partition(key: bytes, partitions: int) -> int:
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


def _campaign(random: Random) -> bytes:
    number = random.randrange(20)
    return (
        b'"campaign":"campaign-%02d","ad":"ad-%02d-%d","placement":"place-%d"'
        b',"network":"network-%d","channel":"channel-%d"'
    ) % (number, number, random.randrange(10), number % 6, number % 4, number % 3)


def _impressions(random: Random, partitions: int, run: bytes) -> Callable[[int, int], BenchRecord]:
    pool = [
        b'%s,"properties":{"slot":%d,"creative":"%06x"}}'
        % (_campaign(random), random.randrange(9), random.randrange(1 << 24))
        for _ in range(_POOL)
    ]

    def make(number: int, ts_ms: int) -> BenchRecord:
        event_id = b"e-%s-%x" % (run, number)
        value = b'{"event_id":"%s","type":"ad_impression","ts":%d,%s' % (
            event_id,
            ts_ms,
            pool[number % _POOL],
        )
        return BenchRecord(0, number % partitions, event_id, value, ts_ms)

    return make


def _clicks(random: Random, partitions: int, run: bytes) -> Callable[[int, int], BenchRecord]:
    pool = [_campaign(random) for _ in range(_POOL)]

    def make(number: int, ts_ms: int) -> BenchRecord:
        visitor = b"c-%s-%x" % (run, number)
        value = b'{"event_id":"e-%s-%x","type":"ad_click","ts":%d,"visitor_id":"%s",%s}' % (
            run,
            number,
            ts_ms,
            visitor,
            pool[number % _POOL],
        )
        return BenchRecord(1, _partition(visitor, partitions), visitor, value, ts_ms)

    return make


def _visits(
    random: Random, slots: int, partitions: int, run: bytes
) -> Callable[[int, int], BenchRecord]:
    visits = list(_LIFE)
    random.shuffle(visits)
    life = [(step, place == 0) for visit in visits for place, step in enumerate(visit)]
    origins = [
        b'"source":"source-%d","medium":"medium-%d","campaign":"letter-%d"'
        b',"landing_page":"/landing/%02d","device":"%s","country":"C%02d"'
        % (
            *(random.randrange(8), random.randrange(5), random.randrange(5), random.randrange(40)),
            random.choice((b"mobile", b"desktop", b"tablet")),
            random.randrange(25),
        )
        for _ in range(_POOL)
    ]
    goods = [
        b'"value":"%d.%02d","currency":"EUR","product":"p-%03d","category":"cat-%d"'
        % (random.randrange(5, 300), random.randrange(100), product, product % 10)
        for product in random.choices(range(200), k=_POOL)
    ]
    # Every slot begins at a visit's first step, each at another one.
    firsts = [index for index, (_, first) in enumerate(life) if first]
    position = [random.choice(firsts) for _ in range(slots)]
    visitor = [b""] * slots
    common = [b""] * slots
    partition = [0] * slots
    taken, visitors = -1, 0
    steps = len(life)

    def make(number: int, ts_ms: int) -> BenchRecord:
        nonlocal taken, visitors
        taken += 1
        slot = taken % slots
        step, first = life[position[slot]]
        position[slot] = (position[slot] + 1) % steps
        if first:
            visitors += 1
            key = visitor[slot] = b"v-%s-%x" % (run, visitors)
            partition[slot] = _partition(key, partitions)
            common[slot] = b'"visitor_id":"%s",%s' % (key, origins[visitors % _POOL])
        if step == "P":
            kind = b'"type":"page_view","referrer":"example.org"'
        elif step == "A":
            kind = b'"type":"add_to_cart","quantity":1,' + goods[number % _POOL]
        elif step == "C":
            kind = b'"type":"checkout_started"'
        else:
            kind = b'"type":"purchase","order_id":"o-%s-%x","region":"region-%d",%s' % (
                run,
                number,
                number % 12,
                goods[number % _POOL],
            )
        value = b'{"event_id":"e-%s-%x","ts":%d,%s,%s}' % (
            run,
            number,
            ts_ms,
            common[slot],
            kind,
        )
        return BenchRecord(1, partition[slot], visitor[slot], value, ts_ms)

    return make


def _tickets(
    random: Random, slots: int, partitions: int, run: bytes
) -> Callable[[int, int], BenchRecord]:
    pool = [
        b'"priority":"%s","team":"team-%d","channel":"%s","agent":"agent-%02d"'
        b',"properties":{"subject":"where is my order, please"}'
        % (
            random.choice((b"urgent", b"normal", b"low")),
            random.randrange(6),
            random.choice((b"email", b"chat", b"phone")),
            random.randrange(40),
        )
        for _ in range(_POOL)
    ]
    taken = -1

    def make(number: int, ts_ms: int) -> BenchRecord:
        nonlocal taken
        taken += 1
        round_, slot = divmod(taken, slots)
        ticket = round_ // len(_TICKET) * slots + slot
        key = b"t-%s-%x" % (run, ticket)
        value = b'{"event_id":"e-%s-%x","ts":%d,"ticket_id":"%s",%s,%s}' % (
            run,
            number,
            ts_ms,
            key,
            _TICKET[round_ % len(_TICKET)],
            pool[ticket % _POOL],
        )
        return BenchRecord(2, _partition(key, partitions), key, value, ts_ms)

    return make
