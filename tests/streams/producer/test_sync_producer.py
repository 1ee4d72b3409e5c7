"""Laws of the blocking producer, on a real broker, with a cable that is really cut."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from kafka.partitioner.default import murmur2

from processors.errors import SettingsError, UnreachableError
from processors.event import STRUCT_BY_TYPE, record_key
from streams.producer.errors import BufferFullError, DeliveryError, InvalidEventError
from streams.producer.sync import EventProducer
from tests.streams.producer.test_gate import minimal
from tests.support.kafka_log import PARTITIONS, events, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.embedded.servers import Addresses
    from tests.support.cable import Cable

pytestmark = pytest.mark.servers
AWAY_AFTER_MS = 1_000
PATIENT_MS = 30_000


def numbers(found: list[dict[str, Any]], visitor: str) -> list[int]:
    """Return the numbers of one visitor's events, in the log's order, without repetitions."""
    return list(dict.fromkeys(e["number"] for e in found if e.get("visitor_id") == visitor))


def hasty(address: str, namespace: str, **options: Any) -> EventProducer:
    """Return a producer that notices soon that Kafka is away."""
    return producer(address, namespace, away_after_ms=AWAY_AFTER_MS, **options)


def producer(address: str, namespace: str, **options: Any) -> EventProducer:
    """Return a producer that a slow machine does not make believe that Kafka is away."""
    return EventProducer(address, namespace=namespace, **({"away_after_ms": PATIENT_MS} | options))


def test_every_type_arrives_in_its_topic_under_its_key(servers: Addresses, namespace: str) -> None:
    """Topic, key, partition and content are the contract's, one record an event."""
    with producer(servers.broker, namespace) as out:
        for event_type in STRUCT_BY_TYPE:
            event = minimal(event_type)
            out.publish(event | {"event_id": event_type, "ts": None}).result(10)
    found = {
        json.loads(record.value)["event_id"]: record
        for record in records(servers.broker, namespace)
    }
    assert found.keys() == STRUCT_BY_TYPE.keys()
    for event_type, record in found.items():
        assert record.topic == f"{namespace}.{STRUCT_BY_TYPE[event_type].topic}"
        assert record.key == str(record_key(json.loads(record.value))).encode()
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % PARTITIONS


def test_threads_share_a_producer(servers: Addresses, namespace: str) -> None:
    """Every event of every thread arrives once, each thread's in its order."""
    with producer(servers.broker, namespace, buffer_events_max=200) as out:

        def work(visitor: str) -> None:
            for number in range(500):
                out.page_view(visitor_id=visitor, landing_page="/", number=number)

        threads = [threading.Thread(target=work, args=(f"v{i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    found = events(servers.broker, namespace)
    assert len(found) == 2_000
    for index in range(4):
        assert numbers(found, f"v{index}") == list(range(500))


def test_receipts_say_where_the_event_is(servers: Addresses, namespace: str) -> None:
    """The receipt's topic, partition and offset are those of the record."""
    with producer(servers.broker, namespace) as out:
        receipts = [
            out.lead_created(lead_id=f"l{number}", event_id=f"e{number}").result(10)
            for number in range(20)
        ]
    found = {
        (r.topic, r.partition, r.offset): json.loads(r.value)["event_id"]
        for r in records(servers.broker, namespace)
    }
    assert [found[receipt[:3]] for receipt in receipts] == [f"e{n}" for n in range(20)]


def test_invalid_events_are_raised_and_never_sent(servers: Addresses, namespace: str) -> None:
    """A mistake is an exception where it was made, and not a dead letter."""
    with (
        producer(servers.broker, namespace) as out,
        pytest.raises(InvalidEventError, match=r"event p1: invalid_amount: value: -3 is negative"),
    ):
        out.purchase(visitor_id="v", order_id="o", value=-3, currency="EUR", event_id="p1")
    assert events(servers.broker, namespace) == []


def test_spool_takes_over_and_gives_back_in_order(
    cabled: tuple[Cable, str],
    cabled_namespace: str,
    tmp_path: Path,
    eventually: Callable[..., None],
) -> None:
    """While Kafka is away publishing goes on; the spool arrives before what comes after."""
    cable, address = cabled
    with hasty(address, cabled_namespace, when_away="spool", spool_dir=tmp_path) as out:
        for number in range(100):
            out.page_view(visitor_id="v", number=number)
        cable.cut()
        deliveries = [out.page_view(visitor_id="v", number=number) for number in range(100, 300)]
        assert deliveries[0].result(10).spooled
        late = out.page_view(visitor_id="v", number=300)
        assert late.result(0).spooled  # at once: nothing waits for Kafka any more
        cable.mend()
        eventually(lambda: not out.page_view(visitor_id="v", number=301).result(5).spooled)
    found = numbers(events(address, cabled_namespace), "v")
    assert found == list(range(302))


def test_spool_outlives_the_process(
    cabled: tuple[Cable, str],
    cabled_namespace: str,
    tmp_path: Path,
    eventually: Callable[..., None],
) -> None:
    """What one process could not send, the next one sends, before its own events."""
    cable, address = cabled
    cable.cut()
    try:
        first = hasty(address, cabled_namespace, when_away="spool", spool_dir=tmp_path)
        for number in range(50):
            first.page_view(visitor_id="v", number=number)
        first.close(timeout_s=1)
    finally:
        cable.mend()
    with hasty(address, cabled_namespace, when_away="spool", spool_dir=tmp_path) as second:
        second.page_view(visitor_id="v", number=50)
        eventually(lambda: not second.page_view(visitor_id="v", number=51).result(5).spooled)
    assert numbers(events(address, cabled_namespace), "v") == list(range(52))


def test_full_spool_refuses_by_name(tmp_path: Path) -> None:
    """Where neither Kafka nor the spool has room, publishing raises and says so."""
    options = {"when_away": "spool", "spool_dir": tmp_path, "spool_bytes_max": 600}
    with hasty("127.0.0.1:1", "live", **options) as out:
        assert out.page_view(visitor_id="v").result(0).spooled
        with pytest.raises(BufferFullError, match=r"of 600 bytes wait for Kafka"):
            out.page_view(visitor_id="v", properties={"x": "y" * 500})


def test_raise_names_the_event(cabled: tuple[Cable, str], cabled_namespace: str) -> None:
    """Events on their way fail with their id, new ones are refused until Kafka is back."""
    cable, address = cabled
    reported: list[DeliveryError] = []
    out = hasty(address, cabled_namespace, when_away="raise", on_error=reported.append)
    cable.cut()
    try:
        delivery = out.page_view(visitor_id="v", event_id="on-its-way")
        with pytest.raises(DeliveryError, match="event on-its-way was not confirmed"):
            delivery.result(10)
        with pytest.raises(DeliveryError, match="event late was not confirmed"):
            out.page_view(visitor_id="v", event_id="late")
    finally:
        cable.mend()
    deadline = time.monotonic() + 15
    while True:
        try:
            out.page_view(visitor_id="v", event_id="back").result(10)
            break
        except DeliveryError:
            assert time.monotonic() < deadline
    out.close()
    assert reported[0].event_id == "on-its-way"
    assert "back" in {event["event_id"] for event in events(address, cabled_namespace)}


def test_raise_is_raised_at_the_start_too() -> None:
    """Who wants to know hears it from the constructor."""
    with pytest.raises(UnreachableError, match=r"Kafka at 127\.0\.0\.1:1"):
        hasty("127.0.0.1:1", "live", when_away="raise")


def test_block_waits_and_loses_nothing(cabled: tuple[Cable, str], cabled_namespace: str) -> None:
    """A full buffer holds callers back, up to their timeout; what was taken arrives in order."""
    cable, address = cabled
    with hasty(address, cabled_namespace, buffer_events_max=20, block_timeout_ms=300) as out:
        out.page_view(visitor_id="v", number=0).result(10)
        cable.cut()
        try:
            for number in range(1, 21):
                out.page_view(visitor_id="v", number=number)
            with pytest.raises(BufferFullError, match="20 events wait for Kafka"):
                out.page_view(visitor_id="v", number=21)
            time.sleep(2 * AWAY_AFTER_MS / 1000)  # as long as it takes to be noticed
        finally:
            cable.mend()
        assert out.flush(15)
    assert numbers(events(address, cabled_namespace), "v") == list(range(21))


def test_exit_flushes(servers: Addresses, namespace: str) -> None:
    """A program that just ends has published everything."""
    program = f"""
from streams.producer.sync import EventProducer
out = EventProducer({servers.broker!r}, namespace={namespace!r}, linger_ms=200)
for number in range(1000):
    out.page_view(visitor_id="v", number=number)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert numbers(events(servers.broker, namespace), "v") == list(range(1000))


def test_a_spool_needs_a_directory() -> None:
    """A policy without its means is refused, not ignored."""
    with pytest.raises(SettingsError, match="a spool needs a directory"):
        EventProducer(when_away="spool")
