"""One partition's table in Redis or Valkey."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from processors.checkpoint import Checkpoint, Claim
from processors.errors import FencedError, PartitionStoppedError, UnreachableError
from processors.schema import OLDEST, SCHEMA, Schema
from streams.tables.base import PartitionId, StateKey
from streams.tables.connection import call, is_refusal, reaching
from streams.tables.encode import check_deltas, encode_checkpoint, parse_timer
from streams.tables.keys import PartitionKeys
from streams.tables.parse import parse_progress
from streams.tables.registry import mark_checkpointed, register
from streams.tables.script import run
from streams.tables.verdict import claim_refused, commit_refused

_SLICE = 2_000  # state ids a request: long requests hold up the other partitions


class RedisTable:
    """See :class:`streams.tables.base.PartitionTable`.

    Args:
        client: shared by all tables of the process; closed by whoever opened it.
        namespace: isolates live, verify, replay and tests in one Redis.
        topic: the logical topic.
        partition: its partition.
        schema: of the states that the owner writes; tables of older ones are taken over.
        before_claim: awaited before each claim: what the namespace keeps is settled there.
    """

    def __init__(
        self,
        client: Redis,
        namespace: str,
        topic: str,
        partition: int,
        *,
        schema: Schema = SCHEMA,
        before_claim: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._client = client
        self._before_claim = before_claim
        self._schema = schema
        self._namespace = namespace
        self._id = PartitionId(topic, partition)
        self._subject = f"{namespace}: {topic}/{partition}"
        self._keys: PartitionKeys | None = None
        self._claim_id = ""
        self._marked = False

    async def claim(self, *, topic_id: str, partitions: int, log_start: int, log_end: int) -> Claim:
        """Take the partition over."""
        if self._before_claim is not None:
            await self._before_claim()
        keys = PartitionKeys.of(self._namespace, *self._id, partitions)
        claim_id = uuid.uuid4().hex
        with reaching(self._client):
            marked = await register(
                self._client,
                self._namespace,
                self._id,
                topic_id=topic_id,
                partitions=partitions,
                schema=self._schema,
            )
            reply = cast(
                "list[Any]",
                await run(
                    self._client,
                    "claim",
                    [keys.meta, keys.admitted],
                    *(claim_id, int(marked), partitions, topic_id, log_start, log_end),
                    *(OLDEST, self._schema.version),
                ),
            )
        verdict, *rest = reply
        if verdict != b"ok":
            raise claim_refused(
                self._subject,
                verdict.decode(),
                " ".join(part.decode() for part in rest),
                partitions=partitions,
                topic_id=topic_id,
                log_start=log_start,
                log_end=log_end,
                schema=self._schema.version,
            )
        epoch, number, offset, max_ts_ms, admitted, meta = rest
        self._keys, self._claim_id = keys, claim_id
        # A mark without a number is as good; a number without a mark is the registry's roll-back.
        self._marked = marked
        return Claim(
            epoch=int(epoch),
            number=int(number),
            offset=_integer(offset),
            max_ts_ms=_integer(max_ts_ms),
            admitted={
                scope.decode(): msgspec.msgpack.decode(packed, type=list[str])
                for scope, packed in zip(admitted[::2], admitted[1::2], strict=True)
            },
            counters=parse_progress(dict(zip(meta[::2], meta[1::2], strict=True))).counters,
        )

    async def load_states(
        self, wanted: Mapping[str, Sequence[bytes]]
    ) -> dict[StateKey, bytes | None]:
        """Return states, None for those never stored."""
        keys = self._claimed()
        requests = [
            (processor, state_ids[first : first + _SLICE])
            for processor, state_ids in wanted.items()
            for first in range(0, len(state_ids), _SLICE)
        ]
        # At once: each may have to wait for another partition's checkpoint.
        with reaching(self._client):
            answers = await asyncio.gather(
                *(
                    call(self._client, "HMGET", keys.state(processor), *batch)
                    for processor, batch in requests
                )
            )
        return {
            (processor, state_id): value
            for (processor, batch), values in zip(requests, answers, strict=True)
            for state_id, value in zip(batch, values, strict=True)
        }

    async def find_states(
        self, sought: Mapping[str, Sequence[bytes]]
    ) -> dict[StateKey, bytes | None]:
        """Return the states that hold any of the texts."""
        keys = self._claimed()
        found: dict[StateKey, bytes | None] = {}
        with reaching(self._client):
            for processor, texts in sought.items():
                cursor: Any = 0
                while True:
                    cursor, page = await call(
                        self._client, "HSCAN", keys.state(processor), cursor, "COUNT", _SLICE
                    )
                    found.update(
                        ((processor, state_id), state)
                        for state_id, state in page.items()
                        if any(text in state for text in texts)
                    )
                    if int(cursor) == 0:
                        break
        return found

    async def some_states(self, processors: Sequence[str], limit: int) -> list[StateKey]:
        """Return which states there are of processors."""
        keys = self._claimed()
        found: list[StateKey] = []
        with reaching(self._client):
            for processor in processors:
                wanted = limit - len(found)
                if wanted > 0:
                    ids = await call(self._client, "HRANDFIELD", keys.state(processor), wanted)
                    found.extend((processor, state_id) for state_id in ids)
        return found

    async def load_due(
        self, watermark_ms: int, limit: int = 1000, skip: int = 0
    ) -> dict[StateKey, bytes | None]:
        """Return the first timers due, with their states."""
        with reaching(self._client):
            members, states = cast(
                "tuple[list[bytes], list[bytes | None]]",
                await run(self._client, "due", [self._claimed().meta], watermark_ms, limit, skip),
            )
        return {parse_timer(member): state for member, state in zip(members, states, strict=True)}

    async def commit(self, checkpoint: Checkpoint, *, expire_before: Mapping[str, int]) -> None:
        """Apply a checkpoint, whole or not at all."""
        keys = self._claimed()
        check_deltas(self._subject, checkpoint)
        arguments = encode_checkpoint(
            checkpoint, self._claim_id, expire_before, self._schema.version
        )
        with reaching(self._client):
            if not self._marked:
                self._marked = await mark_checkpointed(self._client, self._namespace, self._id)
            try:
                reply = cast(
                    "list[bytes]", await run(self._client, "commit", [keys.meta], *arguments)
                )
            except ResponseError as error:
                if is_refusal(error):
                    raise
                raise PartitionStoppedError(
                    f"{self._subject}: checkpoint {checkpoint.number} failed in Redis: {error}"
                ) from error
        if reply[0] == b"held":
            raise UnreachableError(
                f"{self._subject}: a backup is being read: checkpoints wait for it, at most "
                f"{int(reply[2])} ms from now"
            )
        if reply[0] not in (b"ok", b"applied"):
            verdict, *rest = (part.decode(errors="replace") for part in reply)
            raise commit_refused(self._subject, checkpoint.number, verdict, *rest)

    def _claimed(self) -> PartitionKeys:
        if self._keys is None:
            raise FencedError(f"{self._subject}: claim the partition before using its table")
        return self._keys


def _integer(text: bytes) -> int | None:
    return int(text) if text else None
