"""What ``kpi repartition`` says of a broker that cannot add partitions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from processors.errors import UnreachableError
from streams.settings import Settings
from streams.topics import add_partitions, create_topics, describe_topics

if TYPE_CHECKING:
    from streams.embedded.servers import Addresses

pytestmark = pytest.mark.servers


def test_a_broker_that_cannot_add_partitions_is_named(servers: Addresses) -> None:
    """The embedded broker refuses in plain words (exit code 3), and its topic stays as it is."""
    settings = Settings(broker=servers.broker, namespace=uuid.uuid4().hex, partitions=2)
    create_topics(settings)
    topic = f"{settings.namespace}.tracking.visitor"
    with pytest.raises(UnreachableError, match="cannot add partitions"):
        add_partitions(settings, topic, 4)
    assert describe_topics(settings)[topic].partitions == 2
