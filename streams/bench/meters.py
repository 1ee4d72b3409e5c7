"""Where a worker's processor time goes, by stage: its own clocks around the product's own parts.

====================================  ===========================================================
decode, dedup, keyed, measures,       the pipeline's stage timers, on the main thread's clock
drain
redis                                 every step of the tables' coroutines: encoding, sending,
                                      reading answers; what the event loop does for them is other
fetch                                 every other thread: the consumer's, which fetches and cuts
other                                 the rest: event loop, Faust, hand-over, garbage collector
====================================  ===========================================================
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from processors.pipeline import PartitionPipeline, compile_plan
from streams.catalog_files import read_catalog
from streams.worker.backend import Backend, redis_backend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from processors.checkpoint import Claim
    from streams.settings import Settings
    from streams.tables.base import PartitionTable

STAGES: Final = ("fetch", "decode", "dedup", "keyed", "measures", "drain", "redis", "other")
_STAGE_OF_TIMER: Final = {"watermark": "keyed", "keys": "keyed"}
_TABLE_METHODS: Final = ("claim", "load_states", "load_due", "commit")


class Meters:
    """The clocks of one worker process."""

    def __init__(self) -> None:
        self.redis_ns = 0
        self._pipelines: list[PartitionPipeline] = []

    def backend(self, settings: Settings) -> Backend:
        """Return the product's backend with a clock at every part."""
        real = redis_backend(settings)
        plan = compile_plan(read_catalog(settings))  # a fresh namespace has no other versions

        def make_pipeline(claim: Claim, topic: str, partition: int) -> PartitionPipeline:
            pipeline = PartitionPipeline(
                plan,
                claim,
                topic=topic,
                partition=partition,
                dedup_horizon=settings.dedup_horizon,
                state_cache_max=settings.state_cache_max,
                stage_clock_ns=time.thread_time_ns,
            )
            self._pipelines.append(pipeline)
            return pipeline

        def make_table(topic: str, partition: int) -> PartitionTable:
            return cast("PartitionTable", _TimedTable(real.make_table(topic, partition), self))

        return replace(real, make_pipeline=make_pipeline, make_table=make_table)

    def seconds(self) -> dict[str, float]:
        """Return the processor seconds by stage since the process began."""
        found = dict.fromkeys(STAGES, 0.0)
        for pipeline in self._pipelines:
            for timer, ns in list(pipeline.stage_ns.items()):
                found[_STAGE_OF_TIMER.get(timer, timer)] += ns / 1e9
        found["redis"] = self.redis_ns / 1e9
        total_s, main_s = time.process_time(), _main_thread_s()
        found["fetch"] = total_s - main_s
        found["other"] = total_s - sum(found.values())
        return found


class _TimedTable:
    """A table whose coroutines are on the clock; anything else is the table's own."""

    def __init__(self, table: PartitionTable, meters: Meters) -> None:
        self._table = table
        self._meters = meters

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._table, name)
        return self._timed(found) if name in _TABLE_METHODS else found

    def _timed(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await _Stepped(method(*args, **kwargs), self._meters)

        return call


class _Stepped:
    """Awaits something and adds up the time of its steps, not of its waits."""

    def __init__(self, awaited: Awaitable[Any], meters: Meters) -> None:
        self._awaited = awaited
        self._meters = meters

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaited.__await__()
        step: Callable[[], Any] = lambda: steps.send(None)  # noqa: E731  # replaced below
        while True:
            begun_ns = time.thread_time_ns()
            try:
                waits_for = step()
            except StopIteration as done:
                return done.value
            finally:
                self._meters.redis_ns += time.thread_time_ns() - begun_ns
            try:
                answer = yield waits_for
                step = _sender(steps, answer)
            except BaseException as error:  # noqa: BLE001  # cancellation too: handed on
                step = _thrower(steps, error)


def _sender(steps: Generator[Any, Any, Any], answer: Any) -> Callable[[], Any]:
    return lambda: steps.send(answer)


def _thrower(steps: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)


def _main_thread_s() -> float:
    """Return the main thread's processor seconds; all of them where threads have no clock."""
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    if clock_of is None:
        return time.process_time()
    return time.clock_gettime(clock_of(threading.main_thread().ident))
