"""What a worker has noted of control records: ledgers of retries, receipts of erasure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from redis.asyncio import Redis

from streams.tables.base import PartitionId
from streams.tables.connection import call, reaching
from streams.tables.registry import read_partitions

_SLICE = 2_000


class NoteKey(NamedTuple):
    """One note: the partition that wrote it, its kind (``_retried``, ``_forgotten``), its id."""

    partition: PartitionId
    kind: str
    id: bytes


async def read_notes(
    client: Redis, namespace: str, wanted: Iterable[NoteKey]
) -> dict[NoteKey, bytes]:
    """Return the notes that there are, as of each partition's last checkpoint.

    Raises:
        UnreachableError: the server is away or refused.
    """
    groups: dict[tuple[PartitionId, str], list[NoteKey]] = {}
    for note in wanted:
        groups.setdefault((note.partition, note.kind), []).append(note)
    found: dict[NoteKey, bytes] = {}
    with reaching(client):
        partitions = await read_partitions(client, namespace) if groups else {}
        for (partition, kind), notes in groups.items():
            if partition not in partitions:
                continue  # nobody has claimed it yet
            key = partitions[partition].state(kind)
            for start in range(0, len(notes), _SLICE):
                part = notes[start : start + _SLICE]
                values = await call(client, "HMGET", key, *(note.id for note in part))
                found.update((n, v) for n, v in zip(part, values, strict=True) if v is not None)
    return found
