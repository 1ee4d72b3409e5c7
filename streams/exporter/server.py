"""The exporter's pages and API over HTTP.

======================  ==============================================================
/, /live/...            the live page and its files
/metrics                Prometheus text 0.0.4, or OpenMetrics where it is accepted
/api/v1/kpis            rows of ``kpi query``; filters: see streams/exporter/selection.py
/api/v1/kpis/{id}       the same of one KPI
/api/v1/history         how values went, and those of the window before; the same filters
/api/v1/catalog         every KPI's definition
/api/v1/health          progress of every partition, age of every KPI
/api/v1/stream          rows as they change (server-sent events); the same filters, and
                        ``health=true``: the pipeline's health every few seconds
/healthz, /readyz       whether the process runs; whether its figures are current
======================  ==============================================================
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from processors.errors import UnreachableError, UsageError
from streams.exporter.access import guard
from streams.exporter.assets import PREFIX, START_PATH, Assets
from streams.exporter.channel import Channels
from streams.exporter.describe import describe_catalog, describe_health
from streams.exporter.history import History
from streams.exporter.page import MetricsPage
from streams.exporter.push import HealthNews, push
from streams.exporter.selection import select, switch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.exporter.follower import Follower

Listeners = set["asyncio.Task[Any]"]
LISTENERS: Final = web.AppKey("listeners", Listeners)
ENDING: Final = web.AppKey("ending", asyncio.Event)


def build_app(follower: Follower, *, token: str, values_max: int) -> web.Application:
    """Return the application that serves what a follower knows.

    Args:
        follower: where the figures come from.
        token: what requests must carry; empty on loopback.
        values_max: dimension values in /metrics per KPI, window and dimension set.
    """
    app = web.Application(middlewares=[guard(token)])
    app[LISTENERS] = set()
    app[ENDING] = asyncio.Event()
    app.on_shutdown.append(_end_streams)
    pages, assets = _Pages(follower, MetricsPage(follower, values_max)), Assets()
    app.add_routes(
        [
            web.get(START_PATH, assets.handle),
            web.get(PREFIX + "{name:.+}", assets.handle),
            web.get("/metrics", pages.metrics),
            web.get("/api/v1/kpis", pages.kpis),
            web.get("/api/v1/kpis/{id}", pages.kpi),
            web.get("/api/v1/history", pages.history),
            web.get("/api/v1/catalog", pages.catalog),
            web.get("/api/v1/health", pages.health),
            web.get("/api/v1/stream", pages.stream),
            web.get("/healthz", pages.alive),
            web.get("/readyz", pages.ready),
        ]
    )
    return app


class _Pages:
    """The handlers."""

    def __init__(self, follower: Follower, page: MetricsPage) -> None:
        self._follower, self._page = follower, page
        self._channels, self._health = Channels(follower), HealthNews(follower)
        self._history = History(follower)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        if not self._follower.loaded:
            return web.Response(status=503, text=f"{self._follower.trouble()}\n")
        body, content_type = await self._page.render(",".join(request.headers.getall("Accept", ())))
        response = web.Response(body=body, headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    async def kpis(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request.query)

    async def kpi(self, request: web.Request) -> web.StreamResponse:
        return await self._answer({**request.query, "kpi": request.match_info["id"]})

    async def history(self, request: web.Request) -> web.StreamResponse:
        if not self._follower.loaded:
            return _json({"error": self._follower.trouble()}, status=503)
        try:
            selection = select(self._follower.catalog, request.query)
            body = await self._history.answer(selection)
        except UsageError as error:
            return _fault(error)
        except UnreachableError as error:
            return _json({"error": str(error)}, status=503)
        return _encoded(body)

    async def catalog(self, _request: web.Request) -> web.StreamResponse:
        return _json(describe_catalog(self._follower.catalog))

    async def health(self, _request: web.Request) -> web.StreamResponse:
        return _json(describe_health(self._follower))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        try:
            filters = dict(request.query)
            health = self._health if switch(filters, "health") else None
            filters.pop("health", None)
            selection = select(self._follower.catalog, filters)
        except UsageError as error:
            return _fault(error)
        if request.app[ENDING].is_set():  # it was on its way when the others were ended
            return _json({"error": "the exporter is ending"}, status=503)
        task = asyncio.current_task()
        listeners = request.app[LISTENERS]
        if task is not None:
            listeners.add(task)
        try:
            return await push(request, self._follower, self._channels, selection, health)
        finally:
            if task is not None:
                listeners.discard(task)

    async def alive(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        trouble = self._follower.trouble()
        return web.Response(status=503 if trouble else 200, text=f"{trouble or 'ready'}\n")

    async def _answer(self, filters: Mapping[str, str]) -> web.Response:
        try:
            selection = select(self._follower.catalog, filters)
        except UsageError as error:
            return _fault(error)
        if not self._follower.loaded:
            return _json({"error": self._follower.trouble()}, status=503)
        stale = "true" if self._follower.trouble() else "false"
        rows = await selection.rows(self._follower.board())
        return _json(rows, headers={"X-Kpi-Stale": stale})


def _json(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return _encoded(msgspec.json.encode(value), status=status, headers=headers)


def _encoded(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    response = web.Response(
        body=body,
        status=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        content_type="application/json",
    )
    response.enable_compression()
    return response


def _fault(error: UsageError) -> web.Response:
    """Answer 404 for what does not exist, as the command line exits with 2."""
    return _json({"error": str(error)}, status=404)


async def _end_streams(app: web.Application) -> None:
    """Streams have no end of their own: without this, shutting down would wait for them."""
    app[ENDING].set()
    for task in [*app[LISTENERS]]:
        task.cancel()
