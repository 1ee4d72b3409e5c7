"""The Faust app: ``faust -A streams.worker.app worker -l info`` with ``KPI_*`` settings."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import faust

from processors.names import PROCESSED_TOPICS, physical_topic
from streams.kafka_clients import credentials
from streams.settings import load_settings
from streams.transport.schema import ChunkSchema
from streams.worker.backend import Backend, redis_backend
from streams.worker.expiry import Expiry
from streams.worker.health import HealthServer
from streams.worker.kafka_log import FaustOutbox, KafkaLog
from streams.worker.memory import tune_collector
from streams.worker.owner import Owner
from streams.worker.ports import Ports
from streams.worker.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from streams.settings import Settings

SCHEME: Final = "kpi"
FETCH_BYTES_MAX: Final = 1_048_576  # a partition's slice: 3000 to 5000 events
BUFFERED_CHUNKS: Final = 64

logger = logging.getLogger(__name__)


class WorkerApp(faust.App):  # type: ignore[misc]  # untyped library
    """Faust's app without its data directory: state is in Redis.

    Attributes:
        failure: why the process cannot go on.
        wired: the parts around the app.
        begin: starts what runs beside.
        shut_down: ends the process in order after a failure; without it the app crashes.
    """

    failure: Exception | None = None
    wired: Wired
    begin: Callable[[], Awaitable[None]]
    shut_down: Callable[[], None] | None = None

    class BootStrategy(faust.App.BootStrategy):  # type: ignore[misc]  # untyped library
        """Starts no web server: Faust's command line would, on every interface."""

        enable_web = False

    async def on_start(self) -> None:
        """Start what runs beside: before the group has assigned anything, for that may fail."""
        await super().on_start()
        await self.begin()

    def _create_directories(self) -> None:
        """Create none."""


@dataclass(frozen=True)
class Wired:
    """The parts around an app, for the process that runs it and for tests."""

    owner: Owner
    backend: Backend


def create_app(
    settings: Settings,
    *,
    backend: Backend | None = None,
    topics: Sequence[str] = PROCESSED_TOPICS,
) -> WorkerApp:
    """Build the app; nothing is connected before it starts.

    Args:
        settings: of this namespace.
        backend: tables and pipelines; by default Redis and the catalogue of the settings.
        topics: logical names of the topics to process.
    """
    backend = backend or redis_backend(settings)
    app = WorkerApp(
        settings.group_id,
        broker=[f"{SCHEME}://{server}" for server in settings.broker.split(",")],
        **_faust_settings(settings),
    )

    def fail(error: Exception) -> None:
        if app.failure is not None:
            return
        app.failure = error
        logger.critical("%s", error)
        if app.shut_down is None:
            app.add_future(app.crash(error))
        else:
            app.shut_down()

    ports = Ports(
        log=KafkaLog(app, settings),
        outbox=FaustOutbox(app),
        make_table=backend.make_table,
        make_pipeline=backend.make_pipeline,
        expire_before=dict,
        clock_ms=lambda: time.time_ns() // 1_000_000,
        fail=fail,
    )
    ladder = backend.ladder.without_expiry() if settings.keep_all_panes else backend.ladder
    expiry = Expiry(ladder, backend.lateness_ms, backend.read_progress)
    owner = Owner(replace(ports, expire_before=expiry.bounds), settings)
    app.wired = Wired(owner, backend)
    for topic in topics:
        _add_agent(app, owner, physical_topic(topic, settings.namespace))
    _follow_assignments(app, owner)
    services = [expiry.run, Watchdog(app, owner, settings, fail).run]
    health = HealthServer(
        owner, settings.worker_port, settings.worker_host, settings.exporter_token
    )
    _run_beside(app, health, services, backend)
    return app


def _faust_settings(settings: Settings) -> dict[str, Any]:
    session_s = settings.session_timeout_ms / 1000
    rebalance_s = settings.rebalance_timeout_ms / 1000
    return {
        "autodiscover": False,
        "broker_credentials": credentials(settings),
        "broker_session_timeout": session_s,
        # Heartbeats tell of a rebalance, too: who hears of it too late is left out of it.
        "broker_heartbeat_interval": min(3.0, session_s / 3, rebalance_s / 3),
        "broker_rebalance_timeout": rebalance_s,
        "broker_request_timeout": max(30.0, 3 * session_s),
        "broker_max_poll_interval": 600.0,
        "broker_commit_interval": 5.0,
        "consumer_auto_offset_reset": "none",  # a lost position is an error, never a restart at 0
        "consumer_max_fetch_size": FETCH_BYTES_MAX,
        "consumer_group_instance_id": settings.instance_id or None,
        "producer_acks": -1,
        "stream_buffer_maxsize": BUFFERED_CHUNKS,
        "stream_recovery_delay": 0.0,
        "stream_wait_empty": False,
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
        "worker_redirect_stdouts": False,
    }


def _add_agent(app: WorkerApp, owner: Owner, topic: str) -> None:
    """Add the agent of a topic: it hands chunks on, the partitions' runners do the work."""
    channel = app.topic(topic, schema=ChunkSchema(), acks=False)

    async def agent(stream: Any) -> None:
        async for chunk in stream.noack():
            owner.deliver(chunk)

    app.agent(channel, name=topic)(agent)


def _follow_assignments(app: WorkerApp, owner: Owner) -> None:
    async def on_revoked(*_args: Any, **_kwargs: Any) -> None:
        await owner.pause()

    async def on_assigned(_app: Any, assigned: Any, **_kwargs: Any) -> None:
        app.consumer.out_of_range = owner.out_of_range
        await owner.assign(assigned, app.consumer.generation())

    app.on_partitions_revoked.connect(on_revoked, weak=False)
    app.on_partitions_assigned.connect(on_assigned, weak=False)


def _run_beside(
    app: WorkerApp,
    health: HealthServer,
    loops: Sequence[Callable[[], Any]],
    backend: Backend,
) -> None:
    """Start the health page and background loops with the app, and end all with it."""
    tasks: list[asyncio.Task[None]] = []

    async def begin() -> None:
        tune_collector()
        await health.start()
        tasks.extend(asyncio.create_task(loop()) for loop in loops)

    async def end(*_args: Any, **_kwargs: Any) -> None:
        for task in tasks:
            task.cancel()
        await app.wired.owner.pause()
        await health.stop()
        await backend.close()

    app.begin = begin
    app.on_before_shutdown.connect(end, weak=False)


def __getattr__(name: str) -> Any:
    """Build ``app`` when it is asked for: importing this module does no work."""
    if name == "app":
        built = create_app(load_settings({}, os.environ))
        globals()["app"] = built
        return built
    raise AttributeError(name)
