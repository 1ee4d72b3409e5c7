"""The watchdog ends a process whose consumer is silent, and no other: whatever the machine does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from processors.errors import CheckFailedError, UnreachableError
from streams.settings import Settings
from streams.worker import watchdog as module
from streams.worker.awake import within
from streams.worker.vitals import Vitals
from streams.worker.watchdog import LOOKS, Watchdog

LOOK_S = 0.03
SETTINGS = replace(Settings(), stall_timeout_ms=round(LOOKS * LOOK_S * 1000))
END = 5


class TopicPartition(NamedTuple):
    """As the consumer names a partition."""

    topic: str
    partition: int


PARTITION = TopicPartition("t", 0)


async def at_once() -> None:
    """Answer."""


async def never() -> None:
    """Fall silent."""
    await asyncio.Event().wait()


class Line:
    """App, consumer, owner and the runner of its one partition; the broker at the other end.

    Attributes:
        answers: how the consumer does it.
        failures: what the process ended for.
        reopened: how often the partition was fetched anew.
    """

    topic, partition = PARTITION
    rebalancing = False
    should_move = True

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: Callable[[], Awaitable[None]] = at_once
        self.broker: Callable[[], None] = lambda: None
        self.failures: list[Exception] = []
        self.reopened = 0
        self.vitals = Vitals(*PARTITION)
        self.consumer = self
        line: Any = self
        self.watchdog = Watchdog(line, line, SETTINGS, self.failures.append)
        monkeypatch.setattr(module, "describe_topics", lambda _settings: self.broker())

    def __iter__(self) -> Iterator[Line]:
        return iter([self])

    def runner(self, _topic: str, _partition: int) -> Line:
        """Return the one there is."""
        return self

    def reopen(self) -> None:
        """Count."""
        self.reopened += 1

    def assignment(self) -> set[TopicPartition]:
        """Return the one there is."""
        return {PARTITION}

    async def highwaters(self, *tps: TopicPartition) -> dict[TopicPartition, int]:
        """Answer, or not."""
        await self.answers()
        return dict.fromkeys(tps, END)

    async def earliest_offsets(self, *tps: TopicPartition) -> dict[TopicPartition, int]:
        """Answer."""
        return dict.fromkeys(tps, 0)

    def look(self, times: int = 1) -> None:
        """Have the watchdog look."""

        async def body() -> None:
            for _ in range(times):
                await self.watchdog._look()

        asyncio.run(body())


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """A consumer that answers, and has nothing to do."""
    line = Line(monkeypatch)
    line.vitals.reached = END
    return line


def test_silent_consumer_ends_the_process(line: Line) -> None:
    """A stall timeout of looks without an answer while the broker answers another client."""
    line.answers = never
    line.look(LOOKS - 1)
    assert line.failures == []
    line.look()
    assert isinstance(line.failures[0], CheckFailedError)
    assert "has not answered 6 times in a row" in str(line.failures[0])


def test_an_answer_ends_the_silence(line: Line) -> None:
    """Only looks in a row count."""
    for answers in (never, at_once, never):
        line.answers = answers
        line.look(LOOKS - 1)
    assert line.failures == []


def test_silence_begins_when_the_broker_is_back(line: Line) -> None:
    """A consumer needs time to connect again; a new process would need it, too."""

    def away() -> None:
        raise UnreachableError("broker: away")

    line.answers, line.broker = never, away
    line.look(2 * LOOKS)
    line.broker = lambda: None
    line.look(LOOKS - 1)
    assert line.failures == []


def test_consumer_is_not_silent_before_a_slow_broker_answers(line: Line) -> None:
    """What keeps everybody waiting is no silence: the consumer has until the broker's answer."""
    for _ in range(LOOKS):
        told = asyncio.Event()
        loop: list[asyncio.AbstractEventLoop] = []

        async def answers(told: asyncio.Event = told, loop: list[Any] = loop) -> None:
            loop.append(asyncio.get_running_loop())
            await told.wait()

        def broker(told: asyncio.Event = told, loop: list[Any] = loop) -> None:
            loop[0].call_soon_threadsafe(told.set)

        line.answers, line.broker = answers, broker
        line.look()
    assert line.failures == []


def test_late_loop_hears_what_came_in_time() -> None:
    """A loop that is held up for longer than the limit has not listened: that does not count."""

    async def held_up() -> str:
        for _ in range(3):
            time.sleep(2 * LOOK_S)  # noqa: ASYNC251  # BAD! but so it is on a busy machine
            await asyncio.sleep(0)
        return "answer"

    assert asyncio.run(within(held_up(), LOOK_S)) == "answer"


def test_unanswered_question_is_given_up() -> None:
    """After the limit, and nothing of it is left in the loop."""

    async def body() -> int:
        with pytest.raises(TimeoutError):
            await within(never(), LOOK_S)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(body()) == 1


def test_lag_without_progress_is_fetched_anew_then_ends_the_process(line: Line) -> None:
    """It takes looks, so that a process that was stopped for an hour has its chance first."""
    line.vitals.reached = 3
    line.look(LOOKS // 2)
    assert not line.vitals.stalled
    line.look()
    assert line.vitals.stalled
    assert line.reopened == 1
    line.look(LOOKS - LOOKS // 2 - 1)
    assert line.failures == []
    line.look()
    assert "lags 2 records and has not moved" in str(line.failures[0])
    line.vitals.reached = 4
    line.look()
    assert not line.vitals.stalled
