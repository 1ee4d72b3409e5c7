"""Logs that are not what was counted: a clear stop, and the way back."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient, TopicPartition

from processors.names import ADS, physical_topic
from streams.tables.base import PartitionId
from streams.topics import create_topics
from tests.faults.field import at_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.field import Field
    from tests.faults.report import Report

pytestmark = [pytest.mark.faults, pytest.mark.brokers, pytest.mark.long]
GROUP = "Topics"
STOPPED = "is stopped, other partitions go on"
SEEN = "`{}`, alert PipelinePartitionStopped; tables dropped, counted anew"


@pytest.fixture(autouse=True)
def _only_kafka(broker_kind: str) -> None:
    if broker_kind == "embedded":
        pytest.skip("the embedded broker can neither trim nor change topics")


@contextmanager
def admin_of(field: Field) -> Iterator[Any]:
    """Connect to the broker."""
    admin = KafkaAdminClient(bootstrap_servers=field.settings.broker.split(","))
    try:
        yield admin
    finally:
        admin.close()


def drop_tables(field: Field) -> None:
    """End every worker, then drop the namespace's tables."""
    for hand in list(field.crew.hands):
        field.crew.dismiss(hand)

    run_kpi(field, "state", "drop", "--yes")


def run_kpi(field: Field, *arguments: str) -> None:
    """Run a command on the case's servers."""
    command = [sys.executable, "-m", "streams.cli.main", *arguments]
    subprocess.run(command, env={**os.environ, **field.settings.environment()}, check=True)


def test_log_begins_past_the_position(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """What retention took unread is never skipped in silence, nor once the tables are dropped."""
    with at_work(make_field(seed=51)) as field:
        (hand,) = field.crew.hands
        field.until(
            field.is_noted, "Kafka's commit, by which a worker knows that there was a count"
        )
        assert field.crew.dismiss(hand) == 0
        where = PartitionId(ADS, 0)
        held = field.progress()[where].offset or 0
        field.until(lambda: field.traffic.ends().get(where, 0) > held + 20, "more is published")
        with admin_of(field) as admin:
            topic = physical_topic(ADS, field.settings.namespace)
            admin.delete_records({TopicPartition(topic, 0): held + 10})
        hand = field.crew.hire()
        field.until(lambda: hand.said("have been deleted unread"), "it is said")
        field.until(lambda: hand.said(STOPPED), "the others go on")
        drop_tables(field)
        hand = field.crew.hire()
        field.until(lambda: hand.said("or accept that with KPI_COUNT_ANEW=1"), "a person must say")
        drop_tables(field)
        field.crew.hire(KPI_COUNT_ANEW="1")
        field.recover()
        verdict = field.finish()
    seen = SEEN.format("the records between have been deleted unread") + ", `KPI_COUNT_ANEW=1`"
    report.add(GROUP, "log begins past the position", broker_kind, seen, field, verdict)


def test_topic_created_again(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """Offsets of another log with the same name are not read on from."""
    with at_work(make_field(seed=52)) as field:
        (hand,) = field.crew.hands
        field.traffic.pause()
        with admin_of(field) as admin:
            admin.delete_topics([physical_topic(ADS, field.settings.namespace)])
        field.traffic.forget(ADS)
        field.until(lambda: create_topics(field.settings), "the topic is there again")
        field.traffic.resume()
        # What is asked of the broker may be two seconds old: then the log's end gives it away.
        reasons = ("the topic was created anew", "this is not the log that was counted")
        field.until(lambda: any(map(hand.said, reasons)), "it is said")
        field.until(lambda: hand.said(STOPPED), "the others go on")
        drop_tables(field)
        field.crew.hire()
        field.recover()
        verdict = field.finish()
    seen = SEEN.format("the topic was created anew")
    report.add(GROUP, "topic deleted and created again", broker_kind, seen, field, verdict)


def test_partition_added(
    make_field: Callable[..., Field], report: Report, broker_kind: str, tmp_path: Path
) -> None:
    """Keys that have moved between partitions are not counted as if they had not."""
    with at_work(make_field(seed=53)) as field:
        (hand,) = field.crew.hands
        with admin_of(field) as admin:
            admin.create_partitions({physical_topic(ADS, field.settings.namespace): 5})
        field.until(lambda: hand.said("has 5 partitions, but was counted with 4"), "it is said")
        field.until(lambda: hand.said(STOPPED), "the others go on")
        assert field.crew.dismiss(hand) == 0
        run_kpi(field, "repartition", "--topic", ADS, "--backup", str(tmp_path / "before.kpi"))
        field.crew.hire()
        field.recover()
        verdict = field.finish()
    seen = (
        "`the topic has 5 partitions, but was counted with 4`, alert PipelinePartitionStopped; "
        "`kpi repartition`"
    )
    report.add(GROUP, "partition added", broker_kind, seen, field, verdict)
