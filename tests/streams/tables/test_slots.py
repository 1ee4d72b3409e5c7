"""Hash tags: a topic's partitions lie evenly on the cluster's ring."""

from __future__ import annotations

import pytest
from redis.crc import key_slot

from processors.names import EVENT_TOPICS
from streams.tables.keys import PartitionKeys
from streams.tables.slots import SLOT_COUNT, hash_slot, partition_tag

COUNTS = (1, 2, 3, 4, 5, 7, 12, 16, 30, 64, 200, 1000)


def slots(topic: str, partitions: int) -> list[int]:
    """Return the slot of each partition's keys."""
    return [
        hash_slot(PartitionKeys.of("live", topic, partition, partitions).meta)
        for partition in range(partitions)
    ]


@pytest.mark.parametrize("key", ["kpi:live:registry", "kpi:{a}:b", "{}x", "a{b", "a}{b}{c}", ""])
def test_hash_slot_is_the_clients(key: str) -> None:
    """The slot is the one that cluster clients and servers compute."""
    assert hash_slot(key) == key_slot(key.encode())


@pytest.mark.parametrize("partitions", COUNTS)
def test_neighbours_lie_an_nth_of_the_ring_apart(partitions: int) -> None:
    """The distance between neighbours is the ideal one, give or take a few hundredths."""
    ideal = SLOT_COUNT / partitions
    for topic in EVENT_TOPICS:
        found = slots(topic, partitions)
        for here, there in zip(found, [*found[1:], found[0]], strict=True):
            distance = (there - here) % SLOT_COUNT or SLOT_COUNT
            assert abs(distance - ideal) <= max(8, ideal / 20)


@pytest.mark.parametrize("nodes", [2, 3, 6])
@pytest.mark.parametrize("partitions", [count for count in COUNTS if 6 <= count <= 200])
def test_nodes_get_equally_many_partitions(partitions: int, nodes: int) -> None:
    """On nodes with equal shares of the ring, none has two partitions more than its share."""
    for topic in EVENT_TOPICS:
        found = [slot * nodes // SLOT_COUNT for slot in slots(topic, partitions)]
        for node in range(nodes):
            assert abs(found.count(node) - partitions / nodes) < 2


def test_topics_of_one_partition_lie_apart() -> None:
    """Where a topic's first partition lies depends on its name."""
    first = {slots(topic, 1)[0] // (SLOT_COUNT // 16) for topic in EVENT_TOPICS}
    assert len(first) >= 4


def test_tags_are_fixed() -> None:
    """A tag never changes: another tag would leave every stored key behind."""
    assert partition_tag("tracking.visitor", 2, 4) == "tracking.visitor/2/61"
    with pytest.raises(ValueError, match="has no partition 4"):
        partition_tag("tracking.visitor", 4, 4)
