"""Emptying the spool into Kafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streams.producer.lanes import Lanes
from streams.producer.link import BATCH_BYTES, LinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.producer.lanes import Place
    from streams.producer.link import Link
    from streams.producer.spooler import Spooler

EVENTS = 5_000  # sent, confirmed and dropped together


async def drain(spooler: Spooler, link: Link, timeout_s: float, hold: Callable[[], None]) -> None:
    """Send everything in the spool, in order for each partition; return when it is empty.

    Returns without giving way to other tasks once it is: nothing can slip in behind the check.

    Args:
        spooler: the spool.
        link: a connection to Kafka.
        timeout_s: how long Kafka may take to confirm.
        hold: called when little is left: from now on new events must not go to the spool, or it
            would never be empty under load.

    Raises:
        LinkError: Kafka is away again; what was not dropped yet is sent again next time.
    """
    while not spooler.empty:
        envelopes = await spooler.peek(EVENTS)
        if len(envelopes) < EVENTS:
            hold()
        lanes = Lanes(BATCH_BYTES)
        lanes.route(link.partitions)
        lanes.add(envelopes)
        tasks = {asyncio.create_task(_send_lane(lanes, place, link)) for place in lanes.ready()}
        if tasks:
            await _finish(tasks, timeout_s)
        await spooler.drop(len(envelopes))


async def _finish(tasks: set[asyncio.Task[None]], timeout_s: float) -> None:
    """Wait for all, without cancelling what is late: its answer may still come, to nobody."""
    done, late = await asyncio.wait(tasks, timeout=timeout_s)
    for task in late:
        task.add_done_callback(_consume)
    for task in done:
        task.result()
    if late:
        raise LinkError(f"no confirmation within {timeout_s} s")


def _consume(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()


async def _send_lane(lanes: Lanes, place: Place, link: Link) -> None:
    while (bundle := lanes.depart(place)) is not None:
        await link.send(bundle)
