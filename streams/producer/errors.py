"""What publishing may raise.

KpiError
├── InvalidEventError         the event breaks a rule of the worker: it was not sent (1)
├── DeliveryError             Kafka refused the event, or did not confirm it in time (3)
├── BufferFullError           nothing more fits until Kafka takes some: nothing was sent (3)
└── SpoolError                the spool's directory cannot be used (2)
"""

from __future__ import annotations

from processors.errors import CheckFailedError, SettingsError, UnreachableError


class InvalidEventError(CheckFailedError):
    """An event breaks a rule that the worker judges by: it would have been a dead letter.

    Args:
        event_id: the event's id, empty where it has none.
        reason: one of ``processors.decode.REASONS``.
        field: the faulty field, empty where the whole event is meant.
        detail: what is wrong with it.
    """

    def __init__(self, event_id: str, reason: str, field: str, detail: str) -> None:
        self.event_id, self.reason, self.field, self.detail = event_id, reason, field, detail
        where = f" {field}:" if field else ""
        super().__init__(f"event {event_id or '(without id)'}: {reason}:{where} {detail}")


class DeliveryError(UnreachableError):
    """An event is not known to be in Kafka.

    It may still arrive: publish it again under the same ``event_id`` and it counts once.

    Args:
        event_id: the event's id.
        topic: the topic it was meant for.
        cause: what Kafka, or its client, said.
    """

    def __init__(self, event_id: str, topic: str, cause: object) -> None:
        self.event_id, self.topic = event_id, topic
        super().__init__(f"event {event_id} was not confirmed by {topic}: {cause}")


class BufferFullError(UnreachableError):
    """The buffer or the spool is full: Kafka is away or slower than the events come."""


class SpoolError(SettingsError):
    """A spool's directory cannot be used."""
