"""Reading a namespace's tables for a backup, each partition as it was at one checkpoint.

::

    worker    commit 17 ......... waits ......... commit 18       a partition at a time; Redis
    backup           | hold | page | page | ... | free            answers others between two pages

Nothing blocks Redis for longer than one page. A partition's checkpoints wait while it is read; its
worker counts on meanwhile and loses nothing. Should a checkpoint come in between all the same (the
server refused the hold, an older worker does not know of it), the partition is read once more.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from redis.exceptions import ResponseError

from processors.errors import CheckFailedError, UnreachableError, UsageError
from processors.schema import OLDEST, SCHEMA
from streams.backup.file import FORMAT, Header, Part, Writer, encode_part, writing
from streams.backup.pages import Page, read_hash, read_panes, read_stream, read_zset
from streams.tables.base import PartitionId
from streams.tables.connection import address_of, call, is_refusal, nodes_of, reaching
from streams.tables.keys import (
    REGISTRY_DROPPING,
    measures_key,
    namespace_pattern,
    registry_key,
    retries_key,
)
from streams.tables.registry import partitions_of
from streams.tables.script import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from redis.asyncio import Redis

    from streams.tables.keys import PartitionKeys

    Report = Callable[[int, int], None]

_HOLD_MS: Final = 10_000
_RENEW_S: Final = _HOLD_MS / 3000
_TRIES: Final = 5
_SCAN: Final = 1_000
_LENGTH_BYTES: Final = 4


@dataclass(frozen=True)
class BackedUp:
    """What a backup came to.

    Attributes:
        keys: of partitions.
    """

    partitions: int
    keys: int
    seconds: float


class _ChangedError(Exception):
    """A checkpoint came in between, or a state or pane of a new kind: what was read is no whole."""


async def back_up(client: Redis, namespace: str, path: Path, report: Report) -> BackedUp:
    """Write a namespace's tables into a file.

    Args:
        client: of the server.
        namespace: whose tables.
        path: must not exist yet.
        report: gets how many keys were read, of about how many.

    Raises:
        UsageError: there are no tables, or the file cannot be written.
        CheckFailedError: the tables are no whole: being dropped, or damaged.
        UnreachableError: the server is away or refused.
    """
    for _ in range(_TRIES):
        with suppress(_ChangedError):
            return await _back_up(client, namespace, path, report)
    raise CheckFailedError(
        f"{namespace}: states or panes of a new kind came in, {_TRIES} times, while the backup was "
        "read: it might lack some. Back up again once the namespace has had traffic for a while"
    )


async def _back_up(client: Redis, namespace: str, path: Path, report: Report) -> BackedUp:
    started_s = time.monotonic()
    with Writer(path) as writer, reaching(client):
        registry = await call(client, "HGETALL", registry_key(namespace))
        _check_registry(client, namespace, registry)
        named = {name.decode(): value for name, value in registry.items()}
        made_ms = time.time_ns() // 1_000_000
        writer.begin(Header(FORMAT, SCHEMA.version, namespace, made_ms, named))
        partitions = partitions_of(namespace, registry)
        reading = _Reading(client, report)
        names = await reading.survey(namespace)
        for who, keys in partitions.items():
            await reading.partition(who, keys, names[keys.prefix], writer)
        # A processor's first state, or a rung's first pane, may have come meanwhile.
        later = await reading.survey(namespace)
        if any(later[keys.prefix] - names[keys.prefix] for keys in partitions.values()):
            raise _ChangedError
        # These only grow: what partitions may refer to is in them.
        for name, key_of in (("measures", measures_key), ("retries", retries_key)):
            async for page in read_hash(client, key_of(namespace)):
                writer.add(encode_part(Part("", 0, name, "hash", page)))
        writer.finish()
    return BackedUp(len(partitions), reading.keys, time.monotonic() - started_s)


def _check_registry(client: Redis, namespace: str, registry: dict[bytes, bytes]) -> None:
    where = f"namespace {namespace} in Redis at {address_of(client)}"
    if not registry:
        raise UsageError(f"{where}: there are no tables: nothing to back up")
    if REGISTRY_DROPPING.encode() in registry:
        raise CheckFailedError(f"{where}: is being dropped or restored: it is no whole")
    schema = registry.get(b"schema", b"").decode()
    if not schema.isdigit() or not OLDEST <= int(schema) <= SCHEMA.version:
        raise CheckFailedError(
            f"{where}: its tables have schema {schema or 'unknown'}, this program has "
            f"{SCHEMA.version}: back up with the version that wrote them"
        )


class _Reading:
    """One backup in progress."""

    def __init__(self, client: Redis, report: Report) -> None:
        self._client, self._report = client, report
        self._total = 0
        self.keys = 0

    async def survey(self, namespace: str) -> dict[str, set[str]]:
        """Return prefix -> the names that only the catalogue knows: states' and rungs'."""
        names: dict[str, set[str]] = defaultdict(set)
        total = 0
        for node in await nodes_of(self._client):
            cursor = 0
            while True:
                position, found = await call(
                    node, "SCAN", cursor, "MATCH", namespace_pattern(namespace), "COUNT", _SCAN
                )
                total += len(found)
                for key in found:
                    tag, closing, name = key.decode().partition("}:")
                    if name.startswith(("state:", "index:")):
                        names[tag + closing].add(name)
                cursor = int(position)
                if cursor == 0:
                    break
        self._total = self._total or total
        return names

    async def partition(
        self, who: PartitionId, keys: PartitionKeys, names: set[str], writer: Writer
    ) -> None:
        """Add one partition to the file."""
        for _ in range(_TRIES):
            with tempfile.TemporaryFile() as spool:
                before = self.keys
                try:
                    await self._read(who, keys, sorted(names), spool)
                except _ChangedError:
                    self.keys = before
                    continue
                with writing(Path(tempfile.gettempdir())):
                    spool.seek(0)  # and write what is left
                while length := int.from_bytes(spool.read(_LENGTH_BYTES)):
                    writer.add(spool.read(length))
                return
        raise UnreachableError(
            f"Redis at {address_of(self._client)}: {keys.meta} went on {_TRIES} times while it was "
            "read: its worker does not wait for backups. End it, or upgrade it"
        )

    async def _read(
        self, who: PartitionId, keys: PartitionKeys, names: list[str], spool: IO[bytes]
    ) -> None:
        before = await self._hold(keys, _HOLD_MS)
        renewed_s, last = time.monotonic(), ""
        try:
            if before:
                _check_meta(who, before)
                async for name, kind, page in _pages(self._client, keys, names):
                    encoded = encode_part(Part(*who, name, kind, page))
                    _spool(spool, encoded)
                    self.keys += name != last
                    last = name
                    self._report(min(self.keys, self._total), self._total)
                    if time.monotonic() - renewed_s > _RENEW_S:
                        renewed_s = time.monotonic()
                        if _place(await self._hold(keys, _HOLD_MS)) != _place(before):
                            raise _ChangedError
        finally:
            after = await self._hold(keys, 0)
        if _place(after) != _place(before):
            raise _ChangedError
        if before:
            self.keys += 1
            meta = [part for pair in after.items() for part in pair]
            _spool(spool, encode_part(Part(*who, "meta", "hash", meta)))

    async def _hold(self, keys: PartitionKeys, hold_ms: int) -> dict[bytes, bytes]:
        try:
            flat = await run(self._client, "hold", [keys.meta], hold_ms)
        except ResponseError as error:
            if not is_refusal(error):
                raise
            # It takes no writes, so there are no checkpoints either: a backup is wanted now.
            meta: dict[bytes, bytes] = await call(self._client, "HGETALL", keys.meta)
            return {name: value for name, value in meta.items() if name != b"held"}
        return dict(zip(flat[::2], flat[1::2], strict=True))


def _spool(spool: IO[bytes], encoded: bytes) -> None:
    with writing(Path(tempfile.gettempdir())):
        spool.write(len(encoded).to_bytes(_LENGTH_BYTES) + encoded)


def _place(meta: dict[bytes, bytes]) -> tuple[bytes | None, ...]:
    return tuple(meta.get(name) for name in (b"number", b"offset", b"writer", b"dirty"))


def _check_meta(who: PartitionId, meta: dict[bytes, bytes]) -> None:
    if b"dirty" in meta:
        raise CheckFailedError(
            f"{who.topic}/{who.partition}: checkpoint {meta[b'dirty'].decode()} was applied in "
            "part, so that its panes are wrong: a backup would keep them. Restore an older one"
        )


async def _pages(
    client: Redis, keys: PartitionKeys, names: list[str]
) -> AsyncIterator[tuple[str, str, Page]]:
    """Yield (name, kind, items) of every key of a partition but its meta."""
    async for page in read_hash(client, keys.admitted):
        yield "admitted", "hash", page
    async for page in read_zset(client, keys.timers):
        yield "timers", "zset", page
    async for page in read_stream(client, keys.log):
        yield "log", "stream", page
    for name in names:
        family, _, rest = name.partition(":")
        if family == "state":
            async for page in read_hash(client, keys.state(rest)):
                yield name, "hash", page
            continue
        starts: list[int] = []
        async for page in read_zset(client, keys.index(rest)):
            starts += map(int, page[::2])
            yield name, "zset", page
        async for page in read_zset(client, keys.changed(rest)):
            yield f"changed:{rest}", "zset", page
        async for pane, page in read_panes(client, keys, rest, starts):
            yield pane, "hash", page
