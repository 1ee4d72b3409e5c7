"""The stream of changes: server-sent events, at most two a second, for pages that stay open.

The first event holds every row asked for, later ones those that changed and the keys of those that
are gone. A page that falls behind gets fewer events, never a queue of old ones; one that does not
read at all is cut off, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from streams.exporter.describe import describe_health

if TYPE_CHECKING:
    from streams.exporter.channel import Channels
    from streams.exporter.follower import Follower
    from streams.exporter.selection import Selection

SILENCE_S_MAX: Final = 10.0  # then a comment, so that proxies and browsers know it is alive
LOOK_INTERVAL_S: Final = 1.0  # windows move with the clock, without any news from the tables
HEALTH_INTERVAL_S: Final = 2.0
WRITE_S_MAX: Final = 30.0
_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}


class HealthNews:
    """The pipeline's health, described once in a while for everybody who listens."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._told = ("", float("-inf"), b"")

    def latest(self) -> bytes:
        """Return it as JSON, not older than the interval."""
        trouble, now_s = self._follower.trouble(), time.monotonic()
        if trouble != self._told[0] or now_s - self._told[1] >= HEALTH_INTERVAL_S:
            body = msgspec.json.encode(describe_health(self._follower))
            self._told = trouble, now_s, body
        return self._told[2]


async def push(
    request: web.Request,
    follower: Follower,
    channels: Channels,
    selection: Selection,
    health: HealthNews | None = None,
) -> web.StreamResponse:
    """Answer with events until the listener goes away or the exporter ends.

    Args:
        request: to answer.
        follower: where the figures come from.
        channels: shared by all listeners.
        selection: the rows to tell.
        health: tell the pipeline's health too.
    """
    response = web.StreamResponse(headers=_HEADERS)
    with suppress(ConnectionError):  # a listener that goes away is how every stream ends
        await response.prepare(request)
        await _tell(request, response, follower, channels, selection, health)
    return response


async def _tell(
    request: web.Request,
    response: web.StreamResponse,
    follower: Follower,
    channels: Channels,
    selection: Selection,
    health: HealthNews | None,
) -> None:
    """Write events as they come.

    Raises:
        ConnectionError: the listener is gone.
    """
    told_health = b""
    spoke_s = time.monotonic()
    with channels.join(selection) as (channel, listener):
        while True:
            await channel.refresh()
            if channel.version != listener.seen:
                event, listener.seen = channel.event(listener.seen), channel.version
                await _write(request, response, b"event: kpis\ndata: %s\n\n" % event)
                spoke_s = time.monotonic()
            if health is not None and (news := health.latest()) is not told_health:
                told_health = news
                await _write(request, response, b"event: health\ndata: %s\n\n" % news)
                spoke_s = time.monotonic()
            if time.monotonic() - spoke_s > SILENCE_S_MAX:
                await _write(request, response, b": alive\n\n")
                spoke_s = time.monotonic()
            if not channel.behind:
                await follower.changed(LOOK_INTERVAL_S)


async def _write(request: web.Request, response: web.StreamResponse, data: bytes) -> None:
    """Write, and cut off who does not take it.

    Raises:
        ConnectionResetError: the listener is gone.
    """
    try:
        async with asyncio.timeout(WRITE_S_MAX):
            await response.write(data)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the listener does not read") from None
