"""The log that every contender reads, and what it has to make of it.

Impressions lie in ``tracking.ads`` and clicks in ``tracking.visitor``, as the product's producers
publish them: JSON, keys and partitions of the ads workload (streams/bench/workloads.py) without its
visits and tickets. A log of any length covers the same 100 seconds, so all have the same windows.

A contender that states a window only once a later event has closed it gets a log of its own for
every run, and a tail of later events when it has read the rest (:func:`add_tail`): in the log from
the start, one partition's tail would make the other partitions' events late.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from itertools import count as numbers
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec
from kafka.partitioner.default import murmur2

from processors.names import ADS, VISITOR, physical_topic
from streams.bench.fill import fill
from streams.bench.workloads import ADS_HEAVY, BenchRecord, records
from streams.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.settings import Settings

WINDOW_MS: Final = 10_000
RUNG: Final = "10s"  # of the product, which is as long
SPAN_MS: Final = 100_000
TAIL_AFTER_MS: Final = 600_000
_MIX: Final = replace(ADS_HEAVY, name="peers", impressions=979, clicks=21, visits=0, tickets=0)
_AGO_MS: Final = 2 * 3_600_000  # some contenders' tables expire by the wall clock

#: (campaign, window's start in ms) -> (impressions, clicks)
Counts = dict[tuple[str, int], tuple[int, int]]


@dataclass(frozen=True)
class Log:
    """A log in the broker.

    Attributes:
        events: how many are counted.
        end_ms: windows from here on are not compared.
        expected: recomputed from the very bytes that were produced.
    """

    settings: Settings
    events: int
    end_ms: int
    expected: Counts

    @property
    def topics(self) -> tuple[str, str]:
        """The physical topics of impressions and clicks."""
        namespace = self.settings.namespace
        return physical_topic(ADS, namespace), physical_topic(VISITOR, namespace)


class _Counted(msgspec.Struct):
    type: str
    campaign: str
    ts: int


def produce(settings: Settings, events: int) -> Log:
    """Create the settings' topics and fill them.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    create_topics(settings)
    start_ms = (time.time_ns() // 1_000_000 - _AGO_MS) // WINDOW_MS * WINDOW_MS
    tally: Counter[tuple[str, int, str]] = Counter()
    body = _body(settings, start_ms, events, tally)
    fill(settings, body, events)
    expected = {
        (campaign, window): (
            tally[campaign, window, "ad_impression"],
            tally[campaign, window, "ad_click"],
        )
        for campaign, window, _ in tally
    }
    return Log(settings, events, start_ms + SPAN_MS, expected)


def add_tail(log: Log) -> None:
    """Append an event of every campaign to every partition, beyond any lateness.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    fill(log.settings, _tail(log.settings, log.end_ms + TAIL_AFTER_MS), 10**9)


def _body(
    settings: Settings, start_ms: int, events: int, tally: Counter[tuple[str, int, str]]
) -> Iterator[BenchRecord]:
    decode = msgspec.json.Decoder(_Counted).decode
    dense = replace(_MIX, rate=events * 1000 // SPAN_MS)
    for record in islice(records(dense, start_ms, settings.partitions, "peers"), events):
        event = decode(record.value)
        tally[event.campaign, event.ts // WINDOW_MS * WINDOW_MS, event.type] += 1
        yield record


def _tail(settings: Settings, ts_ms: int) -> Iterator[BenchRecord]:
    for partition in range(settings.partitions):
        for campaign in range(20):
            name = b"campaign-%02d" % campaign
            key = b"tail-%d-%d" % (partition, campaign)
            yield BenchRecord(0, partition, key, _event(b"ad_impression", key, name, ts_ms), ts_ms)
            visitor = _visitor(partition, settings.partitions)
            value = _event(b"ad_click", b"c" + key, name, ts_ms, visitor)
            yield BenchRecord(1, partition, visitor, value, ts_ms)


def _event(
    kind: bytes, event_id: bytes, campaign: bytes, ts_ms: int, visitor: bytes = b""
) -> bytes:
    whose = b',"visitor_id":"%s"' % visitor if visitor else b""
    return b'{"event_id":"%s","type":"%s","ts":%d%s,"campaign":"%s"}' % (
        event_id,
        kind,
        ts_ms,
        whose,
        campaign,
    )


@cache
def _visitor(partition: int, partitions: int) -> bytes:
    """Return a visitor whose events belong into the partition."""
    names = (b"tail-%d" % number for number in numbers())
    return next(n for n in names if (murmur2(n) & 0x7FFFFFFF) % partitions == partition)
