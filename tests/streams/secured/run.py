"""One log through the product's own processes, on whatever servers the settings name."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Final

from processors.names import ADS
from streams.catalog_files import read_catalog
from streams.query import answer, ask
from streams.replay.publish import Publisher
from streams.settings import Settings
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader
from streams.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from processors.catalog.model import Catalog

EVENTS: Final = 600
CAMPAIGNS: Final = 3


def count_through(settings: Settings, eventually: Callable[..., None]) -> None:
    """Create topics, publish, run ``kpi worker``, and check the count by ``kpi query``'s code."""
    create_topics(settings)
    now_ms = time.time_ns() // 1_000_000
    with Publisher(settings) as publisher:
        for number in range(EVENTS):
            event = {
                "event_id": f"e{number}",
                "type": "ad_impression",
                "ts": now_ms,
                "campaign": f"c{number % CAMPAIGNS}",
            }
            publisher.send(ADS, event["event_id"].encode(), json.dumps(event).encode())
        publisher.flush()
    command = [sys.executable, "-m", "streams.cli.main", "worker"]
    worker = subprocess.Popen(command, env={**os.environ, **settings.environment()})
    try:
        eventually(
            lambda: worker.poll() is not None or counted(settings, now_ms) == expected(),
            60.0,
            "every campaign has its count",
        )
        assert worker.poll() is None
    finally:
        worker.terminate()
        code = worker.wait(30)
    assert code == 0
    assert counted(settings, now_ms) == expected()


@cache
def _catalog() -> Catalog:
    return read_catalog(Settings())


def expected() -> dict[str, float]:
    """Return the counts by campaign."""
    return {f"c{number}": EVENTS / CAMPAIGNS for number in range(CAMPAIGNS)}


def counted(settings: Settings, now_ms: int) -> dict[str, float]:
    """Return the impressions by campaign, as a user is told them."""

    async def look() -> dict[str, float]:
        client = open_client(settings.redis_url)
        try:
            catalog = _catalog()
            question = ask(catalog, "ad_impressions", window="1h", by="campaign")
            reader = RedisReader(client, settings.namespace)
            rows = await answer(reader, catalog, question, now_ms + 1_000)
        finally:
            await client.aclose()
        return {row.dimensions["campaign"]: float(row.value or 0) for row in rows}

    return asyncio.run(look())
