"""Notices partitions that lag and do not move, and ends the process to be started afresh.

A consumer can stall silently: then even its idea of the log's end is old. So the end is asked from
the broker, and a consumer that does not answer while the broker does is a stall too.

A stall lasts for so many looks in a row, not for so many seconds of the clock: a busy loop, or a
process that was stopped and goes on, has looked too seldom to know.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aiokafka.errors import KafkaError

from processors.errors import CheckFailedError, UnreachableError
from streams.topics import describe_topics
from streams.worker.awake import within
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
        self._look_s = self._timeout_s / LOOKS
        self._seen: dict[tuple[str, int], tuple[int, int]] = {}  # -> (reached, looks since)
        self._unanswered = 0  # looks in a row

    async def run(self) -> None:
        """Look until cancelled."""
        look_at = topics_at = monotonic()
        while True:
            await asyncio.sleep(GROUP_CHECK_S)
            if not self._app.consumer.is_connected:
                continue
            await self._check_group()
            if monotonic() >= look_at:
                look_at = monotonic() + self._look_s
                await self._look()
            if monotonic() >= topics_at:
                topics_at = monotonic() + TOPIC_CHECK_S
                await self._check_topics()

    async def _check_group(self) -> None:
        try:
            await within(self._app.consumer.check_group(), self._look_s)
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
        asked = asyncio.ensure_future(self._log_ends(runners))
        try:
            ends = await self._answer(asked)
        finally:
            asked.cancel()
        if ends is None:
            return
        self._unanswered = 0
        for runner in runners:
            self._look_at(runner, ends.get((runner.topic, runner.partition)))

    async def _log_ends(self, runners: list[PartitionRunner]) -> dict[tuple[str, int], int]:
        """Ask the broker through the consumer."""
        if not runners or self._app.rebalancing:
            return {}
        consumer = self._app.consumer
        assigned = [
            tp
            for tp in consumer.assignment()
            if self._owner.runner(tp.topic, tp.partition) is not None
        ]
        ends = await consumer.highwaters(*assigned)
        starts = await consumer.earliest_offsets(*assigned)
        for tp, start in starts.items():
            runner = self._owner.runner(tp.topic, tp.partition)
            if runner is not None:
                runner.vitals.log_start = start
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def _answer(
        self, asked: asyncio.Future[dict[tuple[str, int], int]]
    ) -> dict[tuple[str, int], int] | None:
        """Return what the consumer answers; None, and one more silent look, if it does not.

        The consumer keeps its time while the broker is asked beside it: on a machine that lets
        both wait, the one asked first answers first.
        """
        with suppress(*AWAY):
            return await within(asyncio.shield(asked), self._look_s)
        try:
            await asyncio.to_thread(describe_topics, self._settings)
        except UnreachableError:
            self._unanswered = 0  # the broker is away: a new process could do no more
            return None
        with suppress(*AWAY):
            return await within(asyncio.shield(asked), self._look_s)
        self._unanswered += 1
        if self._unanswered >= LOOKS:
            self._fail(
                CheckFailedError(
                    f"the consumer has not answered {self._unanswered} times in a row, for "
                    f"{self._timeout_s:.0f} s or more, while the broker does: this process ends to "
                    "be started again"
                )
            )
        return None

    def _look_at(self, runner: PartitionRunner, end: int | None) -> None:
        vitals, key = runner.vitals, (runner.topic, runner.partition)
        if end is not None:
            vitals.log_end = max(end, vitals.log_end or 0)
        reached, looks = self._seen.get(key, (-1, 0))
        lag = 0 if end is None else end - vitals.reached
        if reached != vitals.reached or lag <= 0 or not runner.should_move:
            self._seen[key] = (vitals.reached, 0)
            vitals.stalled = False
            return
        looks += 1
        self._seen[key] = (reached, looks)
        if looks < LOOKS // 2:
            return
        if not vitals.stalled:
            vitals.stalled = True
            logger.warning("%s[%d] does not move: fetching anew", runner.topic, runner.partition)
            runner.reopen()
        elif looks >= LOOKS:
            self._fail(
                CheckFailedError(
                    f"{runner.topic}[{runner.partition}] lags {lag} records and has not moved for "
                    f"{self._timeout_s:.0f} s or more: this process ends to be started again"
                )
            )
