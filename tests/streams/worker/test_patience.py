"""Patience: a service that is away is waited for, and the wait ends when it must."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from faust.exceptions import ProducerSendError
from redis.exceptions import ResponseError

from processors.errors import FencedError, OversizeError, UnreachableError
from streams.worker.kafka_log import FaustOutbox
from streams.worker.patience import AbandonedError, Patience


class Service:
    """Fails as often as it is told to."""

    def __init__(self, failures: list[Exception]) -> None:
        self.failures = failures
        self.calls = 0

    async def __call__(self) -> int:
        """Answer, or fail."""
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return 7


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.worker.patience.RETRY_FIRST_S", 0.001)


def test_call_is_repeated_until_it_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    """However often a service is away, it is told once that it is and once that it is back."""

    async def body() -> None:
        patience = Patience("t[0]")
        service = Service([UnreachableError("gone"), OSError("gone"), TimeoutError()])
        with caplog.at_level("INFO"):
            assert await patience.call(service) == 7
        assert service.calls == 4
        assert [r.levelname for r in caplog.records] == ["WARNING", "INFO"]
        assert patience.held_s == 0

    asyncio.run(body())


def test_other_errors_are_not_waited_for() -> None:
    """A fence, or a fault of ours, is no outage."""

    async def body() -> None:
        for error in (FencedError("other owner"), ResponseError("WRONGTYPE")):
            service = Service([error])
            with pytest.raises(type(error)):
                await Patience("t[0]").call(service)
            assert service.calls == 1

    asyncio.run(body())


def test_what_is_too_large_is_not_waited_for() -> None:
    """A record that is too long stays so, whether Faust says it or the broker."""

    async def body() -> None:
        wrapped = ProducerSendError("Error while sending")
        wrapped.__cause__ = MessageSizeTooLargeError("1171234 bytes")
        for error in (wrapped, MessageSizeTooLargeError(), RecordListTooLargeError()):
            patience = Patience("t[0]")
            service = Service([error])
            with pytest.raises(type(error)):
                await patience.call(service)
            assert service.calls == 1
            assert patience.held_since is None
        assert await Patience("t[0]").call(Service([ProducerSendError("gone")])) == 7

    asyncio.run(body())


def test_the_outbox_says_what_is_too_large() -> None:
    """How long the record is and where it was to go; other errors are as they were."""

    class Producer:
        error: Exception = MessageSizeTooLargeError()

        async def send_and_wait(self, *_: Any) -> None:
            raise ProducerSendError("Error while sending") from self.error

    producer = Producer()
    outbox = FaustOutbox(SimpleNamespace(producer=producer))
    with pytest.raises(OversizeError, match="a record of 1000003 bytes for somewhere is too"):
        asyncio.run(outbox.send("somewhere", b"key", bytes(1_000_000)))
    producer.error = KafkaConnectionError()
    with pytest.raises(ProducerSendError):
        asyncio.run(outbox.send("somewhere", b"key", b""))


def test_giving_up_ends_the_wait() -> None:
    """A partition that is handed over waits for nothing any more, until it is renewed."""

    async def body() -> None:
        patience = Patience("t[0]")
        service = Service([UnreachableError("gone")] * 10_000)
        waiting = asyncio.create_task(patience.call(service))
        await asyncio.sleep(0)
        assert patience.held_since is not None
        patience.give_up()
        with pytest.raises(AbandonedError):
            await asyncio.wait_for(waiting, 5)
        service.failures.clear()
        assert await patience.call(service) == 7  # one attempt is always made

    asyncio.run(body())
