"""Notices partitions that lag and do not move, and ends the process to be started afresh.

A consumer can stall silently: then even its idea of the log's end is old. So the end is asked from
the broker, and a consumer that does not answer while the broker does is a stall too.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aiokafka.errors import KafkaError

from processors.errors import CheckFailedError, UnreachableError
from streams.topics import describe_topics
from streams.worker.patience import AWAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.settings import Settings
    from streams.worker.owner import Owner
    from streams.worker.partition import PartitionRunner

LOOKS: Final = 6  # looks a stall timeout
GROUP_CHECK_S: Final = 1.0
TOPIC_CHECK_S: Final = 15.0

logger = logging.getLogger(__name__)


class Watchdog:
    """Looks at every partition's progress.

    Args:
        fail: ends the process with the error.
    """

    def __init__(
        self, app: Any, owner: Owner, settings: Settings, fail: Callable[[Exception], None]
    ) -> None:
        self._app, self._owner, self._settings, self._fail = app, owner, settings, fail
        self._timeout_s = settings.stall_timeout_ms / 1000
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}
        self._answered_at = monotonic()

    async def run(self) -> None:
        """Look until cancelled."""
        look_at = topics_at = monotonic()
        while True:
            await asyncio.sleep(GROUP_CHECK_S)
            if not self._app.consumer.is_connected:
                continue
            await self._check_group()
            if monotonic() >= look_at:
                look_at = monotonic() + self._timeout_s / LOOKS
                await self._look()
            if monotonic() >= topics_at:
                topics_at = monotonic() + TOPIC_CHECK_S
                await self._check_topics()

    async def _check_group(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._app.consumer.check_group()
        except KafkaError as error:
            if getattr(error, "retriable", False):
                logger.warning("the group does not take this worker yet: %s", error)
                return
            self._fail(
                UnreachableError(
                    f"broker: {self._settings.broker}: group {self._settings.group_id} does not "
                    f"take this worker: {type(error).__name__}: {error.description}"
                )
            )
        except TimeoutError:
            pass  # the look below notices

    async def _check_topics(self) -> None:
        """Have the partitions of a topic that has changed claimed anew: that finds what is wrong.

        Positions are numbers: in a topic that was created again they mean other records, and a
        consumer would read on from there.
        """
        try:
            topics = await asyncio.to_thread(describe_topics, self._settings)
        except UnreachableError:
            return
        for runner in self._owner:
            now = topics.get(runner.topic, runner.counted)
            if runner.should_move and runner.counted is not None and now != runner.counted:
                logger.warning(
                    "%s[%d]: the topic has changed since it was claimed",
                    *(runner.topic, runner.partition),
                )
                runner.out_of_range()

    async def _look(self) -> None:
        runners = list(self._owner)
        ends = await self._log_ends(runners)
        now = monotonic()
        if ends is None:
            await self._check_silence(now)
            return
        self._answered_at = now
        for runner in runners:
            self._look_at(runner, ends.get((runner.topic, runner.partition)), now)

    async def _log_ends(self, runners: list[PartitionRunner]) -> dict[tuple[str, int], int] | None:
        """Ask the broker through the consumer; None if there was no answer."""
        if not runners or self._app.rebalancing:
            return {}
        consumer = self._app.consumer
        assigned = [
            tp
            for tp in consumer.assignment()
            if self._owner.runner(tp.topic, tp.partition) is not None
        ]
        try:
            async with asyncio.timeout(self._timeout_s / LOOKS):
                ends = await consumer.highwaters(*assigned)
                starts = await consumer.earliest_offsets(*assigned)
        except AWAY:
            return None
        for tp, start in starts.items():
            runner = self._owner.runner(tp.topic, tp.partition)
            if runner is not None:
                runner.vitals.log_start = start
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def _check_silence(self, now: float) -> None:
        if now - self._answered_at < self._timeout_s:
            return
        try:
            await asyncio.to_thread(describe_topics, self._settings)
        except UnreachableError:
            return  # the broker is away: a new process could do no more
        self._fail(
            CheckFailedError(
                f"the consumer has not answered for {now - self._answered_at:.0f} s while the "
                "broker does: this process ends to be started again"
            )
        )

    def _look_at(self, runner: PartitionRunner, end: int | None, now: float) -> None:
        vitals, key = runner.vitals, (runner.topic, runner.partition)
        if end is not None:
            vitals.log_end = max(end, vitals.log_end or 0)
        reached, since = self._seen.get(key, (-1, now))
        lag = 0 if end is None else end - runner.vitals.reached
        if reached != runner.vitals.reached or lag <= 0 or not runner.should_move:
            self._seen[key] = (runner.vitals.reached, now)
            vitals.stalled = False
            return
        stalled_s = now - since
        if stalled_s < self._timeout_s / 2:
            return
        if not vitals.stalled:
            vitals.stalled = True
            logger.warning("%s[%d] does not move: fetching anew", runner.topic, runner.partition)
            runner.reopen()
        elif stalled_s >= self._timeout_s:
            self._fail(
                CheckFailedError(
                    f"{runner.topic}[{runner.partition}] lags {lag} records and has not moved for "
                    f"{stalled_s:.0f} s: this process ends to be started again"
                )
            )
