"""The register of measures of a namespace in Redis (processors/catalog/versions.py says what of).

It lies beside the partitions' keys, in a cluster slot of its own; it changes when a worker starts
with other definitions than the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import WatchError

from processors.catalog.versions import Kept, adopt, look
from processors.errors import UnreachableError
from streams.tables.connection import call, reaching
from streams.tables.keys import measures_key

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from processors.catalog.model import Catalog

_TRIES: Final = 20


async def read_register(client: Redis, namespace: str) -> dict[str, str]:
    """Return the register; empty where no worker ever started.

    Raises:
        UnreachableError: Redis is away or refused.
    """
    with reaching(client):
        return _parse(await call(client, "HGETALL", measures_key(namespace)))


def _parse(found: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in found.items()}


async def adopt_catalog(client: Redis, namespace: str, catalog: Catalog) -> Kept:
    """Bring a namespace's register up to a catalogue, and return what is kept of it.

    Raises:
        UnreachableError: Redis is away or refused, or others keep changing the register.
    """
    key = measures_key(namespace)
    for _ in range(_TRIES):
        with reaching(client):
            async with client.pipeline(transaction=True) as pipeline:
                await pipeline.watch(key)
                found: Any = await pipeline.execute_command("HGETALL", key)
                register = _parse(found)
                changes = adopt(register, catalog)
                if not changes:
                    return look(register, catalog)
                pipeline.multi()  # type: ignore[no-untyped-call]
                flat = [text for field in changes.items() for text in field]
                pipeline.execute_command("HSET", key, *flat)
                try:
                    await pipeline.execute()
                except WatchError:
                    continue  # another worker was faster
        return look(register | changes, catalog)
    raise UnreachableError(
        f"namespace {namespace}: the register of measures changed {_TRIES} times while it was "
        "written: workers with different catalogues keep starting"
    )
