"""A task that swallows cancellations, as redis-py can on Python 3.11, ends all the same."""

from __future__ import annotations

import asyncio

from streams.worker.partition import cancelled


def test_a_swallowed_cancellation_is_repeated() -> None:
    """However many cancellations get lost, the task ends and the wait with it."""

    async def deaf(times: int) -> None:
        for _ in range(times):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    async def body() -> None:
        task = asyncio.create_task(deaf(2))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await cancelled(task)
        assert task.done()

    asyncio.run(body())
