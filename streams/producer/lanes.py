"""Bundles waiting for their partition: one under way in each, the others in order behind it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from streams.producer.bundle import Bundle, record_bytes
from streams.producer.partition import Partitioner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.producer.envelope import Envelope

Place = tuple[str, int]
"""A topic and one of its partitions."""


class Lanes:
    """Sorts envelopes into bundles by partition.

    Args:
        bundle_bytes: how large a bundle may become.
    """

    def __init__(self, bundle_bytes: int) -> None:
        self._bundle_bytes = bundle_bytes
        self._partition = Partitioner().partition
        self.counts: Mapping[str, int] = {}
        self._queues: dict[Place, deque[Bundle]] = {}
        self._under_way: dict[Place, Bundle] = {}

    def bundle_for(self, envelope: Envelope) -> Bundle:
        """Return the bundle that the envelope belongs into; it has room for it."""
        topic = envelope.topic
        place = (topic, self._partition(envelope.key, self.counts[topic]))
        queue = self._queues.get(place)
        if queue is None:
            queue = self._queues[place] = deque()
        if not queue or queue[-1].size_bytes + record_bytes(envelope) > self._bundle_bytes:
            queue.append(Bundle(*place))
        return queue[-1]

    def ready(self) -> Iterable[Place]:
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
        return bundle

    def arrive(self, bundle: Bundle) -> None:
        """It is no longer under way."""
        place = (bundle.topic, bundle.partition)
        if self._under_way.get(place) is bundle:
            del self._under_way[place]

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
        return bundles
