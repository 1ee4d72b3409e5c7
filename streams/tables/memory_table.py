"""One partition's table in memory, under the same laws as the one in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from processors.checkpoint import Checkpoint, Claim
from processors.errors import FencedError
from processors.schema import SCHEMA, Schema
from streams.tables.base import PartitionId, StateKey
from streams.tables.encode import check_deltas, timer_member
from streams.tables.memory_commit import apply, check_stored, kept_from
from streams.tables.memory_store import MemoryPartition, MemoryStore, MemoryTopic
from streams.tables.verdict import claim_refused, commit_refused


class MemoryTable:
    """See :class:`streams.tables.base.PartitionTable`.

    Args:
        store: shared by all tables and readers that belong together.
        namespace: as in Redis.
        topic: the logical topic.
        partition: its partition.
        schema: as in Redis.
    """

    def __init__(
        self,
        store: MemoryStore,
        namespace: str,
        topic: str,
        partition: int,
        *,
        schema: Schema = SCHEMA,
    ) -> None:
        self._store, self._schema = store, schema
        self._namespace = namespace
        self._id = PartitionId(topic, partition)
        self._subject = f"{namespace}: {topic}/{partition}"
        self._claim_id = ""

    async def claim(self, *, topic_id: str, partitions: int, log_start: int, log_end: int) -> Claim:
        """Take the partition over."""
        space = self._store.namespace(self._namespace)
        topic = space.topics.get(self._id.topic)
        held = space.partitions.get(self._id)
        for known in (topic, held):
            self._check_topic(known, partitions, topic_id)
        if topic is None:
            topic = space.topics[self._id.topic] = MemoryTopic(partitions, topic_id)
        topic.topic_id = topic_id or topic.topic_id
        if held is None:
            if self._id.partition in topic.checkpointed:
                raise claim_refused(self._subject, "missing", "")
            held = space.partitions[self._id] = MemoryPartition(partitions, topic_id, log_start)
        if held.schema > self._schema.version:
            raise claim_refused(
                self._subject, "schema", str(held.schema), schema=self._schema.version
            )
        due = held.log_start if held.progress.offset is None else held.progress.offset
        if not log_start <= due <= log_end:
            verdict = "below" if due < log_start else "above"
            raise claim_refused(
                self._subject, verdict, str(due), log_start=log_start, log_end=log_end
            )
        held.topic_id = topic_id or held.topic_id
        held.schema = self._schema.version
        held.claim_id = self._claim_id = self._store.new_claim_id()
        held.progress = replace(held.progress, epoch=held.progress.epoch + 1)
        return Claim(
            epoch=held.progress.epoch,
            number=held.progress.number,
            offset=held.progress.offset,
            max_ts_ms=held.progress.max_ts_ms,
            admitted={scope: list(values) for scope, values in held.admitted.items()},
            counters=dict(held.progress.counters),
        )

    async def load_states(
        self, wanted: Mapping[str, Sequence[bytes]]
    ) -> dict[StateKey, bytes | None]:
        """Return states, None for those never stored."""
        states = self._claimed().states
        return {
            (processor, state_id): states.get((processor, state_id))
            for processor, state_ids in wanted.items()
            for state_id in state_ids
        }

    async def find_states(
        self, sought: Mapping[str, Sequence[bytes]]
    ) -> dict[StateKey, bytes | None]:
        """Return the states that hold any of the texts."""
        return {
            key: state
            for key, state in self._claimed().states.items()
            if any(text in state for text in sought.get(key[0], ()))
        }

    async def some_states(self, processors: Sequence[str], limit: int) -> list[StateKey]:
        """Return which states there are of processors."""
        states = self._claimed().states
        return list(islice((key for key in states if key[0] in processors), limit))

    async def load_due(
        self, watermark_ms: int, limit: int = 1000, skip: int = 0
    ) -> dict[StateKey, bytes | None]:
        """Return the first timers due, with their states."""
        held = self._claimed()
        due = sorted(
            (due_ms, timer_member(*key), key)
            for key, due_ms in held.timers.items()
            if due_ms <= watermark_ms
        )
        return {key: held.states.get(key) for _, _, key in islice(due, skip, skip + limit)}

    async def commit(self, checkpoint: Checkpoint, *, expire_before: Mapping[str, int]) -> None:
        """Apply a checkpoint, whole or not at all."""
        self._claimed()
        check_deltas(self._subject, checkpoint)
        space = self._store.namespace(self._namespace)
        held = space.partitions.get(self._id)
        if held is None:
            raise commit_refused(self._subject, checkpoint.number, "fenced", "state", "none", "")
        if self._applied(held, checkpoint):
            return
        kept = kept_from(held, expire_before)
        check_stored(held, checkpoint, self._subject, kept)
        space.topics[self._id.topic].checkpointed.add(self._id.partition)
        apply(held, checkpoint, self._id, self._claim_id, kept, self._store.now_ms())

    def _applied(self, held: MemoryPartition, checkpoint: Checkpoint) -> bool:
        """Return whether this very checkpoint is stored already, or refuse another's."""
        stored = held.progress
        for what, mine, theirs in (
            ("schema", self._schema.version, held.schema),
            ("epoch", checkpoint.epoch, stored.epoch),
            ("claim", self._claim_id, held.claim_id),
        ):
            if mine != theirs:
                raise self._fenced(checkpoint, what, theirs, mine)
        if (stored.number, stored.offset, stored.writer) == (
            checkpoint.number,
            checkpoint.offset,
            self._claim_id,
        ):
            return True
        if checkpoint.number != stored.number + 1:
            raise self._fenced(checkpoint, "number", stored.number, checkpoint.number)
        if checkpoint.expected_offset != stored.offset:
            raise self._fenced(checkpoint, "offset", stored.offset, checkpoint.expected_offset)
        return False

    def _fenced(
        self, checkpoint: Checkpoint, what: str, stored: object, given: object
    ) -> Exception:
        stored, given = ("none" if value is None else str(value) for value in (stored, given))
        return commit_refused(self._subject, checkpoint.number, "fenced", what, stored, given)

    def _check_topic(
        self, known: MemoryTopic | MemoryPartition | None, partitions: int, topic_id: str
    ) -> None:
        facts = {"partitions": partitions, "topic_id": topic_id}
        if known and known.partitions != partitions:
            raise claim_refused(self._subject, "partitions", str(known.partitions), **facts)
        if known and known.topic_id and topic_id and known.topic_id != topic_id:
            raise claim_refused(self._subject, "topic_id", known.topic_id, **facts)

    def _claimed(self) -> MemoryPartition:
        held = self._store.namespace(self._namespace).partitions.get(self._id)
        if not self._claim_id:
            raise FencedError(f"{self._subject}: claim the partition before using its table")
        return held or MemoryPartition(0, "", 0)
