"""What a backfill is asked to do, checked, and done on real servers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from processors.errors import UsageError
from streams.backfill.log import LogRange
from streams.backfill.run import Backfill, Backfilled
from streams.tables.admin import drop_namespace
from streams.tables.connection import connected
from streams.tables.redis_reader import RedisReader
from streams.tables.redis_table import RedisTable
from streams.tables.registry import read_partitions

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from processors.catalog.model import Catalog
    from streams.settings import Settings
    from streams.tables.base import PartitionId

    Report = Callable[[int, int], None]

_AHEAD_MS: Final = 3_600_000  # how far producers' clocks may be ahead of the broker's


@dataclass(frozen=True)
class Order:
    """A range and where it goes.

    Attributes:
        into: the namespace of the tables to write; its topics stay those of the settings.
        from_ms, to_ms: event times (ms) of the range; None: from the log's start, up to now.
        warm_up_ms: how far before ``from_ms`` the log is read, for what began there.
        replace: whether a namespace that is there already is dropped first.
    """

    into: str
    from_ms: int | None
    to_ms: int | None
    warm_up_ms: int
    replace: bool = False


async def backfill(
    settings: Settings, catalog: Catalog, order: Order, report: Report
) -> Backfilled:
    """Recompute a range of the settings' namespace into another one.

    Raises:
        UsageError: the target is the source, or is there already.
        UnreachableError: broker or Redis is away or refused.
    """
    if order.into == settings.namespace:
        raise UsageError(
            f"--into {order.into}: that is the namespace whose figures are shown: they would be"
            " counted twice"
        )
    async with connected(settings.redis_url) as client:
        await _make_room(client, order)
        ends = await workers_offsets(client, settings.namespace)
        make_table = partial(RedisTable, client, order.into)
        log = open_range(settings, ends, order)
        work = Backfill(catalog, settings, make_table, order.from_ms)
        return await work.run(log, sealed_ms(order), report)


def open_range(settings: Settings, ends: dict[PartitionId, int], order: Order) -> LogRange:
    """Return the part of the log that an order needs.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    if order.from_ms is None:
        return LogRange(settings, ends, None)
    first_ms = order.from_ms - order.warm_up_ms - _AHEAD_MS
    return LogRange(settings, ends, max(0, first_ms))


def sealed_ms(order: Order) -> int:
    """Return the clock at the end of an order's range."""
    return order.to_ms or time.time_ns() // 1_000_000


async def workers_offsets(client: Redis, namespace: str) -> dict[PartitionId, int]:
    """Return how far the workers of a namespace are."""
    progress = await RedisReader(client, namespace).progress()
    return {who: seen.offset for who, seen in progress.items() if seen.offset is not None}


async def _make_room(client: Redis, order: Order) -> None:
    if not await read_partitions(client, order.into):
        return
    if not order.replace:
        raise UsageError(
            f"--into {order.into}: the namespace is there already: its figures would be added to;"
            " --replace drops it first"
        )
    await drop_namespace(client, order.into)
