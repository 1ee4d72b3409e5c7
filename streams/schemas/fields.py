"""What every field of the events means: written once, for schemas, documents and docstrings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args, get_origin, get_type_hints

import msgspec

from processors import names
from processors.event import AddToCart, CheckoutStarted, Event, Purchase, RemoveFromCart

if TYPE_CHECKING:
    from collections.abc import Iterator

MEANING: Final = {
    "traffic": "bot or test, where no customer caused it: such events are excluded",
    "event_id": "the producer's own id: an event that is sent twice counts once",
    "ts": "when it happened: ms since 1970 UTC, or RFC 3339 with an offset",
    "visitor_id": "the browser or device, as the site knows it",
    "customer_id": "the customer, as the shop knows them",
    "recipient_id": "the recipient, as the mailing system knows them",
    "session_id": "the producer's own session; without it, 30 min of silence end one",
    "source": "where the visit came from: google, newsletter, direct",
    "medium": "how it came: organic, cpc, email, social, referral",
    "campaign": "the marketing campaign",
    "device": "desktop, mobile or tablet",
    "country": "ISO 3166 code of the country",
    "region": "sales region",
    "channel": "online, store, phone",
    "landing_page": "path of the page, without its query",
    "referrer": "host of the page that led here",
    "click_id": "the ad network's id of the click",
    "ad": "the advertisement",
    "placement": "where the advertisement stood",
    "network": "the advertising or social network",
    "cart_id": "the cart; the visitor's only one if absent",
    "product": "the product",
    "category": "the product's category, or the kind of expense",
    "value": "amount of money, or the reading: not negative, below 10^9, at most 6 decimals",
    "currency": "ISO 4217 code of the value's currency",
    "quantity": "number of pieces",
    "order_id": "the order",
    "segment": "the customer's segment",
    "group": "treatment or holdout: on which side of a trial of the campaign",
    "goal": "the goal that was reached",
    "interaction": "like, comment, share, ...",
    "list": "the mailing list",
    "form": "the form that was filled in",
    "ticket_id": "the ticket",
    "priority": "the ticket's priority",
    "team": "the team that answers",
    "agent": "the agent who answers",
    "by": "agent or customer",
    "lead_id": "the lead",
    "owner": "who looks after the lead",
    "direction": "inbound or outbound: who came to whom",
    "status": "accepted, qualified, won or lost",
    "account": "the account that is read",
    "kpi": "id of the KPI that the target is for",
    "keyword": "the search keyword",
}

IDENTITIES: Final = ("visitor_id", "customer_id", "recipient_id")
COMMON: Final = ("event_id", "ts")
WITH_ITEMS: Final = (AddToCart, RemoveFromCart, CheckoutStarted, Purchase)
_APART: Final = frozenset({"micro", "items"})  # computed by the decoder; described on its own


@dataclass(frozen=True)
class Field:
    """A field of an event: ``kind`` is text, amount, count or moment."""

    name: str
    kind: str
    required: bool

    @property
    def meaning(self) -> str:
        """Return the field's description.

        Raises:
            TypeError: nobody has written it yet.
        """
        if self.name not in MEANING:
            raise TypeError(f"field {self.name}: say what it means in {__name__}.MEANING")
        return MEANING[self.name]


def fields_of(struct: type[Event]) -> Iterator[Field]:
    """Yield an event's fields, required ones first, each group in the order of the struct."""
    hints = get_type_hints(struct)
    found = [
        Field(info.name, _kind(hints[info.name], info.name), info.required)
        for info in msgspec.structs.fields(struct)
        if info.name not in _APART
    ]
    return iter(sorted(found, key=lambda field: not field.required))


def needs_identity(struct: type[Event]) -> bool:
    """Whether one of the three identities must be there."""
    return struct.topic == names.VISITOR


def _kind(hint: object, name: str) -> str:
    types = set(get_args(hint)) if get_origin(hint) is not None else {hint}
    types -= {type(None)}
    if types == {int, str}:
        return "moment"
    kinds = {str: "text", msgspec.Raw: "amount", int: "count"}
    (only,) = types
    if only not in kinds:
        raise TypeError(f"field {name}: no schema is known for {only!r}")
    return kinds[only]
