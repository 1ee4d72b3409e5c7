"""A verification: files through the real path, then the recomputation of the same log."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from processors.errors import UsageError
from processors.names import EVENT_TOPICS
from streams.catalog_files import read_catalog
from streams.kafka_log import read_log
from streams.replay.run import replay
from streams.supervisor.tree import Supervisor
from streams.tables.connection import connected
from streams.tables.redis_reader import RedisReader
from streams.verify.compare import compare
from streams.verify.log import append_log, create_log
from streams.verify.namespace import own_namespace
from streams.verify.oracle import recompute
from streams.verify.pool import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.catalog.model import Catalog
    from streams.replay.sources import Files
    from streams.settings import Settings
    from streams.tables.base import PartitionId, RungPanes
    from streams.verify.compare import Comparison

    Report = Callable[[str, int, int], None]

_EVER_MS: Final = 1 << 52


@dataclass(frozen=True)
class Verified:
    """The outcome, and how long each part took (seconds)."""

    comparison: Comparison
    namespace: str
    events: int
    records: int
    replay_s: float
    recompute_s: float
    compare_s: float


def verify(
    settings: Settings,
    files: Files,
    *,
    report: Report = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
    before_compare: Callable[[Settings], None] = lambda _: None,
) -> Verified:
    """Replay files into a namespace of its own, recompute its log, and compare.

    Servers of its own are started where neither broker nor Redis is configured.

    Args:
        settings: the namespace is replaced by a new one unless ``--namespace`` named it.
        files: what to replay.
        report: gets the progress.
        say: gets a line where something is worth knowing.
        before_compare: called between replay and comparison, with the settings in force; tests
            damage what is stored here.

    Raises:
        UsageError: there are no events.
        UnreachableError: broker or Redis is away or refused.
        CheckFailedError: the worker does not get on.
        StopRequested: SIGINT or SIGTERM came.
    """
    if not files.count:
        raise UsageError("the files hold no events: there would be nothing to compare")
    with (
        Supervisor(report=say) as supervisor,
        own_namespace(settings, say) as mine,
        tempfile.TemporaryDirectory(prefix="kpi-verify-") as directory,
    ):

        def check() -> None:
            supervisor.pause(0)

        catalog = read_catalog(mine)
        replayed = replay(mine, files, report=report, say=say)
        started = time.monotonic()
        path = Path(directory) / "recomputed.duckdb"
        records = _recompute(mine, catalog, replayed.delivered.next_offsets, path, report, check)
        recomputed = time.monotonic()
        before_compare(mine)
        comparison = compare(
            partial(duckdb.connect, path, read_only=True),
            catalog,
            lambda rung: asyncio.run(_panes(mine, rung)),
            asyncio.run(_counters(mine)),
            processes=cores(),
            report=report,
            check=check,
        )
        compared = time.monotonic()
    return Verified(
        comparison,
        mine.namespace,
        replayed.events,
        records,
        replayed.total_s,
        recomputed - started,
        compared - recomputed,
    )


def _recompute(
    settings: Settings,
    catalog: Catalog,
    ends: Mapping[PartitionId, int],
    path: Path,
    report: Report,
    check: Callable[[], None],
) -> int:
    """Recompute the namespace's log into a database file; returns how many records it has."""

    def progress(done: int, total: int) -> None:
        check()
        report("read back", done, total)

    with duckdb.connect(path) as con:
        create_log(con)
        records = append_log(con, read_log(settings, ends, progress))
        recompute(con, catalog, dedup_horizon=settings.dedup_horizon)
    return records


async def _counters(settings: Settings) -> dict[str, int]:
    async with connected(settings.redis_url) as client:
        progress = await RedisReader(client, settings.namespace).progress()
    total: dict[str, int] = {}
    for where, partition in progress.items():
        if where.topic not in EVENT_TOPICS:
            continue  # what the product passes on to itself
        for name, count in partition.counters.items():
            total[name] = total.get(name, 0) + count
    return total


async def _panes(settings: Settings, rung: str) -> RungPanes:
    async with connected(settings.redis_url) as client:
        return await RedisReader(client, settings.namespace).panes(rung, -_EVER_MS, _EVER_MS)
