"""Hash tags of Redis Cluster: which of the 16384 slots a partition's keys share.

::

    slot  0           4096          8192          12288        16383
          |--.------------.-------------.-------------.----------|
             p0           p1            p2            p3       (4 partitions of one topic)

A tag picks its slot by a hash, so tags made of plain numbers fall anywhere, and two partitions may
share a node while another has none. Here each tag carries a salt, searched so that a topic's
partitions lie one n-th of the ring apart; where the first lies depends on the topic's name, so that
topics with one partition each are spread as well.
"""

from __future__ import annotations

from binascii import crc_hqx
from functools import cache, lru_cache
from typing import Final

SLOT_COUNT: Final = 16_384
# How far from its ideal slot a tag may lie: of a partition's n-th of the ring, and at least so many
# slots, because a thousand partitions would be searched for too long (2,000 hashes, 0.2 ms each).
_TOLERANCE: Final = 1 / 32
_TOLERANCE_MIN: Final = 7


def hash_slot(key: str) -> int:
    """Return the slot of a key: CRC16 (XMODEM) of its tag, or of all of it where it has none.

    See https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
    """
    _, opened, rest = key.partition("{")
    tag, closed, _ = rest.partition("}")
    hashed = tag if opened and closed and tag else key
    return crc_hqx(hashed.encode(), 0) % SLOT_COUNT


@lru_cache(maxsize=4096)
def partition_tag(topic: str, partition: int, partitions: int) -> str:
    """Return the tag that a partition's keys share: ``tracking.ads/2/17``.

    Raises:
        ValueError: no such partition.
    """
    if not 0 <= partition < partitions:
        raise ValueError(f"{topic} has no partition {partition}: it has {partitions}")
    first = crc_hqx(topic.encode(), 0) % SLOT_COUNT
    ideal = first + partition * SLOT_COUNT // partitions
    tolerance = max(_TOLERANCE_MIN, int(SLOT_COUNT / partitions * _TOLERANCE))
    stem = f"{topic}/{partition}/"
    hashed = crc_hqx(stem.encode(), 0)
    for salt in _salts():
        if (crc_hqx(salt, hashed) - ideal) % SLOT_COUNT <= tolerance:
            return stem + salt.decode()
    raise AssertionError("no salt of five digits: the chance is below 10^-20")


@cache
def _salts() -> list[bytes]:
    return [str(salt).encode() for salt in range(100_000)]
