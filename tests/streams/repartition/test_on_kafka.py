"""``kpi repartition`` on Apache Kafka: partitions are added, workers go on, nothing is torn."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from processors.event import record_key, tick_record
from processors.names import CUSTOMER, VISITOR, physical_topic
from streams.catalog_files import read_catalog
from streams.cli.main import main
from streams.settings import Settings
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader
from streams.topics import create_topics
from tests.faults.conftest import MEASURES
from tests.faults.crew import Crew
from tests.faults.judge import _rolled_up, _stored
from tests.simulation.oracle import recompute
from tests.streams.repartition.counting import HORIZON, events_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.streams.repartition.counting import Event
    from tests.support.kafka_nodes import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.servers]


class Site:
    """A namespace with its workers and a producer of its own."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings, self.crew = settings, Crew(settings, directory)
        create_topics(settings)

    def publish(self, events: Sequence[Event], ticks: int = 0) -> None:
        """Publish by key, as any producer; in the end ticks into so many partitions."""
        topic = physical_topic(VISITOR, self.settings.namespace)
        producer = KafkaProducer(bootstrap_servers=self.settings.broker)
        for event in events:
            key = (record_key(event) or "").encode()
            value = json.dumps(event).encode()
            producer.send(topic, value, key=key, timestamp_ms=event["ts"])
        for number in range(ticks):
            end_ms = events[-1]["ts"] + 3 * 3_600_000
            value = tick_record(end_ms, number)
            producer.send(topic, value, partition=number, timestamp_ms=end_ms)
        producer.flush()
        producer.close()

    def is_read(self) -> bool:
        """Tell whether the workers are at the end of visitors and of customers."""
        consumer = KafkaConsumer(bootstrap_servers=self.settings.broker)
        try:
            ends = {}
            for topic in (VISITOR, CUSTOMER):
                physical = physical_topic(topic, self.settings.namespace)
                parts = [
                    TopicPartition(physical, n) for n in consumer.partitions_for_topic(physical)
                ]
                for at, end in consumer.end_offsets(parts).items():
                    ends[topic, at.partition] = end
        finally:
            consumer.close()
        progress = asyncio.run(self._progress())
        return all(progress.get(at, 0) >= end for at, end in ends.items())

    async def _progress(self) -> dict[tuple[str, int], int]:
        client = open_client(self.settings.redis_url)
        try:
            found = await RedisReader(client, self.settings.namespace).progress()
        finally:
            await client.aclose()
        return {(who.topic, who.partition): seen.offset or 0 for who, seen in found.items()}


@pytest.fixture
def site(apache_kafka: KafkaCluster, valkey: str, tmp_path: Path) -> Iterator[Site]:
    """A namespace with two partitions."""
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / MEASURES.name).write_text(MEASURES.read_text())
    settings = Settings(
        broker=apache_kafka.bootstrap,
        redis_url=valkey,
        namespace="grown",
        partitions=2,
        catalog_dir=str(tmp_path / "catalog"),
        checkpoint_interval_ms=100,
        tick_interval_ms=0,
        rebalance_timeout_ms=1_500,
        session_timeout_ms=3_000,
        keep_all_panes=1,
    )
    site = Site(settings, tmp_path)
    yield site
    site.crew.close()


def test_partitions_are_added_between_two_runs_of_the_workers(
    site: Site,
    eventually: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Refused while workers are there; then states move, and the whole log is counted exactly."""
    for name, value in site.settings.environment().items():
        monkeypatch.setenv(name, value)
    events = events_of(VISITOR, 6)
    middle = len(events) // 2
    site.publish(events[:middle])
    hand = site.crew.hire()
    eventually(site.is_read, 60.0)
    command = ["repartition", "--topic", VISITOR, "--partitions", "3"]
    assert main([*command, "--backup", str(tmp_path / "early")]) == 2
    assert "end the workers first" in capsys.readouterr().err
    assert site.crew.dismiss(hand) == 0
    eventually(site.is_read)
    assert main([*command, "--backup", str(tmp_path / "b"), "--format", "json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["before"], done["after"]) == (2, 3)
    site.publish(events[middle:], ticks=3)
    site.crew.hire()
    eventually(site.is_read, 60.0, site.crew.logs())
    catalog = read_catalog(site.settings)
    values = [(n, e["ts"], json.dumps(e).encode()) for n, e in enumerate(events)]
    end_ms = events[-1]["ts"] + 3 * 3_600_000
    log = {(VISITOR, 0): [*values, (len(values), end_ms, tick_record(end_ms, 0))]}
    expected = recompute(catalog, log, dedup_horizon=HORIZON)
    stored, counted = asyncio.run(_stored(site.settings, catalog))
    assert stored == _rolled_up(catalog, expected)
    assert counted["events"] == expected.counters["events"] > len(events) // 2
