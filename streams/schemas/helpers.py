"""The typed helpers of the producers, generated: one method an event type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.event import STRUCT_BY_TYPE
from streams.schemas.fields import COMMON, WITH_ITEMS, Field, fields_of

if TYPE_CHECKING:
    from processors.event import Event

_TYPES = {"text": "str", "amount": "Amount", "count": "int", "moment": "Moment"}

HEAD = '''\
# DO NOT EDIT: generated from processors/event.py by kpi generate.
# ruff: noqa: A002  # parameters are named as the contract names the fields
"""One method an event type, for the blocking producer and its asyncio twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from streams.producer.prepare import Amount, Moment

Sent = TypeVar("Sent")


class EventHelpers(ABC, Generic[Sent]):
    """Publishes events by type. Fields that are None are left out; unknown ones are kept."""

    @abstractmethod
    def publish(self, event: Mapping[str, Any]) -> Sent:
        """Publish an event given as a JSON object."""
'''


def render() -> str:
    """Return the module's text."""
    return HEAD + "".join(_method(name, struct) for name, struct in STRUCT_BY_TYPE.items())


def _method(name: str, struct: type[Event]) -> str:
    fields = [field for field in fields_of(struct) if field.name not in COMMON]
    common = [Field(field, "text" if field == "event_id" else "moment", required=False)
              for field in COMMON]  # fmt: skip
    extras = ["items"] if issubclass(struct, WITH_ITEMS) else []
    lines = ["", f"    def {name}(", "        self,", "        *,"]
    for field in (*fields, *common):
        hint = _TYPES[field.kind]
        lines.append(
            f"        {field.name}: {hint}," if field.required
            else f"        {field.name}: {hint} | None = None,"
        )  # fmt: skip
    if extras:
        lines.append("        items: Sequence[Mapping[str, Any]] | None = None,")
    lines += [
        "        properties: Mapping[str, Any] | None = None,",
        "        **more: Any,",
        "    ) -> Sent:",
        f'        """{(struct.__doc__ or "").strip()}',
        "",
        "        Args:",
    ]
    lines += [f"            {field.name}: {field.meaning}." for field in fields]
    lines += [
        "            event_id: the producer's own id; a random one if None.",
        "            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.",
    ]
    if extras:
        lines.append(
            "            items: what is in it: product, category, quantity, price, unit_cost."
        )
    lines += [
        "            properties: anything else; kept, not added up.",
        "            **more: fields of your own; kept, not added up.",
        "",
        "        Raises:",
        "            InvalidEventError: the worker would reject it; nothing was sent.",
        "            BufferFullError: no room for it: Kafka is away or slow.",
        "            DeliveryError: Kafka is away and the policy is to raise.",
        '        """',
        "        return self.publish(",
        "            {",
        "                **more,",
        f'                "type": "{name}",',
    ]
    for key in (*(field.name for field in (*fields, *common)), *extras, "properties"):
        lines.append(f'                "{key}": {key},')
    lines += ["            }", "        )", ""]
    return "\n".join(lines)
