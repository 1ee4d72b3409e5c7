"""Which part of a namespace's log a backfill reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka import TopicPartition

from processors.names import EVENT_TOPICS, physical_topic
from streams.kafka_log import Stretch, log_consumer, read_stretches
from streams.tables.base import PartitionId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from processors.record import Record
    from streams.settings import Settings


class LogRange:
    """The published events of a namespace from a time of recording on, up to where workers are.

    Nothing is recorded long before it happens, but it may be long after: so a range of event time
    can be told where to begin, not where to end.

    Args:
        settings: broker and namespace.
        ends: partition -> where its worker is: a broker may name an end that its newest records
            have already passed. Partitions that are not there end where the broker says.
        from_ms: records from this time on; None: from the log's start.

    Attributes:
        stretches: partition -> what is read of it; partitions with nothing to read included.

    Raises:
        UnreachableError: the broker is away, refused, or stopped answering.
    """

    def __init__(
        self, settings: Settings, ends: Mapping[PartitionId, int], from_ms: int | None
    ) -> None:
        self._settings = settings
        with log_consumer(settings) as consumer:
            self.stretches = _stretches(consumer, settings, ends, from_ms)

    def read(
        self, report: Callable[[int, int], None]
    ) -> Iterator[tuple[PartitionId, list[Record]]]:
        """Yield the records of one partition at a time, each partition's in order.

        Args:
            report: gets how many records were read, of how many.

        Raises:
            UnreachableError: the broker is away, or stopped answering.
        """
        with log_consumer(self._settings) as consumer:
            yield from read_stretches(consumer, self._settings, self.stretches, report)


def _stretches(
    consumer: Any, settings: Settings, ends: Mapping[PartitionId, int], from_ms: int | None
) -> dict[PartitionId, Stretch]:
    found: dict[PartitionId, Stretch] = {}
    for topic in EVENT_TOPICS:
        physical = physical_topic(topic, settings.namespace)
        numbers = consumer.partitions_for_topic(physical) or ()
        parts = {TopicPartition(physical, n): PartitionId(topic, n) for n in sorted(numbers)}
        starts = consumer.beginning_offsets(list(parts))
        known = consumer.end_offsets(list(parts))
        since = {} if from_ms is None else dict.fromkeys(parts, from_ms)
        first = consumer.offsets_for_times(since) if since else {}
        for at, who in parts.items():
            end = ends.get(who, known[at])
            start = starts[at]
            if from_ms is not None:  # nothing may have been recorded since
                start = end if first[at] is None else first[at].offset
            found[who] = Stretch(start, max(start, end))
    return found
