"""E-mail: what came of each sending, told in its pane.

::

    sent --- delivered ------- opened -- opened - clicked ------- purchase
      |<- told here: delivered, opened once, clicked once, purchased      | 72 h

The key is the record's: the visitor where the producer knows who the recipient is, so that
purchases on the site count. A message is sent at ``email_sent``, or at an ``email_delivered`` that
has none of the same recipient and campaign in the window before it. What follows belongs to the
latest sending of its recipient and campaign (a purchase: of whatever campaign) in the window.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import EmailClicked, EmailDelivered, EmailOpened, EmailSent, Purchase
from processors.getters import field_getter
from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.keyed.marks import at, emit_difference

DIMENSIONS = ("campaign", "list", "form")
_DELIVERED, _OPENED, _CLICKED, _PURCHASED = range(4)
_KINDS: dict[type, int] = {
    EmailDelivered: _DELIVERED,
    EmailOpened: _OPENED,
    EmailClicked: _CLICKED,
    Purchase: _PURCHASED,
}
_FACTS: tuple[type[facts.SendFact], ...] = (
    facts.SendDelivered,
    facts.SendOpened,
    facts.SendClicked,
    facts.SendPurchased,
)


class Response(msgspec.Struct, array_like=True, gc=False):
    """Something that follows a sending; of a purchase the recipient is not asked."""

    ts: int
    offset: int
    kind: int
    recipient: str | None
    dimensions: tuple[str | None, ...]


class Send(msgspec.Struct, array_like=True, gc=False):
    """A sending; ``heard`` are the kinds of responses that can no longer be taken back.

    ``own`` marks a delivery that stands for a sending nobody reported.
    """

    ts: int
    offset: int
    recipient: str | None
    dimensions: tuple[str | None, ...]
    own: bool = False
    heard: list[int] = []


class EmailState(msgspec.Struct, array_like=True):
    """Sendings that can still be answered; what a late sending may claim, by (ts, offset)."""

    key: str
    sends: list[Send] = []
    deliveries: list[Response] = []
    responses: list[Response] = []
    due_ms: int = NEVER_MS


class EmailProcessor(Processor):
    """Keeps sendings by visitor, customer or recipient.

    Args:
        window_ms: for how long after it what follows belongs to a sending.
        lateness_ms: how late events may be.
    """

    name: ClassVar[str] = "email"
    state_type: ClassVar[type] = EmailState
    keyed_by: ClassVar[frozenset[str]] = frozenset({"visitor_id", "customer_id", "recipient_id"})
    holds: ClassVar[frozenset[str]] = frozenset({"recipient_id"})
    types: ClassVar[tuple[str, ...]] = (
        "email_sent",
        "email_delivered",
        "email_opened",
        "email_clicked",
        "purchase",
    )

    def __init__(self, *, window_ms: int, lateness_ms: int) -> None:
        self.lateness_ms = lateness_ms
        self._window_ms = window_ms
        self._dimensions = field_getter(EmailSent, DIMENSIONS)

    def key(self, event: Any) -> str | None:
        """Return the record's key: who it is, as far as the producer knew."""
        key: str | None = event.key
        return key

    def new(self, key: str) -> EmailState:
        """Return a recipient of nothing."""
        return EmailState(key)

    def erased(self, state: EmailState, identity: str) -> EmailState | None:
        """Drop what was sent to a recipient, and what they answered."""
        sends = [send for send in state.sends if send.recipient != identity]
        deliveries = [d for d in state.deliveries if d.recipient != identity]
        responses = [r for r in state.responses if r.recipient != identity]
        before = len(state.sends) + len(state.deliveries) + len(state.responses)
        left = len(sends) + len(deliveries) + len(responses)
        if left == before:
            return state
        return EmailState(state.key, sends, deliveries, responses, state.due_ms) if left else None

    def take(self, state: EmailState, event: Any, offset: int, emit: Emit) -> None:
        """Add the event; emit the figures that it makes, moves or takes back."""
        kind = event.__class__
        claimed = state.sends or state.deliveries or kind in (EmailSent, EmailDelivered)
        before = self._figures(state) if claimed else []
        if kind is EmailSent:
            sent = Send(event.ts, offset, event.recipient_id, self._dimensions(event))
            insort(state.sends, sent, key=at)
        else:
            dimensions = () if kind is Purchase else self._dimensions(event)
            heard = Response(event.ts, offset, _KINDS[kind], event.recipient_id, dimensions)
            insort(state.deliveries if kind is EmailDelivered else state.responses, heard, key=at)
        if claimed:
            emit_difference(before, self._figures(state), emit)
        state.due_ms = min(state.due_ms, event.ts + 1 + self.lateness_ms)

    def close(self, state: EmailState, watermark_ms: int, emit: Emit) -> bool:
        """Settle what no late event can change; forget sendings whose window has passed."""
        del emit  # what is settled is only kept in fewer words
        before_ms = watermark_ms - self.lateness_ms
        state.sends = [
            send
            for send in self._answered(
                state.sends,
                [d for d in state.deliveries if d.ts < before_ms],
                [r for r in state.responses if r.ts < before_ms],
            )
            if send.ts + self._window_ms > before_ms
        ]
        state.deliveries = [d for d in state.deliveries if d.ts >= before_ms]
        state.responses = [r for r in state.responses if r.ts >= before_ms]
        times_ms = [r.ts + 1 for r in (*state.deliveries[:1], *state.responses[:1])]
        times_ms += [send.ts + self._window_ms for send in state.sends]
        state.due_ms = min(times_ms) + self.lateness_ms if times_ms else NEVER_MS
        return bool(times_ms)

    def _figures(self, state: EmailState) -> list[facts.SendFact]:
        return [
            _FACTS[kind](send.ts, 1, *send.dimensions)
            for send in self._answered(state.sends, state.deliveries, state.responses)
            if _DELIVERED in send.heard
            for kind in send.heard
        ]

    def _answered(
        self, sends: list[Send], deliveries: list[Response], responses: list[Response]
    ) -> list[Send]:
        """Return all sendings, those that only their delivery tells of included, with answers."""
        found = [msgspec.structs.replace(send, heard=[*send.heard]) for send in sends]
        reported = [send for send in found if not send.own]
        for delivery in deliveries:
            send = self._latest(reported, delivery)
            if send is None:
                who, dimensions = delivery.recipient, delivery.dimensions
                send = Send(delivery.ts, delivery.offset, who, dimensions, own=True)
                found.append(send)
            _hear(send, _DELIVERED)
        found.sort(key=at)
        for response in responses:
            send = self._latest(found, response)
            if send is not None:
                _hear(send, response.kind)
        return found

    def _latest(self, sends: Sequence[Send], response: Response) -> Send | None:
        matching = (
            send
            for send in sends
            if at(send) <= at(response) < (send.ts + self._window_ms, -1)
            and _matches(send, response)
        )
        return max(matching, key=at, default=None)


def _matches(send: Send, response: Response) -> bool:
    if response.kind == _PURCHASED:
        return True
    if send.recipient != response.recipient:
        return False
    campaign = response.dimensions[0]
    any_campaign = not campaign and response.kind != _DELIVERED
    return any_campaign or (campaign or None) == (send.dimensions[0] or None)


def _hear(send: Send, kind: int) -> None:
    if kind not in send.heard:
        send.heard.append(kind)
