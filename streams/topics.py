"""The broker's topics: created once, described with their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kafka import errors as kafka_errors
from kafka.admin import KafkaAdminClient, NewTopic

from processors import names
from processors.errors import UnreachableError
from streams.kafka_clients import connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.settings import Settings

CONNECT_TIMEOUT_MS: Final = 5_000
_OF_ANY_AGE: Final = {
    "retention.ms": "-1",
    "message.timestamp.after.max.ms": str(2**63 - 1),
}
ALL_TOPICS: Final = (*names.PROCESSED_TOPICS, names.DEAD_LETTER)


@dataclass(frozen=True)
class TopicFacts:
    """What the broker says of a topic.

    Attributes:
        topic_id: new for a topic that was deleted and created again; empty if not told.
    """

    topic_id: str
    partitions: int


def create_topics(settings: Settings, *, replication: int = 1) -> list[str]:
    """Create the namespace's topics where they are missing.

    Returns:
        The physical names of those created. Existing ones keep their partitions.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    created = []
    with _Admin(settings) as admin:
        missing = [t for t in _physical(settings) if t not in _describe(admin, [t])]
        for topic in missing:
            try:
                _create(admin, topic, settings, replication)
            except kafka_errors.TopicAlreadyExistsError:
                continue  # another process was faster
            created.append(topic)
    return created


def _create(admin: Any, topic: str, settings: Settings, replication: int) -> None:
    # Kafka ages records by their own timestamps: in a replay these are years old, or (the seal)
    # hours ahead, and a broker's defaults would delete or refuse them. Live topics keep them.
    replayed = settings.namespace != names.LIVE_NAMESPACE
    configs = _OF_ANY_AGE if replayed else {}
    try:
        admin.create_topics([_topic(topic, settings, replication, configs)])
    except kafka_errors.InvalidConfigurationError:  # before 3.6 it had no such setting to refuse by
        configs = {"retention.ms": configs["retention.ms"]}
        admin.create_topics([_topic(topic, settings, replication, configs)])


def _topic(topic: str, settings: Settings, replication: int, configs: dict[str, str]) -> NewTopic:
    return NewTopic(topic, settings.partitions, replication, topic_configs=configs)


def add_partitions(settings: Settings, topic: str, partitions: int) -> None:
    """Give a topic, by its physical name, so many partitions where it has fewer.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    with _Admin(settings) as admin:
        if _describe(admin, [topic])[topic].partitions < partitions:
            try:
                admin.create_partitions({topic: partitions})
            except kafka_errors.IncompatibleBrokerVersion as error:
                raise UnreachableError(
                    f"broker: {settings.broker}: {topic}: it cannot add partitions (the embedded "
                    "broker never can), so no table was changed: use a Kafka broker that can"
                ) from error


def describe_topics(settings: Settings) -> dict[str, TopicFacts]:
    """Describe the namespace's topics that exist, by physical name.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    with _Admin(settings) as admin:
        return _describe(admin, _physical(settings))


def missing_topics(settings: Settings) -> list[str]:
    """Name the namespace's topics that do not exist.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    found = describe_topics(settings)
    return [topic for topic in _physical(settings) if topic not in found]


def _physical(settings: Settings) -> list[str]:
    return [names.physical_topic(topic, settings.namespace) for topic in ALL_TOPICS]


class _Admin:
    """A connected admin client; its errors become :class:`UnreachableError`."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._broker = settings, settings.broker
        self._client: Any = None

    def __enter__(self) -> Any:
        try:
            self._client = KafkaAdminClient(
                **connection(self._settings),
                bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
                request_timeout_ms=3 * CONNECT_TIMEOUT_MS,
                client_id="kpi-streams-admin",
            )
        except kafka_errors.KafkaError as error:
            raise UnreachableError(
                f"broker: {self._broker}: unreachable or refuses ({type(error).__name__}). "
                "Start it, or set broker (TLS and login: docs/security.md)"
            ) from error
        return self._client

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> None:
        self._client.close()
        if isinstance(error, kafka_errors.KafkaError):
            raise UnreachableError(f"broker: {self._broker}: {error}") from error


def _describe(admin: Any, topics: Iterable[str]) -> dict[str, TopicFacts]:
    # One request a topic: some brokers answer a list with an error if one of it is unknown.
    return dict(_found(admin, topics))


def _found(admin: Any, topics: Iterable[str]) -> Iterator[tuple[str, TopicFacts]]:
    for topic in topics:
        for entry in admin.describe_topics([topic]):
            if entry.get("error_code") == 0 and entry.get("partitions"):
                topic_id = entry.get("topic_id")
                yield topic, TopicFacts(str(topic_id) if topic_id else "", len(entry["partitions"]))
