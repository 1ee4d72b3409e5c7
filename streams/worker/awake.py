"""Waits that measure how long the event loop was there to hear, not what the clock says.

A loop that is busy, or a process that was stopped for a while, hears late of what came in time: on
a machine without a free core an answer would otherwise count as missing because nobody listened.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

STEPS: Final = 10  # turns of the loop that every limit lasts at least

T = TypeVar("T")


async def within(asked: Awaitable[T], limit_s: float) -> T:
    """Return the answer, or give up after a limit in which the loop had its turns.

    A step that the loop was late for counts as one step.

    Raises:
        TimeoutError: no answer; the question is cancelled.
    """
    task = asyncio.ensure_future(asked)
    try:
        for _ in range(STEPS):
            done, _ = await asyncio.wait({task}, timeout=limit_s / STEPS)
            if done:
                return task.result()
    finally:
        task.cancel()
    raise TimeoutError
