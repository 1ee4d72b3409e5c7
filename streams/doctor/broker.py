"""The broker and its topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.errors import UnreachableError
from processors.names import DEAD_LETTER, PROCESSED_TOPICS, physical_topic
from streams.doctor.finding import Finding, Status
from streams.embedded.probes import connects
from streams.topics import describe_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.settings import Settings


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Look at the broker and the namespace's topics."""
    if not any(map(connects, settings.broker.split(","))):  # the client would try for seconds
        yield Finding("broker", settings.broker, Status.UNREACHABLE, "nothing listens there")
        return
    try:
        found = describe_topics(settings)
    except UnreachableError as error:
        yield Finding("broker", settings.broker, Status.UNREACHABLE, str(error))
        return
    yield Finding("broker", settings.broker, Status.OK, "answers")
    for topic in (*PROCESSED_TOPICS, DEAD_LETTER):
        name = physical_topic(topic, settings.namespace)
        facts = found.get(name)
        if facts is None:
            yield Finding("topic", name, Status.WRONG, "is missing: kpi up creates it")
        elif facts.partitions != settings.partitions:
            yield Finding(
                "topic",
                name,
                Status.WARNING,
                f"{facts.partitions} partitions, the setting says {settings.partitions}: it is only"
                " used when a topic is created",
            )
        else:
            yield Finding("topic", name, Status.OK, f"{facts.partitions} partitions")
