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


class MeasureRegister:
    """The register as a worker with a catalogue keeps it.

    Args:
        client: Redis.
        namespace: whose register it is.
        catalog: the worker's.
    """

    def __init__(self, client: Redis, namespace: str, catalog: Catalog) -> None:
        self._client, self._namespace, self._catalog = client, namespace, catalog
        self._found: dict[str, str] = {}
        self._kept: Kept | None = None

    async def adopt(self) -> Kept:
        """Bring the register up to the catalogue, and return what is kept of it.

        Asked at every claim; what was found to fit before is only compared.

        Raises:
            UnreachableError: Redis is away or refused, or others keep changing the register.
        """
        key = measures_key(self._namespace)
        for _ in range(_TRIES):
            with reaching(self._client):
                async with self._client.pipeline(transaction=True) as pipeline:
                    await pipeline.watch(key)
                    found: Any = await pipeline.execute_command("HGETALL", key)
                    register = _parse(found)
                    if self._kept is not None and register == self._found:
                        return self._kept
                    changes = adopt(register, self._catalog)
                    if changes:
                        pipeline.multi()  # type: ignore[no-untyped-call]
                        flat = [text for field in changes.items() for text in field]
                        pipeline.execute_command("HSET", key, *flat)
                        try:
                            await pipeline.execute()
                        except WatchError:
                            continue  # another worker was faster
            self._found = register | changes
            self._kept = look(self._found, self._catalog)
            return self._kept
        raise UnreachableError(
            f"namespace {self._namespace}: the register of measures changed {_TRIES} times while it"
            " was written: workers with different catalogues keep starting"
        )
