"""Keys to partitions: murmur2, as Java's and kafka-python's producers do by default."""

from __future__ import annotations

from kafka.partitioner.default import murmur2

_HASHES_MAX = 200_000


class Partitioner:
    """Remembers the hashes of keys: visitors come back, and murmur2 in Python is slow."""

    def __init__(self) -> None:
        self._hashes: dict[bytes, int] = {}
        self.known = self._hashes.get  # a key's hash, None if it was not asked for lately

    def partition(self, key: bytes, partitions: int) -> int:
        """Return the partition of a key, 0 to ``partitions`` - 1."""
        found = self.known(key)
        return (self.hash(key) if found is None else found) % partitions

    def hash(self, key: bytes) -> int:
        """Return a key's hash, and know it from now on; its remainder is the partition."""
        if len(self._hashes) >= _HASHES_MAX:
            self._hashes.clear()
        hashed: int = murmur2(key) & 0x7FFFFFFF
        self._hashes[key] = hashed
        return hashed
