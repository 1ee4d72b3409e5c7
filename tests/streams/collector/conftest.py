"""Brokers, namespaces and a collector for the collector's tests."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.support.collecting import Collector
from tests.support.kafka_fixtures import cabled, cabled_namespace, namespace
from tests.support.kafka_log import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.embedded.servers import Addresses

__all__ = ["cabled", "cabled_namespace", "namespace"]


@pytest.fixture(scope="module")
def collector(servers: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector on loopback without keys, and a namespace of its own, for a whole module."""
    name = f"c{uuid.uuid4().hex[:12]}"
    create_topics(servers.broker, name)
    with Collector(
        servers.broker,
        name,
        tmp_path_factory.mktemp("collector"),
        body_bytes=200_000,
        batch_events=1_000,
        body_timeout_ms=1_000,
    ) as running:
        yield running
        assert running.stop() == 0, running.log
        assert "Traceback" not in running.log, running.log
