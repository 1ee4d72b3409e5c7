"""Keys in small requests: no single one keeps Redis from serving others for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streams.tables.connection import call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from redis.asyncio import Redis

    from streams.tables.keys import PartitionKeys

Page = list[bytes]
ITEMS: Final = 2_000  # of a request, and of a command that writes them back
_PANES: Final = 16  # a request


async def read_hash(client: Redis, key: str) -> AsyncIterator[Page]:
    """Yield field, value, ...; a field may come twice."""
    cursor: Any = 0
    while True:
        cursor, found = await call(client, "HSCAN", key, cursor, "COUNT", ITEMS)
        for page in _slices(found):
            yield page
        if int(cursor) == 0:
            return


async def read_zset(client: Redis, key: str) -> AsyncIterator[Page]:
    """Yield member, score, ..."""
    start = 0
    while True:
        page = await call(client, "ZRANGE", key, start, start + ITEMS - 1, "WITHSCORES")
        if not page:
            return
        yield page
        start += ITEMS


async def read_stream(client: Redis, key: str) -> AsyncIterator[Page]:
    """Yield id, field, value, ... of each entry; there are a few dozen."""
    for entry, fields in await call(client, "XRANGE", key, "-", "+"):
        yield [entry, *(part for pair in fields.items() for part in pair)]


async def read_panes(
    client: Redis, keys: PartitionKeys, rung: str, starts: Sequence[int]
) -> AsyncIterator[tuple[str, Page]]:
    """Yield (name, cell, value, ...) of a rung's panes and sketches."""
    for at in range(0, len(starts), _PANES):
        names = [
            f"{kind}:{rung}:{start}"
            for start in starts[at : at + _PANES]
            for kind in ("pane", "sketch")
        ]
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.execute_command("HGETALL", keys.prefix + name)
        for name, cells in zip(names, await pipeline.execute(), strict=True):
            for page in _slices(cells):
                yield name, page


def _slices(pairs: Mapping[bytes, bytes]) -> Iterator[Page]:
    yield from slices([part for pair in pairs.items() for part in pair])


def slices(items: Sequence[bytes]) -> Iterator[Page]:
    """Yield pairs in pages."""
    for at in range(0, len(items), 2 * ITEMS):
        yield list(items[at : at + 2 * ITEMS])


def commands(key: str, kind: str, items: Page) -> Iterable[tuple[object, ...]]:
    """Return the commands that write a page back."""
    if kind == "hash":
        return [("HSET", key, *items)]
    if kind == "stream":
        return [("XADD", key, *items)]
    pairs = zip(items[1::2], items[::2], strict=True)
    return [("ZADD", key, *(part for pair in pairs for part in pair))]
