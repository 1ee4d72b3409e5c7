"""CloudEvents into events: structured, binary and batched, by the HTTP protocol binding.

``type`` is one of ours, alone or behind a reverse domain name (``com.example.page_view``).
``source`` and ``id`` together are the ``event_id``, because together they are unique; ``time`` is
``ts``; ``data`` holds the other fields, and wins where it has these too.
"""

from __future__ import annotations

import binascii
import uuid
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from processors.event import STRUCT_BY_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.amounts import Fault

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_BINARY_PREFIX: Final = "ce-"
_VERSIONS: Final = ("1.0", "0.3")


class NoCloudEventError(Exception):
    """It is no CloudEvent; ``fault`` says why."""

    def __init__(self, field: str, detail: str, reason: str = "missing_field") -> None:
        self.fault: Fault = (reason, field, detail)
        super().__init__(detail)


def from_structured(cloud: object) -> dict[str, Any]:
    """Map a CloudEvent in JSON format.

    Raises:
        NoCloudEventError: an attribute that must be there is not, or ``data`` is no object.
    """
    if not isinstance(cloud, dict):
        raise NoCloudEventError("", "a CloudEvent is a JSON object", "wrong_type")
    data = cloud.get("data")
    if "data_base64" in cloud:
        try:
            data = b64decode(str(cloud["data_base64"]), validate=True)
        except (binascii.Error, ValueError):
            raise NoCloudEventError("data_base64", "not Base64", "wrong_type") from None
    return _event(cloud, data)


def from_binary(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Map a CloudEvent whose attributes are in the ``ce-`` headers and whose body is the data.

    Raises:
        NoCloudEventError: as :func:`from_structured`.
    """
    attributes = {
        name.lower().removeprefix(_BINARY_PREFIX): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith(_BINARY_PREFIX)
    }
    return _event(attributes, body)


def _event(attributes: Mapping[str, Any], data: object) -> dict[str, Any]:
    for name in ("specversion", "id", "source", "type"):
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            raise NoCloudEventError(name, f"a CloudEvent has the attribute {name}")
    version = attributes["specversion"]
    if version not in _VERSIONS:
        raise NoCloudEventError("specversion", f"{version!r} is none of {_VERSIONS}", "wrong_type")
    fields = _fields(data)
    event_id = f"{attributes['source']}#{attributes['id']}"
    if len(event_id) > _ID_LENGTH_MAX:
        event_id = uuid.uuid5(uuid.NAMESPACE_URL, event_id).hex
    event: dict[str, Any] = {"event_id": event_id}
    if attributes.get("time") is not None:
        event["ts"] = attributes["time"]
    return {**event, **fields, "type": _type(attributes["type"])}


_ID_LENGTH_MAX: Final = 200


def _fields(data: object) -> dict[str, Any]:
    if isinstance(data, bytes):
        try:
            data = msgspec.json.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise NoCloudEventError(
                "data", f"the data is no JSON: {error}", "invalid_json"
            ) from None
    if not isinstance(data, dict):
        raise NoCloudEventError(
            "data", "the data is a JSON object: the event's fields", "wrong_type"
        )
    return data


def _type(name: str) -> str:
    last = name.rpartition(".")[2]
    return last if last in STRUCT_BY_TYPE else name
