"""The OpenAPI document of the collector."""

from __future__ import annotations

from typing import Any, Final

from processors.decode import REASONS
from processors.event import STRUCT_BY_TYPE

VERSION: Final = "3.1.0"
_JSON: Final = "application/json"
_Schema = dict[str, Any]
_ANSWERS: Final = {
    "200": "all events are in Kafka, on all in-sync replicas",
    "202": "all events are taken, some wait on the collector's disk until Kafka is back",
    "207": "some events were rejected; the others are taken",
    "400": "no event was taken",
}
_REFUSALS: Final = {
    "401": "no valid key",
    "403": "the key does not allow this origin, host or use",
    "408": "the body came too slowly",
    "413": "the body, or the batch, is too large",
    "415": "the body is compressed by something other than gzip",
    "429": "the key's rate is used up: try again after Retry-After",
    "503": "Kafka is away and nothing more can be kept: try again after Retry-After",
}


def openapi() -> _Schema:
    """Return the document."""
    return {
        "openapi": VERSION,
        "info": {
            "title": "kpi-streams collector",
            "version": "1.0.0",
            "description": "Events over HTTP. Each is judged by the worker's own rules.",
        },
        "security": [{"key": []}, {"bearer": []}, {}],
        "paths": {
            "/v1/events": {"post": _native()},
            "/v1/cloudevents": {"post": _cloud()},
            "/v1/beacon": {"post": _beacon()},
            **{f"/v1/{call}": {"post": _segment(call)} for call in _SEGMENT},
            **{path: {"get": _page(path)} for path in _PAGES},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "basic", "description": "the key is the user"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {
                "event": {"oneOf": [{"$ref": f"./events/{name}.json"} for name in STRUCT_BY_TYPE]},
                "answer": _ANSWER,
                "refusal": _REFUSAL,
                "call": _CALL,
                "cloudevent": _CLOUDEVENT,
            },
        },
    }


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _operation(name: str, summary: str, content: _Schema) -> _Schema:
    answers: dict[str, _Schema] = {
        status: {"description": text, "content": {_JSON: {"schema": _ref("answer")}}}
        for status, text in _ANSWERS.items()
    }
    answers["400"]["content"][_JSON]["schema"] = {"anyOf": [_ref("answer"), _ref("refusal")]}
    refusals = {
        status: {"description": text, "content": {_JSON: {"schema": _ref("refusal")}}}
        for status, text in _REFUSALS.items()
    }
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": answers | refusals,
    }


def _native() -> _Schema:
    batch = {"type": "array", "items": _ref("event"), "minItems": 1}
    return _operation(
        "events",
        "Our own events: a JSON array, one object, or NDJSON; gzip is accepted.",
        {
            _JSON: {"schema": {"anyOf": [batch, _ref("event")]}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    )


def _cloud() -> _Schema:
    return _operation(
        "cloudevents",
        "CloudEvents: structured or batched; in binary mode the attributes are `ce-` headers.",
        {
            "application/cloudevents+json": {"schema": _ref("cloudevent")},
            "application/cloudevents-batch+json": {
                "schema": {"type": "array", "items": _ref("cloudevent"), "minItems": 1}
            },
        },
    )


def _beacon() -> _Schema:
    page = {"url": {"type": "string"}, "referrer": {"type": "string"}}
    body = {
        "type": "object",
        "required": ["events"],
        "properties": {
            "events": {"type": "array", "items": {"type": "object"}, "minItems": 1},
            "key": {"type": "string"},
            "sent": {"type": "integer", "description": "the browser's clock, ms since 1970 UTC"},
            "entry": {"type": "object", "properties": page},
        },
    }
    return _operation(
        "beacon", "What /t.js sends.", {"text/plain": {"schema": body}, _JSON: {"schema": body}}
    )


def _segment(call: str) -> _Schema:
    body = _ref("call")
    if call in ("batch", "import"):
        batch = {"type": "array", "items": _ref("call"), "minItems": 1}
        body = {"type": "object", "required": ["batch"], "properties": {"batch": batch}}
    operation = _operation(f"segment_{call}", _SEGMENT[call], {_JSON: {"schema": body}})
    # The published libraries know only 200 and "try again".
    del operation["responses"]["202"], operation["responses"]["207"]
    operation["responses"]["200"]["description"] = (
        "at least one event was taken; `spooled` and `rejected` tell the rest"
    )
    return operation


def _page(path: str) -> _Schema:
    summary, content_type, statuses = _PAGES[path]
    return {
        "operationId": path.strip("/").replace(".", "_"),
        "summary": summary,
        "responses": {
            status: {
                "description": summary if status == "200" else _REFUSALS[status],
                "content": {
                    content_type if status == "200" else _JSON: {
                        "schema": {} if status == "200" else _ref("refusal")
                    }
                },
            }
            for status in statuses
        },
    }


_PAGES: Final = {
    "/t.js": ("The browser's script.", "text/javascript", ("200",)),
    "/metrics": ("Prometheus metrics.", "text/plain", ("200", "401", "403")),
    "/healthz": ("The process runs.", _JSON, ("200",)),
    "/readyz": ("Events are taken.", _JSON, ("200", "503")),
}
_SEGMENT: Final = {
    "track": "Segment: something happened.",
    "page": "Segment: a page was seen.",
    "screen": "Segment: a screen was seen.",
    "identify": "Segment: who somebody is.",
    "group": "Segment: what somebody belongs to.",
    "alias": "Segment: who somebody was before.",
    "batch": "Segment: many calls.",
    "import": "Segment: many calls of the past.",
}
_ANSWER: Final[_Schema] = {
    "type": "object",
    "required": ["request_id", "accepted", "spooled", "ignored", "rejected"],
    "properties": {
        "request_id": {"type": "string"},
        "accepted": {"type": "integer", "minimum": 0, "description": "events taken"},
        "spooled": {"type": "integer", "minimum": 0, "description": "of these, only on disk"},
        "ignored": {"type": "integer", "minimum": 0, "description": "without meaning for any KPI"},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "rule", "field", "detail", "kpis"],
                "properties": {
                    "index": {"type": "integer", "minimum": 0},
                    "event_id": {"type": "string"},
                    "type": {"type": "string"},
                    "rule": {"enum": list(REASONS)},
                    "field": {"type": "string"},
                    "detail": {"type": "string"},
                    "kpis": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "the KPIs that it would have corrupted",
                    },
                    "did_you_mean": {"type": "string"},
                },
            },
        },
    },
}
_REFUSAL: Final[_Schema] = {
    "type": "object",
    "required": ["code", "message", "request_id"],
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "request_id": {"type": "string"},
    },
}
_CALL: Final[_Schema] = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "messageId": {"type": "string", "minLength": 1},
        "anonymousId": {"type": "string"},
        "userId": {"type": "string"},
        "event": {"type": "string"},
        "properties": {"type": "object"},
        "traits": {"type": "object"},
        "context": {"type": "object"},
        "timestamp": {"type": "string", "format": "date-time"},
        "sentAt": {"type": "string", "format": "date-time"},
    },
}
_CLOUDEVENT: Final[_Schema] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"enum": ["1.0", "0.3"]},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
        "data_base64": {"type": "string"},
    },
}
