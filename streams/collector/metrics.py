"""What a collector counts. No metric carries an identity, a value or an address."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from streams.collector.answer import Answer
    from streams.collector.keys import Key
    from streams.producer.outbox import Outbox

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class CollectorMetrics:
    """The counters of one collector."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter(
            "kpi_collector_events", "Events by what became of them",
            ["source", "outcome"], registry=self.registry,
        )  # fmt: skip
        self._rejections = Counter(
            "kpi_collector_rejections", "Rejected events by the rule that they break",
            ["source", "rule"], registry=self.registry,
        )  # fmt: skip
        self._requests = Counter(
            "kpi_collector_requests", "Requests by route and status",
            ["route", "status"], registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "kpi_collector_request_seconds", "Time from a request's head to its answer",
            ["route"], buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip

        # Finding a counter by its labels takes longer than counting.
        self._event = cache(self._events.labels)
        self._request = cache(self._requests.labels)
        self._duration = cache(self._seconds.labels)

    def watch(self, outbox: Outbox) -> None:
        """Show the state of an outbox."""

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"kpi_collector_{name}", text, registry=self.registry)

        gauge("kafka_up", "1 while events go straight to Kafka").set_function(
            lambda: 0 if outbox.away else 1
        )
        gauge("spool_events", "Events that wait on disk").set_function(lambda: outbox.spooled[0])
        gauge("spool_bytes", "Bytes that wait on disk").set_function(lambda: outbox.spooled[1])

    def count(self, key: Key, answer: Answer) -> None:
        """Count the events of one answer."""
        outcomes = (
            ("kafka", answer.accepted - answer.spooled),
            ("spool", answer.spooled),
            ("ignored", answer.ignored),
            ("rejected", len(answer.rejected)),
        )
        for outcome, number in outcomes:
            if number:
                self._event(key.source, outcome).inc(number)
        for rejected in answer.rejected:
            self._rejections.labels(key.source, rejected.rule).inc()

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._request(route, status).inc()
        self._duration(route).observe(seconds)
