"""Patience: a service that is away is waited for, and the wait ends when it must."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ResponseError

from processors.errors import FencedError, UnreachableError
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
