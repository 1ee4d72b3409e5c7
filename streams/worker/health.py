"""The worker's health page and metrics: on loopback, or elsewhere for who holds the token."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from processors.errors import SettingsError, UnreachableError
from streams.exporter.access import guard, is_loopback
from streams.worker.metrics import WorkerCollector
from streams.worker.vitals import State

if TYPE_CHECKING:
    from streams.worker.owner import Owner
    from streams.worker.partition import PartitionRunner

HOST: Final = "127.0.0.1"
HELD_MAX_S: Final = 30.0  # held back for longer is not healthy

logger = logging.getLogger(__name__)


def partition_health(runner: PartitionRunner) -> dict[str, Any]:
    """Describe one partition."""
    vitals = runner.vitals
    return {
        "topic": vitals.topic,
        "partition": vitals.partition,
        "state": vitals.state.value,
        "reason": vitals.reason or runner.patience.reason,
        "held_s": round(runner.patience.held_s, 1),
        "stalled": vitals.stalled,
        "epoch": vitals.epoch,
        "offset": vitals.reached,
        "checkpointed_offset": vitals.committed,
        "log_end": vitals.log_end,
        "lag": vitals.lag,
        "watermark_ms": vitals.watermark_ms,
        "records": vitals.records,
        "rejections": vitals.rejections,
        "checkpoints": vitals.checkpoints,
        "checkpoint_s": round(vitals.checkpoint_s, 4),
        "checkpoint_age_s": None
        if vitals.checkpoint_at is None
        else round(monotonic() - vitals.checkpoint_at, 1),
    }


def health(owner: Owner) -> dict[str, Any]:
    """Describe the process: ``healthy`` is false where a partition is stopped, stalled or held."""
    partitions = [partition_health(runner) for runner in owner]
    sick = [
        p
        for p in partitions
        if p["stalled"] or p["state"] in (State.STOPPED, State.FAILED) or p["held_s"] > HELD_MAX_S
    ]
    return {"healthy": not sick, "partitions": partitions}


class HealthServer:
    """Serves ``/health`` and ``/healthz`` (200 or 503; the latter without details), ``/metrics``.

    Args:
        port: 0 serves nothing.
        host: the address to listen on.
        token: what requests off loopback must carry, but for ``/healthz``.
    """

    def __init__(self, owner: Owner, port: int, host: str = HOST, token: str = "") -> None:
        self._owner, self._port = owner, port
        self._host, self._token = host, "" if is_loopback(host) else token
        self._registry = CollectorRegistry()
        self._registry.register(WorkerCollector(owner))
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            SettingsError: the address is not loopback and there is no token.
            UnreachableError: the port is taken.
        """
        if not self._port:
            return
        if not self._token and not is_loopback(self._host):
            raise SettingsError(
                f"worker_host: {self._host!r} is not loopback and exporter_token is empty: anybody"
                " on the network could read the pipeline's state; set KPI_EXPORTER_TOKEN, or"
                " listen on 127.0.0.1"
            )
        app = web.Application(middlewares=[guard(self._token)])
        app.router.add_get("/health", self._health)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise UnreachableError(
                f"worker_port: {self._port}: {error}: health would go unseen"
            ) from error
        logger.info("health on http://%s:%d/health", self._host, self._port)

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        answer = health(self._owner)
        return web.json_response(answer, status=200 if answer["healthy"] else 503)

    async def _alive(self, _request: web.Request) -> web.Response:
        healthy = health(self._owner)["healthy"]
        return web.Response(status=200 if healthy else 503, text="ok\n" if healthy else "sick\n")

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
