"""Logs of one partition, made on the fly."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from streams.bench.throughput import START_MS
from streams.bench.workloads import TOPICS, WORKLOADS, records

if TYPE_CHECKING:
    from processors.record import Record


def workload(name: str, topic: str, count: int) -> list[Record]:
    """Return the first records of a workload that lie in a topic."""
    number = TOPICS.index(topic)
    made = (r for r in records(WORKLOADS[name], START_MS, 1, "scale") if r.topic == number)
    return [(at, r.ts_ms, r.key, r.value) for at, r in enumerate(islice(made, count))]


def impressions(count: int, campaigns: int) -> list[Record]:
    """Return impressions of so many campaigns, in turn, within one minute."""
    return [
        (
            at,
            START_MS + at * 60_000 // count,
            b"k",
            b'{"event_id":"i%d","type":"ad_impression","ts":%d,"campaign":"campaign-%d"}'
            % (at, START_MS + at * 60_000 // count, at % campaigns),
        )
        for at in range(count)
    ]


def visits(count: int) -> list[Record]:
    """Return one page view of each of so many visitors: so many sessions are open."""
    return [
        (
            at,
            START_MS + at * 60_000 // count,
            b"v%d" % at,
            b'{"event_id":"p%d","type":"page_view","ts":%d,"visitor_id":"v%d","source":"s","device":"d"'
            b',"landing_page":"/l/%d"}' % (at, START_MS + at * 60_000 // count, at, at % 40),
        )
        for at in range(count)
    ]
