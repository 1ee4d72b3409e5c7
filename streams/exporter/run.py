"""Runs an exporter process until SIGTERM; says at once why it cannot start."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from typing import TYPE_CHECKING, Final

from aiohttp import web

from processors.catalog.versions import look
from processors.errors import UnreachableError
from streams.catalog_files import read_catalog
from streams.exporter.access import check_listener
from streams.exporter.follower import Follower, end
from streams.exporter.server import build_app
from streams.logs import configure_logs
from streams.tables.connection import open_client
from streams.tables.measure_register import read_register
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from processors.catalog.model import Catalog
    from processors.catalog.versions import Kept
    from streams.settings import Settings

SHUTDOWN_S: Final = 2.0  # how long requests under way may take once the process is to end

logger = logging.getLogger(__name__)


def run_exporter(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        0 after a signal.

    Raises:
        KpiError: it cannot start: settings, catalogue, Redis or the port.
    """
    configure_logs(settings.log_level)
    check_listener(settings.exporter_host, settings.exporter_token)
    asyncio.run(_serve(settings, read_catalog(settings)))
    return 0


async def _serve(settings: Settings, catalog: Catalog) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    client = open_client(settings.redis_url)
    reader = RedisReader(client, settings.namespace)

    async def kept() -> Kept:
        return look(await read_register(client, settings.namespace), catalog)

    follower = Follower(reader, catalog, _wall_ms, kept)
    app = build_app(
        follower, token=settings.exporter_token, values_max=settings.exporter_values_max
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    try:
        await reader.progress()  # a Redis that is away is said at once, one that goes later is not
        await runner.setup()
        await _listen(runner, settings)
        await _until(stop, asyncio.create_task(follower.run()))
    finally:
        await runner.cleanup()
        await client.aclose()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    host, port = settings.exporter_host, settings.exporter_port
    try:
        await web.TCPSite(runner, host or None, port).start()
    except OSError as error:
        raise UnreachableError(
            f"exporter_port: {host}:{port}: {error.strerror}: nobody could read the figures"
        ) from error
    for address in runner.addresses:
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        logger.info("serving on http://%s:%d", shown, address[1])


async def _until(stop: asyncio.Event, following: asyncio.Task[None]) -> None:
    """Wait for the signal; an error while following that is none of Redis's ends the process."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait((waiting, following), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if following.done():
        following.result()
    await end(following)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
