"""What a client is told about its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from aiohttp import web

    from processors.decode import Rejection
    from streams.collector.impact import Impact


class Rejected(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One event that was not taken.

    Attributes:
        index: its place in the request, from 0.
        event_id: its id, if it has one.
        type: its type, if it has one.
        rule: the rule it breaks: one of ``processors.decode.REASONS``.
        field: the faulty field; empty where the whole event is meant.
        detail: what is wrong.
        kpis: the KPIs that it would have corrupted.
        did_you_mean: the type that was probably meant; ``kpis`` are that one's.
    """

    index: int
    rule: str
    field: str
    detail: str
    kpis: tuple[str, ...]
    event_id: str = ""
    type: str = ""
    did_you_mean: str = ""


class Answer(msgspec.Struct, kw_only=True):
    """What became of the events of one request.

    Attributes:
        request_id: for questions about it.
        accepted: how many were taken.
        spooled: how many of these wait on the collector's disk, not yet in Kafka.
        ignored: how many have no meaning for any KPI (Segment's browsing events).
        rejected: the others.
    """

    request_id: str
    accepted: int = 0
    spooled: int = 0
    ignored: int = 0
    rejected: list[Rejected] = msgspec.field(default_factory=list)

    @property
    def status(self) -> int:
        """200 all in Kafka, 202 some only in the spool, 207 some rejected, 400 all rejected."""
        if self.rejected:
            return 207 if self.accepted or self.ignored else 400
        return 202 if self.spooled else 200


class _Fields(msgspec.Struct):
    type: object = ""
    event_id: object = ""


_decode_fields = msgspec.json.Decoder(_Fields).decode
_TEXT_MAX = 200


def rejected(rejection: Rejection, index: int, value: bytes, impact: Impact) -> Rejected:
    """Describe a rejection.

    Args:
        rejection: the rule that is broken.
        index: the event's place in the request.
        value: the event, as far as it is one.
        impact: the catalogue's KPIs by event type.
    """
    event_type = event_id = ""
    try:
        fields = _decode_fields(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    else:
        event_type = fields.type[:_TEXT_MAX] if isinstance(fields.type, str) else ""
        event_id = fields.event_id[:_TEXT_MAX] if isinstance(fields.event_id, str) else ""
    meant = impact.likely(event_type) if rejection.reason == "unknown_type" else ""
    return Rejected(
        index=index,
        event_id=event_id,
        type=event_type,
        rule=rejection.reason,
        field=rejection.field,
        detail=rejection.detail[: 2 * _TEXT_MAX],
        kpis=impact.kpis(meant or event_type),
        did_you_mean=meant,
    )


_encode = msgspec.json.Encoder().encode


def encode(answer: Answer) -> bytes:
    """Return an answer's JSON."""
    return _encode(answer)


def request_id(request: web.Request) -> str:
    """Return a request's id."""
    return str(request["request_id"])
