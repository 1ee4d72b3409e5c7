"""Where keys lie before and after a topic got more partitions.

::

    murmur2(key)      0  1  2  3  4  5  6  7  8  9 10 11
    of 4              0  1  2  3  0  1  2  3  0  1  2  3
    of 6              0  1  2  3  4  5  0  1  2  3  4  5     what was in 1 goes to 1, 3 or 5

Panes, counters and offsets stay where they are: readers add partitions up, and the old partitions'
logs go on. Only what belongs to a key moves to where its next records come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd

from streams.producer.partition import Partitioner


@dataclass(frozen=True)
class Layout:
    """A topic's two numbers of partitions; the second is larger."""

    topic: str
    before: int
    after: int
    _hashes: Partitioner = field(default_factory=Partitioner, compare=False)

    def old(self, key: bytes) -> int:
        """Return where a key's records were."""
        return self._hashes.partition(key, self.before)

    def new(self, key: bytes) -> int:
        """Return where a key's records are from now on."""
        return self._hashes.partition(key, self.after)

    def receivers(self, partition: int) -> list[int]:
        """Return where keys of an old partition may go."""
        return self._alike(partition, self.after)

    def sources(self, partition: int) -> list[int]:
        """Return where keys of a new partition may come from."""
        return self._alike(partition, self.before)

    def _alike(self, partition: int, partitions: int) -> list[int]:
        apart = gcd(self.before, self.after)
        return [other for other in range(partitions) if (other - partition) % apart == 0]
