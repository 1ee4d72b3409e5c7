"""Ticks: time passes in the log of a partition that is silent and read to its end, in no other."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from streams.worker import ticks as ticks_module
from streams.worker.ticks import Ticks


class Outbox:
    """Keeps what was sent; fails while ``down``."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.down = False

    async def send(self, topic: str, key: Any, value: Any, **where: Any) -> None:
        """Take a record."""
        if self.down:
            raise OSError("away")
        self.sent.append((topic, key, value, where))


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the clock, to be moved."""
    clock = [100.0]
    monkeypatch.setattr(ticks_module, "monotonic", lambda: clock[0])
    return clock


def test_due_only_when_silent_and_read_to_the_end(now: list[float]) -> None:
    """Silence alone is not enough: a lagging partition gets no tick.

    ::

        record          interval passes
        |---------------|---->            due, but only at the log's end
    """
    ticks = Ticks(Outbox(), "t", 0, 5_000)
    assert not ticks.is_due(10, 10)
    now[0] += 4.9
    assert not ticks.is_due(10, 10)
    now[0] += 0.1
    assert ticks.is_due(10, 10)
    assert not ticks.is_due(9, 10)  # lagging: it holds its windows
    assert not ticks.is_due(10, None)  # the log's end is not known yet
    ticks.note_event()
    assert not ticks.is_due(10, 10)


def test_interval_of_zero_means_none(now: list[float]) -> None:
    """Ticks can be turned off: a replay must end where its events end."""
    ticks = Ticks(Outbox(), "t", 0, 0)
    now[0] += 10**6
    assert ticks.wait_s() is None
    assert not ticks.is_due(0, 0)


def test_tick_carries_the_clock_into_its_own_partition(now: list[float]) -> None:
    """The record's timestamp and the event's time are the clock, the partition is explicit."""
    outbox = Outbox()
    ticks = Ticks(outbox, "t", 3, 5_000)
    now[0] += 6
    asyncio.run(ticks.produce(1_700_000_000_123))
    [(topic, key, value, where)] = outbox.sent
    assert (topic, key) == ("t", None)
    assert where == {"partition": 3, "timestamp_ms": 1_700_000_000_123}
    assert msgspec.json.decode(value)["ts"] == 1_700_000_000_123
    assert not ticks.is_due(0, 0)


def test_failure_is_told_once_and_tried_again(
    now: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """A tick that cannot be written waits for the next interval; the log is not flooded."""
    outbox = Outbox()
    outbox.down = True
    ticks = Ticks(outbox, "t", 3, 5_000)
    for _ in range(3):
        now[0] += 6
        assert ticks.is_due(0, 0)
        asyncio.run(ticks.produce(1))
    assert len(caplog.records) == 1
    outbox.down = False
    now[0] += 6
    asyncio.run(ticks.produce(1))
    assert len(outbox.sent) == 1
