"""Emptying the spool into Kafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streams.producer.lanes import Lanes
from streams.producer.link import BATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

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
        outcomes = await asyncio.gather(
            *(_send_lane(lanes, place, link, timeout_s) for place in lanes.ready()),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        await spooler.drop(len(envelopes))


async def _send_lane(lanes: Lanes, place: tuple[str, int], link: Link, timeout_s: float) -> None:
    while (bundle := lanes.depart(place)) is not None:
        await link.send(bundle, timeout_s)
