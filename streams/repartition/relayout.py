"""The keys of a backup as they are once a topic has more partitions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from processors.passing import MARKS, write_marks
from processors.schema import SCHEMA
from processors.state import state_id
from streams.backup.file import Part
from streams.backup.write import place
from streams.repartition.moves import owners_of_timer, states_of
from streams.tables.encode import parse_timer
from streams.tables.keys import REGISTRY_TOPIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from streams.backup.write import Placed
    from streams.repartition.layout import Layout
    from streams.repartition.moves import Moves

Meta = dict[bytes, bytes]


class Relayout:
    """One topic's way from one number of partitions to another.

    Args:
        namespace: that is written.
        layout: the topic's.
        moves: where its states go, settled.
        metas: of the topic's partitions, as they were.
        partitions: of every topic, as they were.
        starts: of the new partitions' logs.
    """

    def __init__(
        self,
        namespace: str,
        layout: Layout,
        moves: Moves,
        metas: Mapping[int, Meta],
        partitions: Mapping[str, int],
        starts: Mapping[int, int],
    ) -> None:
        self._namespace, self._layout = namespace, layout
        self._owners, self._metas, self._starts = moves.owners, metas, starts
        self._marks = moves.marks
        self._partitions = {**partitions, layout.topic: layout.after}

    def registry(self, registry: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the registry with the topic's new number."""
        return {**registry, REGISTRY_TOPIC + self._layout.topic: b"%d" % self._layout.after}

    def placed(self, parts: Iterable[Part]) -> Iterator[Placed]:
        """Yield what is to be written."""
        for part in parts:
            if part.topic != self._layout.topic:
                yield self._placed(part)
            else:
                yield from map(self._placed, self._moved(part))
        yield from map(self._placed, self._begun())

    def _placed(self, part: Part) -> Placed:
        return place(self._namespace, part, self._partitions), part.kind, part.items

    def _moved(self, part: Part) -> Iterator[Part]:
        processor = states_of(part.name)
        if part.name == "meta":
            meta = self._metas[part.partition] | {b"partitions": b"%d" % self._layout.after}
            # A worker that was stopped in between has states that lie elsewhere by now.
            meta |= {b"epoch": b"%d" % (int(meta[b"epoch"]) + 1), b"claim": b""}
            meta |= self._time(part.partition) | self._schemas()
            yield self._at(part, part.partition, [x for pair in meta.items() for x in pair])
        elif processor is None and part.name != "timers":
            yield part
        elif processor == MARKS:
            return  # everywhere alike: see below
        else:
            going: dict[int, list[bytes]] = defaultdict(list)
            for first, second in zip(part.items[::2], part.items[1::2], strict=True):
                of, identity = parse_timer(first) if processor is None else (processor, first)
                for owner in owners_of_timer(self._owners, part.partition, of, identity):
                    going[owner] += (first, second)
            for owner, items in going.items():
                yield self._at(part, owner, items)

    def _time(self, partition: int) -> Meta:
        """Return how far time is: a state never meets an earlier watermark than it had.

        Without states nothing moves, and every partition keeps its own time.
        """
        if not self._owners:
            return {}
        sources = [partition, *self._layout.sources(partition)]
        times = [self._metas[one].get(b"max_ts_ms", b"") for one in sources if one in self._metas]
        known = [int(one) for one in times if one]
        return {b"max_ts_ms": b"%d" % max(known)} if known else {}

    def _schemas(self) -> Meta:
        """Return which schemas states have: any of them may come to any partition."""
        if not self._metas:
            return {b"schema": b"%d" % SCHEMA.version}
        written = [int(meta[b"schema"]) for meta in self._metas.values()]
        oldest = min(
            int(meta.get(b"oldest_schema", meta[b"schema"])) for meta in self._metas.values()
        )
        found = {b"schema": b"%d" % max(written)}
        return found if oldest == max(written) else found | {b"oldest_schema": b"%d" % oldest}

    def _begun(self) -> Iterator[Part]:
        """Yield the new partitions' progress: nothing counted, but the time that states met.

        And, where it is a receiving topic, what has been received: all of it by everybody, because
        everything that was sent is counted.
        """
        some = next(iter(self._metas.values()), {})
        for partition in range(self._layout.before, self._layout.after):
            meta = {
                b"epoch": b"1",
                b"claim": b"",
                b"number": b"0",
                b"start": b"%d" % self._starts.get(partition, 0),
                b"partitions": b"%d" % self._layout.after,
                b"topic_id": some.get(b"topic_id", b""),
                **self._time(partition),
                **self._schemas(),
            }
            items = [x for pair in meta.items() for x in pair]
            yield Part(self._layout.topic, partition, "meta", "hash", items)
        if self._marks:
            marks = [state_id(MARKS), write_marks(self._marks)]
            for partition in range(self._layout.after):
                yield Part(self._layout.topic, partition, f"state:{MARKS}", "hash", marks)

    @staticmethod
    def _at(part: Part, partition: int, items: list[bytes]) -> Part:
        return Part(part.topic, partition, part.name, part.kind, items)
