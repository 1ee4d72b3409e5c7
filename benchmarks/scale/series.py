"""What a scrape costs the exporter, by the number of series."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession, web

from benchmarks.scale.logs import impressions
from benchmarks.scale.model import fit
from benchmarks.scale.partition import run_partition
from processors.catalog.restrict import restrict
from processors.names import ADS
from streams.bench.throughput import START_MS
from streams.exporter.follower import Follower, end
from streams.exporter.server import build_app
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from processors.catalog.model import Catalog

CAMPAIGNS: Final = 1_000
SCRAPES: Final = 5
VALUES_MAX: Final = (10, 100, 1_000)
NAMESPACE: Final = "scale"


async def measure_series(client: Redis, _url: str, catalog: Catalog) -> None:
    """Print the cost of a scrape while every campaign is active."""
    part = restrict(catalog, ["ad_impressions", "click_through_rate"])
    log = impressions(20_000, CAMPAIGNS)
    await run_partition(client, part, ADS, log, namespace=NAMESPACE)
    print("\n| exporter_values_max | series | KB | ms a scrape | us a series |")
    print("| --- | --- | --- | --- | --- |")
    points = []
    for values_max in VALUES_MAX:
        series, size, took = await _scrape(client, part, values_max)
        points.append((float(series), 1000 * took))
        print(f"| {values_max:,} | {series:,} | {size / 1000:,.0f} | {1000 * took:.1f}"
              f" | {1e6 * took / series:.1f} |", flush=True)  # fmt: skip
    line = fit(points)
    print(
        f"\nmodel: {line.fixed:.1f} ms + {1000 * line.slope:.1f} us a series;"
        f" worst deviation {line.worst(points):.0%}"
    )


async def _scrape(client: Redis, catalog: Catalog, values_max: int) -> tuple[int, int, float]:
    """Return series, bytes and processor seconds of a scrape; the client's share is in it."""
    reader = RedisReader(client, NAMESPACE)
    follower = Follower(reader, catalog, lambda: START_MS + 61_000)
    runner = web.AppRunner(build_app(follower, token="", values_max=values_max))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    following = asyncio.create_task(follower.run())
    try:
        async with asyncio.timeout(60):
            while not follower.loaded:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.05)
        async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as http:
            page = b""
            began = 0.0
            for number in range(SCRAPES + 1):
                if number == 1:
                    began = time.process_time()  # the first one writes what later ones reuse
                async with http.get("/metrics") as response:
                    page = await response.read()
            took = (time.process_time() - began) / SCRAPES
    finally:
        await end(following)
        await runner.cleanup()
    lines = page.decode().splitlines()
    return sum(not line.startswith("#") for line in lines), len(page), took
