"""Laws of a collector whose Kafka goes away, and of one that is told to end: nothing is lost."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import pytest

from tests.support.collecting import Collector
from tests.support.kafka_log import events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.embedded.servers import Addresses
    from tests.support.cable import Cable

pytestmark = pytest.mark.servers


def batch(size: int, visitor: str = "v", first: int = 0) -> list[dict[str, Any]]:
    """Return valid, numbered events."""
    ts = time.time_ns() // 1_000_000
    return [
        {"event_id": uuid.uuid4().hex, "type": "page_view", "ts": ts, "visitor_id": visitor,
         "number": number}
        for number in range(first, first + size)
    ]  # fmt: skip


class Client(threading.Thread):
    """Posts batches until told to stop, and remembers what was acknowledged."""

    def __init__(self, collector: Collector, name: str, *, segment: bool = False) -> None:
        super().__init__(daemon=True)
        self.collector, self.visitor, self.segment = collector, name, segment
        self.acknowledged: set[str] = set()
        self.statuses: set[int] = set()
        self.ended = threading.Event()

    def run(self) -> None:
        """Post."""
        while not self.ended.is_set():
            sent = batch(20, self.visitor)
            try:
                answer = self.collector.post("/v1/events", sent)
            except (URLError, OSError):
                continue
            self.statuses.add(answer.status)
            if answer.status in (200, 202):
                self.acknowledged |= {event["event_id"] for event in sent}


def hasty(address: str, namespace: str, directory: Path, **options: Any) -> Collector:
    """Return a collector that notices soon that Kafka is away."""
    return Collector(address, namespace, directory, away_after_ms=1_000, **options)


def under_load(collector: Collector, act: Callable[[], None]) -> set[str]:
    """Do something while clients post; return the ids that were acknowledged."""
    clients = [Client(collector, f"v{index}") for index in range(4)]
    for client in clients:
        client.start()
    time.sleep(0.5)
    act()
    for client in clients:
        client.ended.set()
    for client in clients:
        client.join(30)
    return set().union(*(client.acknowledged for client in clients))


def ids(address: str, namespace: str) -> set[str]:
    """Return the ids of all events in Kafka."""
    return {event["event_id"] for event in events(address, namespace)}


def test_sigterm_under_load_loses_nothing(
    servers: Addresses, namespace: str, tmp_path: Path
) -> None:
    """Every event acknowledged before the end is in Kafka; the process ends cleanly."""
    with Collector(servers.broker, namespace, tmp_path) as collector:
        acknowledged = under_load(collector, lambda: collector.stop() and None)
        assert collector.process.returncode == 0, collector.log
    assert len(acknowledged) > 100
    assert acknowledged <= ids(servers.broker, namespace)
    assert "Traceback" not in collector.log


def test_an_outage_loses_nothing(
    cabled: tuple[Cable, str],
    cabled_namespace: str,
    tmp_path: Path,
    eventually: Callable[..., None],
) -> None:
    """Events go to the spool while Kafka is away and to Kafka afterwards, the spool first."""
    cable, address = cabled
    spool = str(tmp_path / "spool")
    with hasty(address, cabled_namespace, tmp_path, spool=spool) as collector:

        def outage() -> None:
            cable.cut()
            time.sleep(2.5)
            cable.mend()
            eventually(lambda: collector.get("/readyz").json == {"kafka": True, "spooled": 0})

        acknowledged = under_load(collector, outage)
    assert len(acknowledged) > 100
    assert acknowledged <= ids(address, cabled_namespace)


def test_answers_tell_the_spool_from_kafka(
    cabled: tuple[Cable, str],
    cabled_namespace: str,
    tmp_path: Path,
    eventually: Callable[..., None],
) -> None:
    """200 is Kafka, 202 the spool; Segment's clients, who know only 200, read it in the body."""
    cable, address = cabled
    spool = str(tmp_path / "spool")
    with hasty(address, cabled_namespace, tmp_path, spool=spool) as collector:
        assert collector.post("/v1/events", batch(3)).status == 200
        cable.cut()
        try:
            answer = collector.post("/v1/events", batch(3, first=3))
            assert (answer.status, answer.json["accepted"], answer.json["spooled"]) == (202, 3, 3)
            call = {"userId": "u", "event": "Signed Up", "messageId": "m1"}
            segment = collector.post("/v1/track", call)
            assert (segment.status, segment.json["spooled"]) == (200, 1)
            assert collector.get("/readyz").json == {"kafka": False, "spooled": 4}
            assert b"kpi_collector_kafka_up 0.0" in collector.get("/metrics").body
        finally:
            cable.mend()
        eventually(lambda: collector.post("/v1/events", batch(1, first=6)).status == 200)
    found = [e["number"] for e in events(address, cabled_namespace) if "number" in e]
    assert list(dict.fromkeys(found))[:7] == list(range(7))


def test_a_spool_outlives_the_collector(
    cabled: tuple[Cable, str], cabled_namespace: str, tmp_path: Path
) -> None:
    """Killed while Kafka is away: the next one sends what was acknowledged."""
    cable, address = cabled
    spool = str(tmp_path / "spool")
    sent = batch(50)
    cable.cut()
    try:
        with hasty(address, cabled_namespace, tmp_path, spool=spool) as collector:
            assert collector.post("/v1/events", sent).status == 202
            collector.process.kill()
            collector.process.wait(10)
    finally:
        cable.mend()
    with hasty(address, cabled_namespace, tmp_path, spool=spool) as collector:
        deadline = time.monotonic() + 15
        while collector.get("/readyz").json != {"kafka": True, "spooled": 0}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert {event["event_id"] for event in sent} <= ids(address, cabled_namespace)


def test_a_full_spool_asks_to_come_back(
    cabled: tuple[Cable, str], cabled_namespace: str, tmp_path: Path
) -> None:
    """503 with Retry-After, and not ready: nothing is taken that cannot be kept."""
    cable, address = cabled
    options = {"spool": str(tmp_path / "spool"), "spool_bytes": 3_000}
    cable.cut()
    try:
        with hasty(address, cabled_namespace, tmp_path, **options) as collector:
            statuses = [collector.post("/v1/events", batch(5)).status for _ in range(10)]
            assert statuses[0] == 202
            assert set(statuses) == {202, 503}
            refused = collector.post("/v1/events", batch(50))
            assert (refused.status, refused.json["code"]) == (503, "kafka_away")
            assert int(refused.headers["Retry-After"]) > 0
    finally:
        cable.mend()


def test_without_a_spool_it_asks_to_come_back(
    cabled: tuple[Cable, str],
    cabled_namespace: str,
    tmp_path: Path,
    eventually: Callable[..., None],
) -> None:
    """Where nothing may be kept on disk, 200 is Kafka and everything else is 503."""
    cable, address = cabled
    with hasty(address, cabled_namespace, tmp_path) as collector:
        assert collector.post("/v1/events", batch(1)).status == 200
        cable.cut()
        try:
            assert collector.post("/v1/events", batch(1)).status == 503
            assert collector.get("/readyz").status == 503
        finally:
            cable.mend()
        eventually(lambda: collector.post("/v1/events", batch(1)).status == 200)
