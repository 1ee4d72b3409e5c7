"""The product on Apache Kafka behind TLS and SCRAM, as a user with the documented ACLs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from processors.errors import SettingsError, UnreachableError
from streams.embedded.ports import LOOPBACK, free_port
from streams.launch import with_settings
from streams.settings import Settings
from streams.topics import describe_topics
from tests.streams.secured.run import count_through
from tests.support.kafka_jars import KafkaMissingError
from tests.support.kafka_nodes import KafkaCluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.certificates import Certificates

pytestmark = [pytest.mark.kafka]

PASSWORD: Final = "only-for-this-test"  # noqa: S105  # as it says
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_ALLOWED: Final = {
    (ResourceType.TOPIC, "tracking."): ("DESCRIBE", "READ", "WRITE", "CREATE"),
    (ResourceType.GROUP, "kpi-streams-"): ("READ",),
}


class _SecuredKafka(KafkaCluster):
    """One node with a second listener, for users; the first stays for the fixture itself."""

    def secure(self, certificates: Certificates) -> str:
        """Configure the listener, before the launch, and return its address."""
        (node,) = self.nodes
        users = f"{LOOPBACK}:{free_port()}"
        self._settings |= {
            "listeners": (
                f"PLAINTEXT://{node.address},SASL_SSL://{users},"
                f"CONTROLLER://{LOOPBACK}:{node.controller_port}"
            ),
            "advertised.listeners": f"PLAINTEXT://{node.address},SASL_SSL://{users}",
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(certificates.keystore),
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": _SCRAM,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        return users


@pytest.fixture(scope="module")
def secured_kafka(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[str]:
    """The users' address of a node that knows the user ``kpi``."""
    try:
        cluster = _SecuredKafka(tmp_path_factory.mktemp("kafka"))
        users = cluster.secure(certificates)
        cluster.launch()
    except KafkaMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Apache Kafka cannot be run here: {error}")
    try:
        admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
        login = UserScramCredentialUpsertion("kpi", ScramMechanism.SCRAM_SHA_512, PASSWORD)
        admin.alter_user_scram_credentials([login])
        admin.create_acls(
            [
                ACL(
                    principal="User:kpi",
                    host="*",
                    operation=ACLOperation[operation],
                    permission_type=ACLPermissionType.ALLOW,
                    resource_pattern=ResourcePattern(kind, prefix, ACLResourcePatternType.PREFIXED),
                )
                for (kind, prefix), operations in _ALLOWED.items()
                for operation in operations
            ]
        )
        admin.close()
        yield users
    finally:
        cluster.close()


@pytest.fixture
def settings(secured_kafka: str, certificates: Certificates, valkey: str) -> Settings:
    """The settings of the user ``kpi``, in the namespace whose topics are ``tracking.…``."""
    return Settings(
        broker=secured_kafka,
        broker_security="SASL_SSL",
        broker_user="kpi",
        broker_password=PASSWORD,
        broker_ca_path=str(certificates.ca),
        redis_url=valkey,
        tick_interval_ms=0,
        checkpoint_interval_ms=100,
        rebalance_timeout_ms=1_500,
    )


def test_everything_runs_as_the_documented_user(
    settings: Settings, eventually: Callable[..., None]
) -> None:
    """Topics are created, events published and counted, by the ACLs that the document names."""
    count_through(settings, eventually)


@pytest.mark.parametrize(
    "wrong",
    [{"broker_password": "guessed"}, {"broker_ca_path": ""}, {"broker_security": "PLAINTEXT"}],
    ids=["password", "authority", "no login"],
)
def test_what_is_wrong_is_refused(settings: Settings, wrong: dict[str, str]) -> None:
    """A wrong password, an unknown authority, no login at all: unreachable, by exit code 3."""
    with pytest.raises(UnreachableError):
        describe_topics(with_settings(settings, "test", **wrong))


def test_an_incomplete_login_is_said_before_anything_connects(settings: Settings) -> None:
    """SASL without a password names the settings."""
    with pytest.raises(SettingsError, match="broker_user or broker_password is not set"):
        describe_topics(with_settings(settings, "test", broker_password=""))
