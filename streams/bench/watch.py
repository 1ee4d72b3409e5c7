"""Watching a worker from outside: stored offsets, processor time and memory, over time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from processors.errors import CheckFailedError
from streams.bench.process import Usage, usage
from streams.replay.arrival import behind
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.settings import Settings
    from streams.tables.base import PartitionId

_LOOK_S: Final = 0.05
_KEEP_S: Final = 0.5  # between two samples that change nothing


class Sample(NamedTuple):
    """One look: seconds, records checkpointed so far, what the process has used."""

    at_s: float
    records: int
    used: Usage


@dataclass
class Watch:
    """The samples of one worker's run, from the first checkpoint to the last."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def first(self) -> Sample:
        """The first look that found a checkpoint."""
        return self.samples[0]

    @property
    def last(self) -> Sample:
        """The look that found everything checkpointed."""
        return self.samples[-1]

    @property
    def records(self) -> int:
        """Records between the first checkpoint seen and the last."""
        return self.last.records - self.first.records

    @property
    def rate(self) -> float:
        """Records a second between the first checkpoint seen and the last."""
        return self.records / max(self.last.at_s - self.first.at_s, 1e-9)

    @property
    def cpu_us(self) -> float:
        """Processor microseconds of the worker for each of these records."""
        return 1e6 * (self.last.used.cpu_s - self.first.used.cpu_s) / max(self.records, 1)

    def rss_bytes(self, share: float) -> int:
        """Return the memory at the look where this share of the records was checkpointed."""
        wanted = self.last.records * share
        return next(s.used.rss_bytes for s in self.samples if s.records >= wanted)


def watch(
    settings: Settings,
    pid: int,
    next_offsets: Mapping[PartitionId, int],
    *,
    check: Callable[[], None],
    report: Callable[[int], None],
) -> Watch:
    """Watch a worker until everything is checkpointed.

    Args:
        settings: of the worker's namespace.
        pid: the worker's process.
        next_offsets: one past the last record of each partition.
        check: called at every look; raises to give up.
        report: gets the records checkpointed.

    Raises:
        CheckFailedError: nothing moved for the settings' stall timeout, or there was too little.
    """
    return asyncio.run(_watch(settings, pid, next_offsets, check, report))


async def _watch(
    settings: Settings,
    pid: int,
    next_offsets: Mapping[PartitionId, int],
    check: Callable[[], None],
    report: Callable[[int], None],
) -> Watch:
    client = open_client(settings.redis_url)
    reader = RedisReader(client, settings.namespace)
    total = sum(next_offsets.values())
    found, moved, done = Watch(), time.monotonic(), 0
    try:
        while done < total:
            await asyncio.sleep(_LOOK_S)
            check()
            records = total - sum(behind(next_offsets, await reader.progress()).values())
            used, now = usage(pid), time.monotonic()
            if used is None:
                continue  # the supervisor's check tells why it is gone
            if records > done or (records and now - found.last.at_s > _KEEP_S):
                found.samples.append(Sample(now, records, used))
                report(records)
            if records > done:
                moved, done = now, records
            elif (now - moved) * 1000 > settings.stall_timeout_ms:
                raise CheckFailedError(
                    f"the worker made no progress for {settings.stall_timeout_ms} ms"
                    f" at {done} of {total} records"
                )
    finally:
        await client.aclose()
    if found.records == 0:
        raise CheckFailedError(
            f"{total} records were done at the first checkpoint: no rate can be told of so few"
        )
    return found
