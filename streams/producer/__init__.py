"""Publishing events from Python: checked before they are sent, by the worker's own rules.

``EventProducer`` blocks (kafka-python), ``AsyncEventProducer`` awaits (aiokafka). Only the one
that is used is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.producer.aio import AsyncEventProducer
    from streams.producer.sync import EventProducer

__all__ = ["AsyncEventProducer", "EventProducer"]


def __getattr__(name: str) -> Any:
    if name == "EventProducer":
        from streams.producer.sync import EventProducer  # noqa: PLC0415  # only where it is used

        return EventProducer
    if name == "AsyncEventProducer":
        from streams.producer.aio import AsyncEventProducer  # noqa: PLC0415  # as above

        return AsyncEventProducer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
