"""A broker behind a cable, and a namespace of topics for each test."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING

import pytest

from streams.embedded.ports import free_port
from streams.embedded.servers import broker_spec
from streams.supervisor.tree import Supervisor
from tests.support.cable import Cable
from tests.support.kafka_log import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.embedded.servers import Addresses


@pytest.fixture(scope="session")
def cabled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cable, str]]:
    """A broker that clients reach only through a cable: (the cable, the address)."""
    cable = Cable(free_port())
    spec = broker_spec(cable.target, tmp_path_factory.mktemp("cabled"))
    argv = list(spec.argv)
    argv[argv.index("--advertised-listener-url") + 1] = f"tcp://127.0.0.1:{cable.port}"
    with Supervisor(report=lambda _: None, handle_signals=False) as supervisor:
        supervisor.start(dataclasses.replace(spec, argv=tuple(argv)))
        yield cable, f"127.0.0.1:{cable.port}"
        cable.close()


@pytest.fixture
def namespace(servers: Addresses) -> str:
    """A namespace with its topics, on the shared broker."""
    name = f"t{uuid.uuid4().hex[:12]}"
    create_topics(servers.broker, name)
    return name


@pytest.fixture
def cabled_namespace(cabled: tuple[Cable, str]) -> str:
    """A namespace with its topics, on the broker behind the cable."""
    name = f"t{uuid.uuid4().hex[:12]}"
    create_topics(cabled[1], name)
    return name
