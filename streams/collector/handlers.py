"""One handler a route: a request's body into events, through the intake, into an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from processors.decode import Rejection
from streams.collector import beacon, cloud, exact, segment
from streams.collector.answer import Answer, encode
from streams.collector.bodies import check_count, decode_body, read_body, split_events
from streams.collector.refusal import Refusal

if TYPE_CHECKING:
    from streams.collector.access import Doorkeeper
    from streams.collector.config import CollectorConfig
    from streams.collector.intake import Intake
    from streams.collector.keys import Key
    from streams.collector.metrics import CollectorMetrics

Unmapped = list[tuple[Rejection, bytes]]


class Handlers:
    """The routes that take events."""

    def __init__(
        self,
        config: CollectorConfig,
        door: Doorkeeper,
        intake: Intake,
        metrics: CollectorMetrics,
    ) -> None:
        self._config, self._door, self._intake, self._metrics = config, door, intake, metrics

    async def native(self, request: web.Request) -> web.Response:
        """``POST /v1/events``: our own events, as they are."""
        key = self._door.admit(request)
        body = await read_body(request, self._config)
        values = split_events(body, request.content_type)
        self._charge(key, len(values))
        try:
            body.decode()
        except UnicodeDecodeError:
            return await self._native_loose(request, key, values)
        answer = await self._intake.take(values, request["request_id"])
        return self._answer(key, answer)

    async def _native_loose(
        self, request: web.Request, key: Key, values: list[bytes]
    ) -> web.Response:
        """Take a body with bytes that are no UTF-8: only the events that hold them are rejected."""
        good: list[bytes] = []
        places: list[int] = []
        unmapped: Unmapped = []
        for index, value in enumerate(values):
            try:
                value.decode()
            except UnicodeDecodeError as error:
                unmapped.append((Rejection(index, "invalid_json", "", str(error)), b""))
            else:
                good.append(value)
                places.append(index)
        answer = await self._intake.take(
            good, request["request_id"], places=places, unmapped=unmapped
        )
        return self._answer(key, answer)

    async def segment(self, request: web.Request) -> web.Response:
        """``POST /v1/track``, ``/v1/batch``, ...: Segment's tracking calls."""
        call = request.match_info["call"]
        body = decode_body(await read_body(request, self._config))
        key = self._door.admit(request, _text(body.get("writeKey")))
        batched = call in ("batch", "import")
        messages = body.get("batch") if batched else [body]
        if not isinstance(messages, list):
            raise Refusal(400, "batch", "the body has no array `batch`")
        self._charge(key, len(messages))
        received_ms = self._intake.clock()
        # What is imported happened long ago: its clock is not the sender's.
        skew_ms = 0 if call == "import" else segment.skew_ms(body.get("sentAt"), received_ms)
        shared = body.get("context") if batched else None
        values: list[bytes] = []
        places: list[int] = []
        unmapped: Unmapped = []
        for index, message in enumerate(messages):
            if isinstance(shared, dict) and isinstance(message, dict):
                message.setdefault("context", shared)
            try:
                event = segment.event_of(
                    message,
                    "" if batched else call,
                    received_ms=received_ms,
                    skew_ms=skew_ms,
                    currency=key.currency,
                )
            except segment.UnmappableError as error:
                unmapped.append((Rejection(index, *error.fault), _id_of(message)))
                continue
            if event is not None:
                values.append(exact.encode(event))
                places.append(index)
        answer = await self._intake.take(
            values,
            request["request_id"],
            places=places,
            unmapped=unmapped,
            ignored=len(messages) - len(values) - len(unmapped),
        )
        # These clients know only 200 and "try again": 207 and 202 would be tried again.
        return self._answer(key, answer, plain=True)

    async def cloud(self, request: web.Request) -> web.Response:
        """``POST /v1/cloudevents``: structured, binary or batched CloudEvents."""
        key = self._door.admit(request)
        body = await read_body(request, self._config)
        unmapped: Unmapped = []
        values: list[bytes] = []
        places: list[int] = []
        binary = request.content_type not in (cloud.STRUCTURED, cloud.BATCH)
        clouds: list[Any] = [body] if binary else _clouds(body, request.content_type)
        self._charge(key, len(clouds))
        for index, one in enumerate(clouds):
            try:
                if binary:
                    event = cloud.from_binary(request.headers, body)
                else:
                    event = cloud.from_structured(one)
            except cloud.NoCloudEventError as error:
                unmapped.append((Rejection(index, *error.fault), b""))
            else:
                values.append(exact.encode(event))
                places.append(index)
        answer = await self._intake.take(
            values, request["request_id"], places=places, unmapped=unmapped
        )
        return self._answer(key, answer)

    async def beacon(self, request: web.Request) -> web.Response:
        """``POST /v1/beacon``: what ``/t.js`` sends."""
        body = await read_body(request, self._config)
        try:
            found = _decode_beacon(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal(400, "invalid_json", f"the body is no beacon: {error}") from None
        key = self._door.admit(request, found.key)
        self._charge(key, len(found.events))
        user_agent = request.headers.get("User-Agent", "")
        events = beacon.events_of(found, user_agent, self._intake.clock())
        answer = await self._intake.take(list(map(exact.encode, events)), request["request_id"])
        return self._answer(key, answer)

    def _charge(self, key: Key, events: int) -> None:
        check_count(events, self._config)
        self._door.pay(key, events)

    def _answer(self, key: Key, answer: Answer, *, plain: bool = False) -> web.Response:
        self._metrics.count(key, answer)
        status = answer.status
        if plain and status in (202, 207):
            status = 200
        return web.Response(status=status, body=encode(answer), content_type="application/json")


_decode_beacon = msgspec.json.Decoder(beacon.Beacon, float_hook=Decimal).decode


def _clouds(body: bytes, content_type: str) -> list[Any]:
    try:
        found = exact.decode(body)
    except ValueError as error:
        raise Refusal(400, "invalid_json", f"the body is no JSON: {error}") from None
    if content_type == cloud.STRUCTURED:
        return [found]
    if not isinstance(found, list):
        raise Refusal(400, "invalid_json", "a batch of CloudEvents is a JSON array")
    return found


def _id_of(message: object) -> bytes:
    """Return as much of an unmapped message as says which it was."""
    found = message.get("messageId") if isinstance(message, dict) else None
    return exact.encode({"event_id": found}) if isinstance(found, str) else b""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
