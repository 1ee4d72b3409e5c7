"""Apache Kafka that is restarted or killed, and a leader that is killed among three nodes."""

from __future__ import annotations

import os
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from processors.names import VISITOR, physical_topic
from tests.faults.cable import Cable
from tests.faults.field import at_work
from tests.support.kafka_jars import KafkaMissingError
from tests.support.kafka_nodes import KafkaCluster, kafka_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.field import Field
    from tests.faults.report import Report

pytestmark = [pytest.mark.faults, pytest.mark.kafka]
GROUP = "Kafka"


@contextmanager
def needed() -> Iterator[None]:
    """Skip where Apache Kafka cannot be run; in CI fail."""
    try:
        yield
    except KafkaMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Apache Kafka cannot be run here: {error}")


def cluster(nodes: int) -> Iterator[KafkaCluster]:
    """Run a cluster that the case may break."""
    settings = {"min.insync.replicas": str(min(2, nodes))}
    with needed(), kafka_cluster(nodes, settings=settings) as running:
        yield running


@pytest.fixture
def one() -> Iterator[KafkaCluster]:
    """One node of this case alone."""
    yield from cluster(1)


@pytest.fixture
def three() -> Iterator[KafkaCluster]:
    """Three nodes, each record on all of them."""
    yield from cluster(3)


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    """One node that is reached only through a cable."""
    cable = Cable(0)
    behind = {"advertised.listeners": f"PLAINTEXT://127.0.0.1:{cable.port}"}
    with needed():
        kafka = KafkaCluster(tmp_path / "kafka", settings=behind)
    cable.target = kafka.nodes[0].port
    try:
        kafka.launch()
        yield cable
    finally:
        kafka.close()
        cable.close()


@pytest.mark.long
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_restarted(
    make_field: Callable[..., Field], report: Report, one: KafkaCluster, how: str
) -> None:
    """A broker that goes and comes back finds the workers waiting."""
    with at_work(make_field(seed=31, broker=one.bootstrap)) as field:
        for _ in range(2):
            getattr(one, how)(1)
            time.sleep(4.0)
            one.start(1)
            field.recover()
        verdict = field.finish()
    fault = "restarted" if how == "stop" else "SIGKILL, started again"
    seen = "the client's warnings; figures stand still; nobody has to do anything"
    report.add(GROUP, f"only broker: {fault}, twice", "kafka", seen, field, verdict)


@pytest.mark.long
def test_slow_and_cut_off(make_field: Callable[..., Field], report: Report, cable: Cable) -> None:
    """Latency and broken connections between Kafka and everybody: nothing is read twice."""
    chance = random.Random(6)
    with at_work(make_field(seed=33, broker=f"127.0.0.1:{cable.port}")) as field:
        cable.delay_s = 0.05
        for _ in range(12):
            time.sleep(chance.uniform(0.0, 1.0))
            cable.deaf = True  # requests are carried out, answers get lost
            time.sleep(chance.uniform(0.0, 0.3))
            cable.cut()
            cable.deaf = False
        cable.refusing = True
        cable.cut()
        time.sleep(3.0)
        cable.refusing = False
        field.recover()
        cable.delay_s = 0.0
        verdict = field.finish()
    seen = "the client's warnings; figures come later"
    fault = "100 ms slow, connections cut, answers lost"
    report.add(GROUP, fault, "kafka", seen, field, verdict)


def test_leader_killed(
    make_field: Callable[..., Field], report: Report, three: KafkaCluster
) -> None:
    """Another replica leads on: nothing that was acknowledged is lost."""
    field = make_field(seed=32, broker=three.bootstrap, replication=3)
    topic = physical_topic(VISITOR, field.settings.namespace)
    with at_work(field):
        for partition in range(2):
            leader = three.leader(topic, partition)
            three.kill(leader)
            field.recover()
            three.start(leader)
            field.recover()
        verdict = field.finish()
    seen = "the client's warnings until another replica leads"
    report.add(GROUP, "three brokers: a leader killed, twice", "kafka", seen, field, verdict)
