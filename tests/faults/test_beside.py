"""What stands beside the workers: an exporter and a collector that are killed."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from processors.names import ADS, EVENT_TOPICS, PIPELINE_EVENTS
from streams.embedded.ports import LOOPBACK, free_port
from streams.kafka_log import read_log
from tests.faults.field import at_work

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.field import Field
    from tests.faults.report import Report

pytestmark = [pytest.mark.faults, pytest.mark.brokers, pytest.mark.long]
GROUP = "Exporter and collector"
TIMEOUT_S = 5.0
BATCH = 5


def ask(port: int, method: str, path: str, body: bytes | None = None) -> bytes | None:
    """Return the body of a good answer; None of any other, or none."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def exported_events(port: int) -> int:
    """Return how many events the exporter's metrics tell of; -1 while it does not answer."""
    text = ask(port, "GET", "/metrics")
    if text is None:
        return -1
    return sum(
        int(sample.value)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name == PIPELINE_EVENTS and sample.labels["topic"] in EVENT_TOPICS
    )


def test_exporter_killed(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """An exporter that starts again shows what the tables hold, neither more nor less."""
    port = free_port()
    with at_work(make_field(seed=61)) as field:
        exporter = field.crew.hire("exporter", KPI_EXPORTER_PORT=str(port))
        for _ in range(3):
            field.until(lambda: exported_events(port) > 0, "it answers")
            time.sleep(0.5)
            exporter.kill()
        field.recover()
        verdict = field.finish()
        field.until(lambda: exported_events(port) == verdict.events, "it shows every event")
    seen = "the scrape fails (`up` is 0) until it has started again"
    report.add(GROUP, "exporter: SIGKILL, three times", broker_kind, seen, field, verdict)


class Client(threading.Thread):
    """Sends events to the collector, each until it is acknowledged."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.ended = threading.Event()
        self.acknowledged: set[str] = set()
        self.repeated = 0

    def run(self) -> None:
        """Send until told to end."""
        while not self.ended.is_set():
            events = [
                {"event_id": uuid.uuid4().hex, "type": "ad_impression", "campaign": "spring",
                 "network": "x", "ts": time.time_ns() // 1_000_000}
                for _ in range(BATCH)
            ]  # fmt: skip
            body = json.dumps(events).encode()
            while ask(self._port, "POST", "/v1/events", body) is None:
                self.repeated += 1
                time.sleep(0.1)
            self.acknowledged |= {event["event_id"] for event in events}  # type: ignore[misc]
            time.sleep(0.01)


def test_collector_killed(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """What a collector has acknowledged is in the log, and what was sent again counts once."""
    port = free_port()
    with at_work(make_field(seed=62)) as field:
        collector = field.crew.hire("collector", KPI_COLLECTOR_PORT=str(port))
        client = Client(port)
        client.start()
        for _ in range(3):
            goal = len(client.acknowledged) + 200
            field.until(lambda goal=goal: len(client.acknowledged) >= goal, "it takes events")  # type: ignore[misc]
            collector.kill()
        field.recover()
        client.ended.set()
        client.join()
        assert client.repeated, "some were sent again"
        verdict = field.finish()
        ends = {where: end for where, end in field.traffic.ends().items() if where.topic == ADS}
        rows = read_log(field.settings, ends)
        logged = {json.loads(row[5] or b"{}").get("event_id") for row in rows if _is_json(row[5])}
        assert client.acknowledged <= logged
    seen = "clients get no answer and send again; repetitions count as duplicates"
    report.add(GROUP, "collector: SIGKILL, three times", broker_kind, seen, field, verdict)


def _is_json(value: bytes | None) -> bool:
    try:
        return isinstance(json.loads(value or b""), dict)
    except ValueError:
        return False
