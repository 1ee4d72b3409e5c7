"""A range of a namespace's log, read by a consumer of its own: no group, nothing committed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from processors.errors import UnreachableError
from processors.names import EVENT_TOPICS, physical_topic
from streams.kafka_clients import connection
from streams.tables.base import PartitionId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from processors.record import Record
    from streams.settings import Settings

_POLL_MS: Final = 500
_STALL_S: Final = 30.0


@dataclass(frozen=True)
class Stretch:
    """The offsets [start, end) of one partition, and how many partitions its topic has."""

    start: int
    end: int
    partitions: int


class LogRange:
    """The published events of a namespace from a time of recording on, up to where workers are.

    Nothing is recorded long before it happens, but it may be long after: so a range of event time
    can be told where to begin, not where to end.

    Args:
        settings: broker and namespace.
        ends: partition -> where its worker is: a broker may name an end that its newest records
            have already passed. Partitions that are not there end where the broker says.
        from_ms: records from this time on; None: from the log's start.

    Raises:
        UnreachableError: the broker is away, refused, or stopped answering.
    """

    def __init__(
        self,
        settings: Settings,
        ends: Mapping[PartitionId, int],
        from_ms: int | None,
    ) -> None:
        self._settings = settings
        try:
            self._consumer: Any = KafkaConsumer(
                **connection(settings),
                enable_auto_commit=False,
                client_id="kpi-streams-backfill",
                max_poll_records=10_000,
                max_partition_fetch_bytes=4_194_304,
                fetch_max_bytes=16_777_216,
            )
            self.stretches = self._stretches(ends, from_ms)
        except KafkaError as error:
            raise UnreachableError(f"broker: {settings.broker}: {error}") from error

    def close(self) -> None:
        """End the connection."""
        self._consumer.close()

    def _stretches(
        self, ends: Mapping[PartitionId, int], from_ms: int | None
    ) -> dict[PartitionId, Stretch]:
        found: dict[PartitionId, Stretch] = {}
        for topic in EVENT_TOPICS:
            physical = physical_topic(topic, self._settings.namespace)
            numbers = self._consumer.partitions_for_topic(physical) or ()
            parts = {TopicPartition(physical, n): PartitionId(topic, n) for n in sorted(numbers)}
            if not parts:
                continue
            starts = self._consumer.beginning_offsets(list(parts))
            known = self._consumer.end_offsets(list(parts))
            first = self._at(parts, from_ms)
            for at, who in parts.items():
                end = ends.get(who, known[at])
                start = starts[at] if from_ms is None else first.get(at)
                start = end if start is None else start  # nothing was recorded since
                found[who] = Stretch(start, max(start, end), len(parts))
        return found

    def _at(self, parts: Mapping[Any, Any], ts_ms: int | None) -> dict[Any, int | None]:
        if ts_ms is None:
            return {}
        offsets = self._consumer.offsets_for_times(dict.fromkeys(parts, ts_ms))
        return {at: None if one is None else one.offset for at, one in offsets.items()}

    @property
    def total(self) -> int:
        """How many offsets there are to read."""
        return sum(stretch.end - stretch.start for stretch in self.stretches.values())

    def read(
        self, report: Callable[[int, int], None]
    ) -> Iterator[tuple[PartitionId, list[Record]]]:
        """Yield the records of one partition at a time, each partition's in order.

        Args:
            report: gets how many records were read, of how many.

        Raises:
            UnreachableError: the broker is away, or stopped answering.
        """
        open_parts = {
            TopicPartition(physical_topic(who.topic, self._settings.namespace), who.partition): who
            for who, stretch in self.stretches.items()
            if stretch.end > stretch.start
        }
        self._consumer.assign(list(open_parts))
        for at, who in open_parts.items():
            self._consumer.seek(at, self.stretches[who].start)
        done, moved_s = 0, time.monotonic()
        while open_parts:
            polled = self._poll()
            if polled:
                moved_s = time.monotonic()
            elif time.monotonic() - moved_s > _STALL_S:
                raise UnreachableError(
                    f"broker: {self._settings.broker}: no records for {_STALL_S:.0f} s with"
                    f" {self.total - done} still to read"
                )
            for at, records in polled.items():
                if at not in open_parts:
                    continue
                who = open_parts[at]
                end = self.stretches[who].end
                taken = [(r.offset, r.timestamp, r.key, r.value) for r in records if r.offset < end]
                done += len(taken)
                if taken:
                    yield who, taken
            for at in [p for p, owner in open_parts.items() if self._passed(p, owner)]:
                del open_parts[at]
                self._consumer.pause(at)
            report(done, self.total)

    def _poll(self) -> dict[Any, Any]:
        try:
            found: dict[Any, Any] = self._consumer.poll(timeout_ms=_POLL_MS)
        except KafkaError as error:
            raise UnreachableError(f"broker: {self._settings.broker}: {error}") from error
        return found

    def _passed(self, at: Any, who: PartitionId) -> bool:
        return bool(self._consumer.position(at) >= self.stretches[who].end)
