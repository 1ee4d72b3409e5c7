"""The AsyncAPI document of the topics."""

from __future__ import annotations

from typing import Any, Final

from processors import names
from processors.decode import REASONS
from processors.event import STRUCT_BY_TYPE
from streams.schemas.event_schema import structs_by_topic

VERSION: Final = "3.0.0"
CONTRACT_VERSION: Final = "1.0.0"
_KAFKA: Final = "0.5.0"

KEYS: Final = {
    names.VISITOR: "visitor_id, else customer_id, else recipient_id",
    names.ADS: "event_id",
    names.SUPPORT: "ticket_id",
    names.LEADS: "lead_id",
    names.BUSINESS: (
        "account, else source, else campaign, else event_id; but fx_rate: currency, and "
        "other readings (balance, market_impressions, social_reach, keyword_rank, "
        "target_set): account, else source, else campaign, else kpi, else keyword, else network, "
        "else channel, else the type's name"
    ),
    names.DEAD_LETTER: "as the original",
}
"""What each topic is keyed by: the key column of the contract, in words."""

_ABOUT: Final = {
    names.VISITOR: "What visitors, customers and recipients do.",
    names.ADS: "What is shown to nobody in particular.",
    names.SUPPORT: "Tickets.",
    names.LEADS: "Leads.",
    names.BUSINESS: "Costs, readings and rates.",
    names.DEAD_LETTER: "Records that break a rule, with the rule, as the worker found them.",
}


def asyncapi() -> dict[str, Any]:
    """Return the document."""
    topics = structs_by_topic()
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "kpi-streams events",
            "version": CONTRACT_VERSION,
            "description": (
                "One flat JSON object a record. The partition follows from the key by murmur2, as "
                "with Kafka's Java client. Unknown fields are kept; unknown types become dead "
                "letters."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {
            topic: _channel(topic, list(topics.get(topic, ())))
            for topic in (*names.EVENT_TOPICS, names.DEAD_LETTER)
        },
        "operations": {
            _operation(topic): {
                "action": "receive" if topic in topics else "send",
                "channel": {"$ref": f"#/channels/{topic}"},
                "summary": _ABOUT[topic],
            }
            for topic in (*names.EVENT_TOPICS, names.DEAD_LETTER)
        },
        "components": {
            "messages": {name: _message(name) for name in STRUCT_BY_TYPE}
            | {"dead_letter": _dead()},
        },
    }


def _channel(topic: str, types: list[str]) -> dict[str, Any]:
    messages = types or ["dead_letter"]
    return {
        "address": topic,
        "description": f"{_ABOUT[topic]} Other namespaces: `<namespace>.{topic}`.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": _KAFKA}},
    }


def _operation(topic: str) -> str:
    return topic.replace(".", "_").replace("-", "_")


def _message(event_type: str) -> dict[str, Any]:
    struct = STRUCT_BY_TYPE[event_type]
    return {
        "name": event_type,
        "summary": (struct.__doc__ or "").strip(),
        "payload": {"$ref": f"./events/{event_type}.json"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": KEYS[struct.topic]},
                "bindingVersion": _KAFKA,
            }
        },
    }


def _dead() -> dict[str, Any]:
    return {
        "name": "dead_letter",
        "summary": "A record that the worker rejected, and why.",
        "payload": {
            "type": "object",
            "required": ["reason", "field", "detail", "topic", "partition", "offset"],
            "properties": {
                "reason": {"enum": list(REASONS)},
                "field": {"type": "string", "description": "empty: the whole record is meant"},
                "detail": {"type": "string"},
                "topic": {"type": "string"},
                "partition": {"type": "integer"},
                "offset": {"type": "integer"},
                "timestamp_ms": {"type": "integer", "description": "the record's, since 1970 UTC"},
                "original": {"type": ["string", "null"], "description": "the record, if text"},
                "original_base64": {"type": "string", "description": "the record, if no text"},
                "original_bytes": {"type": ["integer", "null"]},
                "truncated": {"type": "boolean"},
            },
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": KEYS[names.DEAD_LETTER]},
                "bindingVersion": _KAFKA,
            }
        },
    }
