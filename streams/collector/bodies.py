"""Request bodies: read within bounds, and split into events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError

from streams.collector import exact
from streams.collector.refusal import Refusal

if TYPE_CHECKING:
    from streams.collector.config import CollectorConfig

_ENCODINGS = ("", "identity", "gzip", "deflate")
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


async def read_body(request: web.Request, config: CollectorConfig) -> bytes:
    """Read a body, uncompressed.

    Raises:
        Refusal: 408 too slow, 413 too large, 415 compressed by something else, 400 damaged.
    """
    encoding = request.headers.get("Content-Encoding", "").lower()
    if encoding not in _ENCODINGS:
        raise Refusal(415, "encoding", f"Content-Encoding {encoding!r}: send gzip or nothing")
    try:
        if request.content.is_eof():  # all of it is here: mostly so, and timers cost time
            return await request.read()
        async with asyncio.timeout(config.body_timeout_ms / 1000):
            return await request.read()
    except TimeoutError:
        limit_s = config.body_timeout_ms // 1000
        raise Refusal(408, "timeout", f"the body took longer than {limit_s} s") from None
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(413, "body_size", f"more than {config.body_bytes} bytes") from None
    except (web.RequestPayloadError, ContentEncodingError) as error:
        raise Refusal(400, "encoding", f"the body is damaged: {error}") from None


def split_events(body: bytes, content_type: str) -> list[bytes]:
    """Split a native body: a JSON array, one JSON object, or one JSON object a line.

    Raises:
        Refusal: 400, it is none of them.
    """
    if content_type in NDJSON:
        return [line for line in map(bytes.strip, body.split(b"\n")) if line]
    start = body.lstrip(b" \t\r\n")[:1]
    if start == b"{":
        return [body]
    try:
        return exact.split_array(body)
    except ValueError as error:
        raise Refusal(
            400, "invalid_json", f"the body is no JSON array or object: {error}"
        ) from None


def decode_body(body: bytes) -> dict[str, object]:
    """Decode a body that is one JSON object.

    Raises:
        Refusal: 400, it is none.
    """
    try:
        return exact.decode_object(body)
    except ValueError as error:
        raise Refusal(400, "invalid_json", f"the body is no JSON object: {error}") from None


def check_count(events: int, config: CollectorConfig) -> None:
    """Refuse empty and too large batches.

    Raises:
        Refusal: 400 or 413.
    """
    if events == 0:
        raise Refusal(400, "no_events", "the body holds no event")
    if events > config.batch_events:
        raise Refusal(
            413, "batch_size", f"{events} events are more than {config.batch_events} in a request"
        )
