"""Records that no event is in, numbers past all bounds, clocks that jump."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, TopicPartition

from processors.names import DEAD_LETTER, EVENT_TOPICS, VISITOR, physical_topic
from streams.tables.keys import PartitionKeys
from tests.faults.field import at_work
from tests.simulation.traffic import START_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.field import Field
    from tests.faults.report import Report

pytestmark = [pytest.mark.faults, pytest.mark.brokers, pytest.mark.long]
GROUP = "Records and clocks"
POISON = (
    b"", b"\xff\xfe\x00", b"{", b"[]", b'"text"', b"0", b"null", b'{"ts":1e999}', b"{}" * 500,
    b'{"a":' * 900, b"x" * 200_000, b'{"event_id":"' + b"e" * 200_000 + b'"',
)  # fmt: skip


def dead_letters(field: Field) -> set[tuple[str, int, int]]:
    """Return (topic, partition, offset) of every record in the dead-letter topic."""
    topic = physical_topic(DEAD_LETTER, field.settings.namespace)
    consumer = KafkaConsumer(bootstrap_servers=field.settings.broker.split(","))
    partitions = [TopicPartition(topic, p) for p in range(field.settings.partitions)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    found = set()
    # Asked by fetching: the embedded broker's answer to "end offsets" leaves the last batch out.
    while any(consumer.highwater(tp) != consumer.position(tp) for tp in partitions):
        for records in consumer.poll(200).values():
            letters = [json.loads(record.value) for record in records]
            found |= {(one["topic"], one["partition"], one["offset"]) for one in letters}
    consumer.close()
    return found


def test_poison_and_oversize(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """Whatever a record holds, it is a dead letter once, and the others count."""
    chance = random.Random(9)
    with at_work(make_field(seed=41)) as field:
        for number in range(120):
            value = POISON[number % len(POISON)]
            field.traffic.send(chance.choice(EVENT_TOPICS), number % 4, value, b"key")
            time.sleep(0.03)
            if number % 40 == 20:
                field.crew.hands[0].kill()
        field.recover()
        verdict = field.finish()
        assert len(dead_letters(field)) == verdict.counters["rejected"][0]
    seen = "each in the dead-letter topic with reason, topic, partition and offset"
    report.add(GROUP, "120 poison and oversize records, SIGKILLs", broker_kind, seen, field,
               verdict)  # fmt: skip


def test_counter_overflow(
    make_field: Callable[..., Field], report: Report, broker_kind: str, tmp_path: Path
) -> None:
    """A number past 10^17 stops its partition with the cell's name; a backup is the way back."""
    with at_work(make_field(seed=42)) as field:
        (hand,) = field.crew.hands
        field.valkey.stop()
        field.valkey.copy_to(tmp_path / "backup")
        field.valkey.start()
        field.recover()
        keys = PartitionKeys.of(field.settings.namespace, VISITOR, 1, field.settings.partitions)
        field.valkey.call("HSET", keys.meta, "counter:events", 10**17)  # BAD! past all bounds
        field.until(lambda: hand.said("integers stay below 10^17"), "it is said")
        field.until(lambda: hand.said("is stopped, other partitions go on"), "the others go on")
        field.valkey.kill()
        field.valkey.put_back(tmp_path / "backup")
        field.valkey.start()
        hand.kill()
        field.recover()
        verdict = field.finish()
    seen = "`is stopped`, the cell's name, alert PipelinePartitionStopped; the backup restored"
    report.add(GROUP, "counter past 10^17", broker_kind, seen, field, verdict)


def test_clock_jumps(
    make_field: Callable[..., Field], report: Report, broker_kind: str, tmp_path: Path
) -> None:
    """Ticks of clocks that jump by days are in the log: a recomputation gives the same."""
    clock = tmp_path / "clock"
    chance = random.Random(10)
    now_ms = time.time_ns() // 1_000_000

    def set_clock(ahead_ms: int) -> None:
        clock.write_text(str(START_MS - now_ms + ahead_ms))

    set_clock(0)
    with at_work(make_field(seed=43, tick_interval_ms=150), workers=0) as field:
        field.crew.hire("worker", module="tests.faults.skewed", SKEW_FILE=str(clock))
        field.flow()
        for _ in range(8):
            set_clock(chance.randrange(-86_400_000, 10 * 86_400_000))
            field.traffic.pause()  # idle partitions get ticks
            time.sleep(0.6)
            field.traffic.resume()
            time.sleep(0.6)
        field.recover()
        verdict = field.finish()
    seen = "what comes after a tick that is ahead counts as late"
    report.add(GROUP, "worker's clock jumps by -1 to +10 days", broker_kind, seen, field, verdict)
