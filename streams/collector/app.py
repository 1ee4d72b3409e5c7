"""The collector over HTTP.

=========================  ===========================================================
POST /v1/events            our own events: a JSON array, one object, or NDJSON
POST /v1/track, page, ...  Segment's tracking API, with /v1/batch and /v1/import
POST /v1/cloudevents       CloudEvents: structured, binary, batched
POST /v1/beacon            what /t.js sends
GET  /t.js                 the browser's script
GET  /metrics              Prometheus text; a key of scope ``metrics`` where there are keys
GET  /healthz, /readyz     whether the process runs; whether it takes events
=========================  ===========================================================
"""

from __future__ import annotations

import itertools
import logging
import math
import re
import time
import uuid
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.collector.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streams.collector.access import Doorkeeper
    from streams.collector.config import CollectorConfig
    from streams.collector.handlers import Handlers
    from streams.collector.metrics import CollectorMetrics
    from streams.producer.outbox import Outbox

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SEGMENT_CALLS: Final = "track|page|screen|identify|group|alias|batch|import"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CORS_HEADERS: Final = "Authorization, Content-Type, Content-Encoding, X-Request-Id"
_log = logging.getLogger(__name__)


class _Frame:
    """What every request passes through: an id, a bound, CORS, errors as JSON, counting."""

    def __init__(
        self, config: CollectorConfig, door: Doorkeeper, metrics: CollectorMetrics
    ) -> None:
        self._requests_max = config.requests
        self._door, self._metrics = door, metrics
        self._under_way = 0
        self._run_id = uuid.uuid4().hex[:12]
        self._numbers = itertools.count(1)

    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        started_s = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        if _REQUEST_ID.fullmatch(given):
            request_id = given
        else:
            request_id = f"{self._run_id}-{next(self._numbers):x}"
        request["request_id"] = request_id
        self._under_way += 1
        try:
            self._check_busy(request)
            response = await handler(request)
        except Refusal as refusal:
            response = _refused(refusal, request_id)
        except web.HTTPException as error:
            response = _refused(Refusal(error.status, "http", error.reason), request_id)
            response.headers.extend({k: v for k, v in error.headers.items() if k == hdrs.ALLOW})
        except Exception:  # noqa: BLE001  # the client gets an answer, the log the traceback
            _log.exception("request %s failed", request_id)
            response = _refused(Refusal(500, "defect", "an error of ours"), request_id)
        finally:
            self._under_way -= 1
        response.headers["X-Request-Id"] = request_id
        response.headers[hdrs.SERVER] = "kpi-collector"  # no versions for those who look for holes
        self._allow_origin(request, response)
        route = request.match_info.route.resource
        name = route.canonical if route is not None else "unknown"
        self._metrics.request(name, response.status, time.perf_counter() - started_s)
        return response

    def _check_busy(self, request: web.Request) -> None:
        if self._under_way > self._requests_max and request.method == hdrs.METH_POST:
            raise Refusal(503, "busy", "too many requests under way", 1)

    def _allow_origin(self, request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None:
            response.headers[hdrs.VARY] = hdrs.ORIGIN
            if self._door.allows_origin(origin):
                response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin


def _refused(refusal: Refusal, request_id: str) -> web.Response:
    body = {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    headers = {}
    if refusal.retry_after_s is not None:
        headers[hdrs.RETRY_AFTER] = str(max(1, math.ceil(refusal.retry_after_s)))
    if refusal.status == 401:
        headers[hdrs.WWW_AUTHENTICATE] = 'Basic realm="kpi", charset="UTF-8"'
    return web.Response(
        status=refusal.status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers=headers,
    )


class _Pages:
    """The routes that take no events."""

    def __init__(
        self, config: CollectorConfig, door: Doorkeeper, metrics: CollectorMetrics, outbox: Outbox
    ) -> None:
        self._keyed = bool(config.keys)
        self._door, self._metrics, self._outbox = door, metrics, outbox
        self._script = files(__package__).joinpath("t.js").read_bytes()
        self.draining = False

    async def script(self, _request: web.Request) -> web.StreamResponse:
        # The page decides how long it trusts a copy: an hour is short enough to correct it.
        headers = {hdrs.CACHE_CONTROL: "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return web.Response(
            body=self._script, content_type="text/javascript", charset="utf-8", headers=headers
        )

    async def preflight(self, request: web.Request) -> web.StreamResponse:
        if not self._door.allows_origin(request.headers.get(hdrs.ORIGIN, "")):
            raise Refusal(403, "origin", "no key allows this origin")
        headers = {
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST",
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _CORS_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: "600",
        }
        return web.Response(status=204, headers=headers)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        self._door.admit(request, scope="metrics" if self._keyed else "write")
        page = generate_latest(self._metrics.registry)
        return web.Response(body=page, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    async def alive(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "alive"})

    async def ready(self, _request: web.Request) -> web.StreamResponse:
        if self.draining or self._outbox.full:
            raise Refusal(503, "not_ready", "draining" if self.draining else "no room", 1)
        waiting = self._outbox.spooled[0]
        return web.json_response({"kafka": not self._outbox.away, "spooled": waiting})


def build_app(
    config: CollectorConfig,
    door: Doorkeeper,
    metrics: CollectorMetrics,
    handlers: Handlers,
    outbox: Outbox,
) -> web.Application:
    """Return the application."""
    frame = _Frame(config, door, metrics)
    pages = _Pages(config, door, metrics, outbox)

    @web.middleware
    async def pass_through(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await frame.pass_through(request, handler)

    async def drain(_app: web.Application) -> None:
        pages.draining = True

    app = web.Application(middlewares=[pass_through], client_max_size=config.body_bytes)
    app.on_shutdown.append(drain)
    app.add_routes(
        [
            web.post("/v1/events", handlers.native),
            web.post("/v1/cloudevents", handlers.cloud),
            web.post("/v1/beacon", handlers.beacon),
            web.post(f"/v1/{{call:{SEGMENT_CALLS}}}", handlers.segment),
            web.options(f"/v1/{{any:events|cloudevents|beacon|{SEGMENT_CALLS}}}", pages.preflight),
            web.get("/t.js", pages.script),
            web.get("/metrics", pages.metrics),
            web.get("/healthz", pages.alive),
            web.get("/readyz", pages.ready),
        ]
    )
    return app
