"""``kpi`` in this process, its answer read as JSON; and one installation to ask about."""

from __future__ import annotations

import contextlib
import io
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

from kafka import KafkaProducer

from processors.event import TOPIC_BY_TYPE, record_key
from processors.names import physical_topic
from streams.cli.main import main
from streams.settings import load_settings
from streams.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from streams.embedded.servers import Addresses


class Site:
    """A namespace of its own with its topics; commands and workers find it in the environment."""

    def __init__(
        self, servers: Addresses, monkeypatch: pytest.MonkeyPatch, **settings: str | int
    ) -> None:
        self.namespace = f"t{uuid.uuid4().hex[:12]}"
        environment = {**servers.environment(), "KPI_NAMESPACE": self.namespace}
        environment |= {f"KPI_{name.upper()}": str(value) for name, value in settings.items()}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        self.settings = load_settings({}, os.environ, None)
        create_topics(self.settings)
        self._producer = KafkaProducer(bootstrap_servers=servers.broker)

    def publish(self, events: Iterable[dict[str, Any]]) -> None:
        """Publish events where they belong, by their keys; invalid ones too."""
        for event in events:
            topic = physical_topic(TOPIC_BY_TYPE[event["type"]], self.namespace)
            key = record_key(event)
            value = json.dumps(event).encode()
            self._producer.send(topic, value, key=None if key is None else key.encode())
        self._producer.flush()

    def send(self, topic: str, value: bytes, partition: int = 0) -> None:
        """Publish a record as it is."""
        self._producer.send(physical_topic(topic, self.namespace), value, partition=partition)
        self._producer.flush()

    def kpi(self, *arguments: str) -> tuple[int, Any]:
        """Run a command with ``--format json``; return its exit code and its answer."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = main([*arguments, "--format", "json"])
        return code, json.loads(out.getvalue() or "null")

    def close(self) -> None:
        """End the producer."""
        self._producer.close()
