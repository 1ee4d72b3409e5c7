"""A request to forget somebody: into every visitors' partition, and the receipts back.

Every partition is asked, because a recipient may stand in the state of any visitor, and because
what partitions have passed on of a customer must be behind them before the customer can go. They
tell the customers' partitions: that of the customer, or all where a visitor is to go, whom any
customer may be linked to.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from processors.control import Forgotten, encode_control
from processors.erasure import RECEIPTS, read_receipt, receipt_id
from processors.names import CUSTOMER, VISITOR
from streams.producer.partition import Partitioner
from streams.replay.publish import Publisher
from streams.tables.base import PartitionId
from streams.tables.connection import connected
from streams.tables.notes import NoteKey, read_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.settings import Settings

_POLL_S: Final = 0.1


@dataclass(frozen=True)
class Request:
    """A request on its way.

    Attributes:
        awaited: the partitions that write a receipt.
    """

    id: str
    awaited: tuple[PartitionId, ...]


@dataclass(frozen=True)
class Answer:
    """What has become of a request.

    Attributes:
        removed: partition -> processor -> states removed; only of partitions that have answered.
        missing: partitions that have not.
    """

    removed: dict[PartitionId, dict[str, int]]
    missing: tuple[PartitionId, ...]

    @property
    def totals(self) -> dict[str, int]:
        """Processor -> states removed, over all partitions."""
        found: dict[str, int] = {}
        for counts in self.removed.values():
            for processor, number in counts.items():
                found[processor] = found.get(processor, 0) + number
        return dict(sorted(found.items()))


def publish(
    settings: Settings,
    *,
    visitor_id: str = "",
    customer_id: str = "",
    recipient_id: str = "",
    customers_kept: bool,
    links_kept: bool,
) -> Request:
    """Ask every visitors' partition to forget identities of one person.

    Args:
        settings: broker and namespace.
        visitor_id: whom, as the site knows them; empty where it is not asked for.
        customer_id: whom, as the shop knows them.
        recipient_id: whom, as the mailing system knows them.
        customers_kept: whether the catalogue's KPIs keep states of customers at all.
        links_kept: whether they keep which visitors customers are, whoever those are.

    Raises:
        UnreachableError: the broker is away or refused.
        UsageError: the namespace has no topics.
    """
    request_id = uuid.uuid4().hex
    with Publisher(settings) as publisher:
        partitions = publisher.partitions(VISITOR)
        value = encode_control(
            Forgotten(request_id, partitions, visitor_id, customer_id, recipient_id)
        )
        for number in range(partitions):
            publisher.send(VISITOR, None, value, partition=number)
        publisher.flush()
        awaited = [PartitionId(VISITOR, number) for number in range(partitions)]
        places = publisher.partitions(CUSTOMER) if customers_kept else 0
        if visitor_id and links_kept:
            awaited += [PartitionId(CUSTOMER, number) for number in range(places)]
        elif customer_id and customers_kept:
            place = Partitioner().partition(customer_id.encode(), places)
            awaited.append(PartitionId(CUSTOMER, place))
    return Request(request_id, tuple(awaited))


async def answer(settings: Settings, request: Request, timeout_s: float) -> Answer:
    """Wait for every receipt, at most so long, and return those that are there.

    Raises:
        UnreachableError: Redis is away or refused.
    """
    keys = [NoteKey(who, RECEIPTS, receipt_id(request.id)) for who in request.awaited]
    deadline = time.monotonic() + timeout_s
    async with connected(settings.redis_url) as client:
        while True:
            notes = await read_notes(client, settings.namespace, keys)
            if len(notes) == len(keys) or time.monotonic() >= deadline:
                return _answer(request.awaited, {k.partition: v for k, v in notes.items()})
            await asyncio.sleep(_POLL_S)


def _answer(awaited: Sequence[PartitionId], notes: dict[PartitionId, bytes]) -> Answer:
    return Answer(
        {who: read_receipt(notes[who]) for who in awaited if who in notes},
        tuple(who for who in awaited if who not in notes),
    )
