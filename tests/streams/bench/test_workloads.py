"""Laws of the fixed workloads: what their table says is what comes out."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice
from typing import Any

import msgspec
import pytest
from kafka.partitioner.default import murmur2

from processors.decode import Decoder, Validity
from processors.event import TOPIC_BY_TYPE, record_key
from streams.bench.workloads import TOPICS, WORKLOADS, BenchRecord, Workload, records

START_MS = 1_700_006_400_000
COUNT = 100_000

Log = list[tuple[BenchRecord, dict[str, Any]]]


@pytest.fixture(scope="module", params=sorted(WORKLOADS))
def workload(request: pytest.FixtureRequest) -> Workload:
    """Each workload."""
    return WORKLOADS[request.param]


@pytest.fixture(scope="module")
def log(workload: Workload) -> Log:
    """Its first records, decoded."""
    made = islice(records(workload, START_MS, 4, "abc123"), COUNT)
    return [(record, msgspec.json.decode(record.value)) for record in made]


def test_mix(workload: Workload, log: Log) -> None:
    """Every 1,000 events hold exactly the stated numbers of each kind."""
    kinds = Counter(
        {"ad_impression": "impressions", "ad_click": "clicks"}.get(
            event["type"], "tickets" if "ticket_id" in event else "visits"
        )
        for _, event in log
    )
    for name in ("impressions", "clicks", "visits", "tickets"):
        assert kinds[name] == getattr(workload, name) * COUNT // 1000


def test_every_record_is_valid_and_in_its_place(log: Log) -> None:
    """Every record decodes, and has the topic, the key and the partition of the contract."""
    decoder = Decoder(Validity(0, 0, 65_536))
    ids = set()
    for record, event in log:
        assert decoder.decode([(0, record.ts_ms, record.key, record.value)])[2] == []
        assert TOPICS[record.topic] == TOPIC_BY_TYPE[event["type"]]
        assert record_key(event) == record.key.decode()
        assert event["ts"] == record.ts_ms
        if event["type"] != "ad_impression":
            assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 4
        ids.add(event["event_id"])
    assert len(ids) == COUNT


def test_time_runs_at_the_stated_rate(workload: Workload, log: Log) -> None:
    """Times never go back and pass at the workload's rate."""
    times = [record.ts_ms for record, _ in log]
    assert times == sorted(times)
    assert times[0] == START_MS
    assert times[-1] - START_MS == (COUNT - 1) * 1000 // workload.rate


def test_sizes(log: Log) -> None:
    """Records are 195 to 335 bytes and 215 to 255 in the mean."""
    sizes = [len(record.value) for record, _ in log]
    assert min(sizes) >= 190
    assert max(sizes) <= 345
    assert 215 < sum(sizes) / COUNT < 255


def test_partitions_are_even(log: Log) -> None:
    """Each partition of the busiest topic has its fourth, within 5 %."""
    partitions = Counter((record.topic, record.partition) for record, _ in log)
    (busiest, _), _ = partitions.most_common(1)[0]
    found = [count for (topic, _), count in partitions.items() if topic == busiest]
    assert len(found) == 4
    assert max(found) < 1.05 * sum(found) / 4


def test_visits_keep_their_origin(log: Log) -> None:
    """A visitor is one visit, with one origin, and buys at most once."""
    origins = defaultdict[str, set[Any]](set)
    bought = Counter[str]()
    for _, event in log:
        if "landing_page" in event:
            origins[event["visitor_id"]].add(
                tuple(event[n] for n in ("source", "medium", "campaign", "landing_page", "device"))
            )
            bought[event["visitor_id"]] += event["type"] == "purchase"
    assert max(len(found) for found in origins.values()) == 1
    assert max(bought.values()) <= 1


def test_numbers_of_dimension_values(log: Log) -> None:
    """No dimension has more values than the table says, so no budget overflows."""
    stated = {
        "ad": 200, "placement": 6, "network": 4, "source": 8, "medium": 5, "landing_page": 40,
        "device": 3, "country": 25, "product": 200, "category": 10, "region": 12, "priority": 3,
        "team": 6, "agent": 40,
    }  # fmt: skip
    values = defaultdict[str, set[str]](set)
    for _, event in log:
        for name in stated.keys() & event.keys():
            values[name].add(event[name])
    assert all(len(found) <= stated[name] for name, found in values.items())


def test_same_arguments_same_records(workload: Workload, log: Log) -> None:
    """A workload is a constant."""
    again = islice(records(workload, START_MS, 4, "abc123"), 1000)
    assert list(again) == [record for record, _ in log[:1000]]
