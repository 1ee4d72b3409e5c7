"""Runs a collector until SIGTERM: what was acknowledged is in Kafka or in the spool."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aiohttp import web

from processors import names
from processors.errors import SettingsError, UnreachableError
from streams.collector.access import Doorkeeper
from streams.collector.app import build_app
from streams.collector.handlers import Handlers
from streams.collector.identity import IdentityHasher
from streams.collector.impact import Impact
from streams.collector.intake import Intake
from streams.collector.metrics import CollectorMetrics
from streams.exporter.access import is_loopback
from streams.producer.envelope import Addresser
from streams.producer.gate import Gate, validity_of
from streams.producer.link import Dialer
from streams.producer.outbox import Outbox
from streams.producer.prepare import now_ms
from streams.producer.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.model import Catalog
    from streams.collector.config import CollectorConfig

_log = logging.getLogger(__name__)
_BUFFER_BYTES = 256 << 20  # a few seconds of events while Kafka is slow


def check_listener(config: CollectorConfig) -> None:
    """Refuse to take events from a network without keys.

    Raises:
        SettingsError: the address is not loopback and there is no key file.
    """
    if not config.keys and not is_loopback(config.host):
        raise SettingsError(
            f"collector_host: {config.host!r} is not loopback and collector_keys is empty: anybody "
            "on the network could make up events; make a key with `kpi collector keys add SOURCE`"
        )


async def serve(
    config: CollectorConfig,
    catalog: Catalog,
    kafka: Mapping[str, Any],
    namespace: str,
    stop: asyncio.Event,
) -> None:
    """Serve until ``stop`` is set, then finish what is under way.

    Raises:
        SettingsError: keys, spool or identity key cannot be used.
        UnreachableError: the port is taken; or Kafka is away and there is no spool.
    """
    check_listener(config)
    outbox = _outbox(config, kafka, namespace)
    metrics = CollectorMetrics()
    metrics.watch(outbox)
    door = Doorkeeper(Path(config.keys) if config.keys else None, config.events_per_s)
    intake = Intake(
        Gate(validity_of(catalog)),
        Addresser(namespace),
        outbox,
        Impact(catalog),
        IdentityHasher(config.identity_key) if config.identity_key else None,
        now_ms,
    )
    handlers = Handlers(config, door, intake, metrics)
    runner = web.AppRunner(
        build_app(config, door, metrics, handlers, outbox),
        access_log=None,  # it would hold addresses
        shutdown_timeout=config.drain_timeout_ms / 1000,
    )
    await outbox.start()
    try:
        await runner.setup()
        await _listen(runner, config)
        gc.collect()
        gc.freeze()  # the catalogue and the modules never become garbage: do not look again
        gc.set_threshold(50_000, 20, 50)
        await stop.wait()
        _log.info("draining")
    finally:
        await runner.cleanup()
        lost = await outbox.close(config.drain_timeout_ms / 1000)
        if lost:  # nobody was told that they were taken
            _log.warning("%d events were neither confirmed nor acknowledged", lost)


def run_until_signal(
    config: CollectorConfig,
    catalog: Catalog,
    broker: str,
    namespace: str,
    security: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        config: of the collector.
        catalog: which types there are.
        broker: bootstrap servers.
        namespace: of the topics.
        security: how the broker is reached, see streams/kafka_clients.py.
    """
    # It writes the address and a traceback for every malformed request; our defects are ours.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        kafka = {"bootstrap_servers": broker.split(","), **security}
        await serve(config, catalog, kafka, namespace, stop)

    asyncio.run(run())


def _outbox(config: CollectorConfig, kafka: Mapping[str, Any], namespace: str) -> Outbox:
    topics = [names.physical_topic(topic, namespace) for topic in names.EVENT_TOPICS]
    away_after_s = config.away_after_ms / 1000
    kafka = {**kafka, "request_timeout_ms": config.away_after_ms}
    return Outbox(
        Dialer(kafka, topics).connect,
        "spool" if config.spool else "raise",
        Spool(Path(config.spool), config.spool_bytes) if config.spool else None,
        _BUFFER_BYTES,
        away_after_s,
    )


async def _listen(runner: web.AppRunner, config: CollectorConfig) -> None:
    try:
        await web.TCPSite(runner, config.host, config.port).start()
    except OSError as error:
        raise UnreachableError(
            f"collector_port: {config.host}:{config.port}: {error.strerror}: nobody could send"
        ) from error
    for address in runner.addresses:
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        _log.info("collecting on http://%s:%d", shown, address[1])
