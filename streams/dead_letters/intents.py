"""Where each record is retried, noted before it is: every later retry of it goes there too.

The ledger that makes a retry count once belongs to a partition. A second retry, by whomever and
with whatever fix, must therefore meet the first one's ledger; the first to note a place decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors.errors import UnreachableError
from processors.retries import LEDGER
from processors.state import state_id
from streams.tables.base import PartitionId
from streams.tables.connection import call, reaching
from streams.tables.keys import retries_key
from streams.tables.notes import NoteKey, read_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

_SLICE: Final = 2_000


async def places(client: Redis, namespace: str, sources: Sequence[str]) -> dict[str, PartitionId]:
    """Return where records are retried, of those for which it is noted.

    Raises:
        UnreachableError: Redis is away or refused.
    """
    key, found = retries_key(namespace), {}
    with reaching(client):
        for start in range(0, len(sources), _SLICE):
            part = sources[start : start + _SLICE]
            values = await call(client, "HMGET", key, *part)
            found.update({s: _place(v) for s, v in zip(part, values, strict=True) if v is not None})
    return found


async def claim_places(
    client: Redis, namespace: str, wanted: Mapping[str, PartitionId]
) -> dict[str, PartitionId]:
    """Note where records are to be retried; return where they are, which others may have decided.

    Raises:
        UnreachableError: Redis is away or refused.
    """
    key = retries_key(namespace)
    with reaching(client):
        pipeline = client.pipeline(transaction=False)
        for source, place in wanted.items():
            pipeline.execute_command("HSETNX", key, source, f"{place.topic}/{place.partition}")
        await pipeline.execute()
    noted = await places(client, namespace, list(wanted))
    if len(noted) < len(wanted):
        raise UnreachableError("Redis lost what was just written: retry when it keeps it")
    return noted


async def counted(client: Redis, namespace: str, sources: Sequence[str]) -> dict[str, str]:
    """Return what the workers' ledgers say of records: ``counted at 17``, ``duplicate at 17``.

    Raises:
        UnreachableError: Redis is away or refused.
    """
    noted = await places(client, namespace, sources)
    keys = {NoteKey(place, LEDGER, state_id(source)): source for source, place in noted.items()}
    notes = await read_notes(client, namespace, keys)
    return {keys[note]: value.decode() for note, value in notes.items()}


def _place(value: bytes) -> PartitionId:
    topic, _, partition = value.decode().rpartition("/")
    return PartitionId(topic, int(partition))
