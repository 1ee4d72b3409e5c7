"""Bundles waiting for their partition: one under way in each, the others in order behind it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from streams.producer.bundle import RECORD_OVERHEAD_BYTES, Bundle
from streams.producer.partition import Partitioner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streams.producer.envelope import Envelope

Place = tuple[str, int]
"""A topic and one of its partitions."""


class Lanes:
    """Sorts envelopes into bundles by partition.

    Args:
        bundle_bytes: how large a bundle may become.
        on_bundle: called with each new bundle.
    """

    def __init__(
        self, bundle_bytes: int, on_bundle: Callable[[Bundle], None] = lambda _: None
    ) -> None:
        self._bundle_bytes = bundle_bytes
        self._on_bundle = on_bundle
        self._partitioner = Partitioner()
        self._counts: Mapping[str, int] = {}
        self._queues: dict[Place, deque[Bundle]] = {}
        self._under_way: dict[Place, Bundle] = {}
        self._open: dict[str, list[Bundle | None]] = {}  # topic -> by partition: the last queued

    def route(self, counts: Mapping[str, int]) -> None:
        """Take over the topics' partition counts; what waits stays where it is."""
        if counts != self._counts:
            self._counts = counts
            self._open = {topic: [None] * count for topic, count in counts.items()}

    def add(self, envelopes: Iterable[Envelope]) -> tuple[list[Bundle], int]:
        """Put envelopes into bundles; return each one's, and their size in bytes."""
        counts, opened = self._counts, self._open
        known, hash_of = self._partitioner.known, self._partitioner.hash
        bundle_bytes = self._bundle_bytes
        bundles: list[Bundle] = []
        total_bytes = 0
        for envelope in envelopes:  # once for every event: short on purpose
            topic, key = envelope.topic, envelope.key
            hashed = known(key)
            number = (hash_of(key) if hashed is None else hashed) % counts[topic]
            size = len(key) + len(envelope.value) + RECORD_OVERHEAD_BYTES
            bundle = opened[topic][number]
            if bundle is None or bundle.size_bytes + size > bundle_bytes:
                bundle = self._new_bundle(topic, number)
            bundle.envelopes.append(envelope)
            bundle.size_bytes += size
            bundles.append(bundle)
            total_bytes += size
        return bundles, total_bytes

    def _new_bundle(self, topic: str, number: int) -> Bundle:
        bundle = Bundle(topic, number)
        self._queues.setdefault((topic, number), deque()).append(bundle)
        self._open[topic][number] = bundle
        self._on_bundle(bundle)
        return bundle

    def ready(self) -> list[Place]:
        """Return the places where something waits and nothing is under way."""
        return [
            place for place, queue in self._queues.items() if queue and place not in self._under_way
        ]

    def idle(self, bundle: Bundle) -> bool:
        """Whether the bundle could leave now."""
        place = (bundle.topic, bundle.partition)
        return place not in self._under_way and self._queues[place][0] is bundle

    def depart(self, place: Place) -> Bundle | None:
        """Take the next bundle of a place under way; None if nothing waits."""
        queue = self._queues.get(place)
        if not queue:
            return None
        bundle = self._under_way[place] = queue.popleft()
        if not queue:
            topic, number = place
            self._open[topic][number] = None
        return bundle

    def arrive(self, bundle: Bundle) -> None:
        """It is no longer under way."""
        place = (bundle.topic, bundle.partition)
        if self._under_way.get(place) is bundle:
            del self._under_way[place]

    def under_way(self) -> list[Bundle]:
        """Return the bundles that are under way."""
        return list(self._under_way.values())

    def unconfirmed(self) -> list[Bundle]:
        """Return what is under way and what waits; each partition's in order."""
        waiting = [bundle for queue in self._queues.values() for bundle in queue]
        return [*self._under_way.values(), *waiting]

    def turn_back(self) -> None:
        """Put what is under way in front of what waits."""
        for place, bundle in self._under_way.items():
            self._queues[place].appendleft(bundle)
        self._under_way.clear()

    def clear(self) -> list[Bundle]:
        """Forget and return everything."""
        bundles = self.unconfirmed()
        self._queues.clear()
        self._under_way.clear()
        self._open = {topic: [None] * count for topic, count in self._counts.items()}
        return bundles
