"""Whether workers are at a namespace's tables, as far as that can be told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from processors.errors import UnreachableError, UsageError
from streams.replay.workers import worker_running
from streams.tables.connection import call, nodes_of, reaching
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from streams.settings import Settings

_RECENT_MS: Final = 5_000  # a worker of a silent topic checkpoints its ticks as often as that


async def refuse_workers(client: Redis, settings: Settings, namespace: str, what: str) -> str:
    """Raise where workers hold partitions; return what could not be told, or nothing.

    Args:
        client: of the tables.
        settings: of the broker.
        namespace: whose workers.
        what: is about to be done.

    Raises:
        UsageError: a worker is a member of the namespace's group, or has just written.
        UnreachableError: Redis is away or refused.
    """
    advice = f"{what}: end the workers first"
    try:
        running = await asyncio.to_thread(worker_running, replace(settings, namespace=namespace))
    except UnreachableError as error:
        unknown = f"whether workers run could not be asked ({error})"
    else:
        unknown = ""
        if running:
            raise UsageError(f"namespace {namespace}: workers hold its partitions: {advice}")
        return unknown
    with reaching(client):
        now_ms = max([await _now_ms(node) for node in await nodes_of(client)])
        progress = await RedisReader(client, namespace).progress()
    for who, seen in progress.items():
        if seen.written_ms is not None and now_ms - seen.written_ms < _RECENT_MS:
            raise UsageError(
                f"namespace {namespace}: a worker wrote {who.topic}/{who.partition} "
                f"{now_ms - seen.written_ms} ms ago: {advice}"
            )
    return unknown


async def _now_ms(node: Redis) -> int:
    seconds, micros = await call(node, "TIME")
    return int(seconds) * 1000 + int(micros) // 1000
