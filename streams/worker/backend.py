"""Tables and pipelines behind a worker: the one place that knows which are real."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from processors.pipeline import PartitionPipeline
from streams.catalog_files import read_catalog
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader
from streams.tables.redis_table import RedisTable
from streams.tables.server import check_server
from streams.worker.plans import Plans

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from processors.checkpoint import Claim
    from processors.ladder import Ladder
    from streams.settings import Settings
    from streams.tables.base import PartitionId, PartitionTable, Progress
    from streams.worker.ports import Pipeline


@dataclass(frozen=True)
class Backend:
    """What a worker stores in and computes with.

    Attributes:
        lateness_ms: the catalogue's allowed lateness.
        check: raises UnreachableError with the reason where the tables cannot be used.
    """

    make_table: Callable[[str, int], PartitionTable]
    make_pipeline: Callable[[Claim, str, int], Pipeline]
    read_progress: Callable[[], Awaitable[Mapping[PartitionId, Progress]]]
    ladder: Ladder
    lateness_ms: int
    check: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


def redis_backend(settings: Settings) -> Backend:
    """Build the product's backend: Redis tables, the catalogue's pipeline. Connects nothing yet.

    Raises:
        SettingsError: the URL or the catalogue's directory is unusable.
        CatalogError: a definition is wrong.
    """
    catalog = read_catalog(settings)
    client = open_client(settings.redis_url)
    plans = Plans(client, settings.namespace, catalog)

    def make_pipeline(claim: Claim, topic: str, partition: int) -> PartitionPipeline:
        return PartitionPipeline(
            plans.plan,
            claim,
            topic=topic,
            partition=partition,
            dedup_horizon=settings.dedup_horizon,
            state_cache_max=settings.state_cache_max,
        )

    async def check() -> None:
        await check_server(client)

    return Backend(
        make_table=partial(RedisTable, client, settings.namespace, before_claim=plans.adopt),
        make_pipeline=make_pipeline,
        read_progress=RedisReader(client, settings.namespace).progress,
        ladder=catalog.ladder,
        lateness_ms=catalog.defaults.allowed_lateness_ms,
        check=check,
        close=client.aclose,
    )
