"""Apache Kafka on loopback: one KRaft node or several, each to be killed and started again.

Of use to tests and to scripts alike::

    with kafka_cluster() as kafka:                  # one node, small heap, own directory
        KafkaProducer(bootstrap_servers=kafka.bootstrap)

    with kafka_cluster(3) as kafka:
        kafka.kill(kafka.leader("topic", 0))
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.support.kafka_jars import KafkaMissingError, class_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LOOPBACK: Final = "127.0.0.1"
START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 15.0
POLL_S: Final = 0.1
CLUSTER_ID: Final = "MkU3OEVBNTcwNTJENDM2Qk"
HEAP_MB: Final = 384
# Short-lived servers on few cores: no second compiler, no collector threads.
QUICK: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
LOG_LEVEL: Final = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"

_COMMON: Final = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    "log.retention.check.interval.ms": "1000",
    "log.segment.delete.delay.ms": "100",
    "log.initial.task.delay.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}


@dataclass
class KafkaNode:
    """One broker that is a controller as well."""

    id: int
    port: int
    controller_port: int
    directory: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """HOST:PORT for clients."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def properties(self) -> Path:
        """The node's configuration."""
        return self.directory / "server.properties"

    @property
    def log(self) -> Path:
        """What the node said."""
        return self.directory / "server.log"


class KafkaCluster:
    """Nodes that know each other; :func:`kafka_cluster` starts and ends them.

    Args:
        directory: gets one directory a node, with data and log.
        count: how many nodes; the replication of internal topics.
        heap_mb: of each node.
        options: of the virtual machine.
        settings: further lines of every node's configuration.
    """

    def __init__(
        self,
        directory: Path,
        count: int = 1,
        *,
        heap_mb: int = HEAP_MB,
        options: Sequence[str] = QUICK,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._java = [
            *("java", f"-Xmx{heap_mb}m", f"-Xms{min(heap_mb, 256)}m", *options),
            *(LOG_LEVEL, "-cp", class_path()),
        ]
        ports = _free_ports(2 * count)
        self.nodes = [
            KafkaNode(
                number + 1, ports[2 * number], ports[2 * number + 1], directory / f"n{number}"
            )
            for number in range(count)
        ]
        self._settings = dict(settings or {})

    @property
    def bootstrap(self) -> str:
        """Every node's address, separated by commas."""
        return ",".join(node.address for node in self.nodes)

    def launch(self) -> None:
        """Format every node's directory, start all and wait until they take clients.

        Raises:
            KafkaMissingError: one of them ends or does not answer in time.
        """
        for node in self.nodes:
            self._configure(node)
            self._format(node)
        for node in self.nodes:
            self._spawn(node)
        self.wait_ready()

    def start(self, number: int) -> None:
        """Start a stopped node again, on its own data, and wait until it takes clients."""
        self._spawn(self._node(number))
        self.wait_ready()

    def stop(self, number: int) -> None:
        """End a node in order: it hands its partitions over first."""
        self._end(self._node(number), signal.SIGTERM)

    def kill(self, number: int) -> None:
        """End a node at once."""
        self._end(self._node(number), signal.SIGKILL)

    def close(self) -> None:
        """End all nodes."""
        running = [node.process for node in self.nodes if node.process is not None]
        for process in running:
            process.kill()
        for process in running:
            process.wait()

    def leader(self, topic: str, partition: int) -> int:
        """Return the id of the node that leads a partition."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap.split(","))
        try:
            (found,) = admin.describe_topics([topic])
            (leader,) = (
                p["leader_id"] for p in found["partitions"] if p["partition_index"] == partition
            )
        finally:
            admin.close()
        return int(leader)

    def wait_ready(self) -> None:
        """Wait until every node that runs knows all the others as members of the cluster."""
        deadline = time.monotonic() + START_TIMEOUT_S
        running = [node for node in self.nodes if node.process is not None]
        wanted = {node.id for node in running}
        while not all(self._members(node) >= wanted for node in running):
            for node in running:
                if node.process is not None and node.process.poll() is not None:
                    raise KafkaMissingError(f"Kafka ended: {node.log.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise KafkaMissingError(f"Kafka is not up after {START_TIMEOUT_S} s")
            time.sleep(POLL_S)

    @staticmethod
    def _members(node: KafkaNode) -> set[int]:
        """Return the nodes that a node knows to be there."""
        if not _connects(node.address):
            return set()
        try:
            admin = KafkaAdminClient(bootstrap_servers=node.address, bootstrap_timeout_ms=2_000)
        except KafkaError:
            return set()
        try:
            return {broker["broker_id"] for broker in admin.describe_cluster()["brokers"]}
        except KafkaError:
            return set()
        finally:
            admin.close()

    def _node(self, number: int) -> KafkaNode:
        return self.nodes[number - 1]

    def _configure(self, node: KafkaNode) -> None:
        node.directory.mkdir(parents=True)
        replicas = len(self.nodes)
        voters = ",".join(f"{n.id}@{LOOPBACK}:{n.controller_port}" for n in self.nodes)
        lines = _COMMON | {
            "node.id": str(node.id),
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://{node.address},CONTROLLER://{LOOPBACK}:{node.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{node.address}",
            "log.dirs": str(node.directory / "data"),
            "offsets.topic.replication.factor": str(replicas),
            "transaction.state.log.replication.factor": str(replicas),
            "transaction.state.log.min.isr": str(min(2, replicas)),
            "share.coordinator.state.topic.replication.factor": str(replicas),
            "share.coordinator.state.topic.min.isr": str(min(2, replicas)),
            **self._settings,
        }
        node.properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def _format(self, node: KafkaNode) -> None:
        done = subprocess.run(
            [*self._java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID,
             "-c", node.properties],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise KafkaMissingError(f"Kafka's storage: {done.stdout}{done.stderr}")

    def _spawn(self, node: KafkaNode) -> None:
        with node.log.open("ab") as log:
            node.process = subprocess.Popen(
                [*self._java, "kafka.Kafka", node.properties],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={k: v for k, v in os.environ.items() if k != "JAVA_TOOL_OPTIONS"},
            )  # fmt: skip

    @staticmethod
    def _end(node: KafkaNode, how: signal.Signals) -> None:
        process, node.process = node.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def kafka_cluster(
    count: int = 1,
    *,
    heap_mb: int = HEAP_MB,
    options: Sequence[str] = QUICK,
    settings: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Iterator[KafkaCluster]:
    """Run Apache Kafka as long as the context lasts; its data goes with it.

    Args:
        count: nodes.
        heap_mb: of each.
        options: of the virtual machine; benchmarks give others than QUICK.
        settings: further lines of every node's configuration.
        directory: where the data lies; a temporary one by default.

    Raises:
        KafkaMissingError: Java, Maven or its registry is missing, or a node does not start.
    """
    where = Path(tempfile.mkdtemp(prefix="kpi-kafka-", dir=directory))
    cluster = None
    try:
        cluster = KafkaCluster(where, count, heap_mb=heap_mb, options=options, settings=settings)
        cluster.launch()
        yield cluster
    finally:
        if cluster is not None:
            cluster.close()
        shutil.rmtree(where, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    """Return different ports that are free now."""
    probes = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _connects(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 1.0):
            return True
    except OSError:
        return False
