"""Retrying dead letters: each record counts once, however often it is retried and by how many.

::

    fix -> judge -> note the place (Redis, first one wins) -> publish -> the worker's ledger

What makes it exact is the worker (processors/retries.py): the source is in its ledger from the
very checkpoint that counts the record. So a crash between any two steps is mended by doing it all
again; what was published before is dropped when the worker reads it a second time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from processors.control import Retry, encode_control
from processors.errors import CheckFailedError
from processors.event import Event
from processors.names import LIVE_NAMESPACE
from streams.dead_letters import intents
from streams.producer.envelope import Addresser
from streams.producer.gate import Gate
from streams.producer.partition import Partitioner
from streams.producer.prepare import now_ms
from streams.replay.arrival import wait_for
from streams.replay.publish import Publisher
from streams.tables.base import PartitionId
from streams.tables.connection import connected
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from redis.asyncio import Redis

    from processors.decode import Validity
    from streams.dead_letters.fix import Fix
    from streams.dead_letters.letter import Letter
    from streams.settings import Settings

ALREADY = "counted before"
COUNTED = "counted"
DUPLICATE = "duplicate"
AGAIN = "rejected again"
PENDING = "published, not read yet"
READY = "ready"
ELSEWHERE = "retried elsewhere"
INVALID = "still invalid"
KEPT_BACK = "cannot be retried"
NOWHERE = PartitionId("", 0)
DONE = frozenset({ALREADY, COUNTED, DUPLICATE, READY})


@dataclass
class Attempt:
    """One record's retry.

    Attributes:
        outcome: what has become of it.
        detail: why, where it did not count.
        value: the control record; empty where there is none to publish.
        place, key: where it goes.
    """

    letter: Letter
    outcome: str
    detail: str = ""
    value: bytes = b""
    place: PartitionId = NOWHERE
    key: bytes = b""


class Planner:
    """Fixes and judges records, and finds out where the valid ones go.

    Args:
        fix: what to change in each.
        validity: the worker's bounds.
        partitions: logical topic -> number of partitions.
    """

    def __init__(self, fix: Fix, validity: Validity, partitions: Callable[[str], int]) -> None:
        self._fix, self._partitions = fix, partitions
        self._gate, self._addresser = Gate(validity), Addresser(LIVE_NAMESPACE)
        self._partitioner = Partitioner()

    def attempt(self, letter: Letter) -> Attempt:
        """Return the attempt as far as it goes without any service."""
        if letter.record is None:
            return Attempt(letter, KEPT_BACK, letter.obstacle)
        record = self._fix.apply(letter.record)
        value = record.encode("utf-8", "surrogatepass")
        judged = self._gate.judge(value, now_ms())
        if not isinstance(judged, Event):
            reason, field, detail = judged
            return Attempt(letter, INVALID, f"{reason} {field}".rstrip() + f": {detail}")
        topic, key, *_ = msgspec.structs.astuple(self._addresser.address(judged, value, 0))
        place = PartitionId(topic, self._partitioner.partition(key, self._partitions(topic)))
        control = encode_control(Retry(letter.source, record))
        return Attempt(letter, READY, value=control, place=place, key=key)


async def retry(
    settings: Settings,
    letters: Sequence[Letter],
    fix: Fix,
    validity: Validity,
    *,
    dry_run: bool,
    wait_ms: int,
) -> list[Attempt]:
    """Retry records and wait until the workers have read them.

    Args:
        settings: broker, Redis and namespace.
        letters: one a record.
        fix: what to change in each.
        validity: the worker's bounds.
        dry_run: only tell what would happen.
        wait_ms: how long the workers may stand still; 0 does not wait.

    Raises:
        UnreachableError: the broker or Redis is away or refused.
    """
    async with connected(settings.redis_url) as client:
        with Publisher(settings) as publisher:
            planner = Planner(fix, validity, publisher.partitions)
            attempts = [planner.attempt(letter) for letter in letters]
            await _leave_out_counted(client, settings.namespace, attempts)
            if not dry_run:
                await _publish(client, settings, attempts, publisher, wait_ms)
    return attempts


async def _leave_out_counted(client: Redis, namespace: str, attempts: Sequence[Attempt]) -> None:
    ledger = await intents.counted(client, namespace, [one.letter.source for one in attempts])
    for one in attempts:
        if one.letter.source in ledger:
            one.outcome, one.detail = ALREADY, ledger[one.letter.source]


async def _publish(
    client: Redis,
    settings: Settings,
    attempts: Sequence[Attempt],
    publisher: Publisher,
    wait_ms: int,
) -> None:
    ready = [one for one in attempts if one.outcome == READY]
    wanted = {one.letter.source: one.place for one in ready}
    noted = await intents.claim_places(client, settings.namespace, wanted) if wanted else {}
    sent = []
    for one in ready:
        place = noted[one.letter.source]
        if place != one.place:
            one.outcome = ELSEWHERE
            one.detail = (
                f"it was retried into {place.topic}/{place.partition} before: with this fix it "
                f"would go to {one.place.topic}/{one.place.partition}, and could count twice"
            )
            continue
        publisher.send(place.topic, one.key, one.value, partition=place.partition)
        one.outcome = PENDING
        sent.append(one)
    delivered = publisher.flush()
    if sent and wait_ms:
        reader = RedisReader(client, settings.namespace)
        try:
            await wait_for(
                reader,
                delivered.next_offsets,
                check=lambda: None,
                report=lambda _: None,
                stall_timeout_ms=wait_ms,
            )
        except CheckFailedError as error:
            for one in sent:
                one.detail = str(error)
        await _settle(client, settings.namespace, sent)


async def _settle(client: Redis, namespace: str, sent: Sequence[Attempt]) -> None:
    ledger = await intents.counted(client, namespace, [one.letter.source for one in sent])
    for one in sent:
        entry = ledger.get(one.letter.source)
        if entry is not None:
            one.outcome, one.detail = entry.split()[0], ""
        elif not one.detail:
            one.outcome = AGAIN
            one.detail = "the worker judges it otherwise than this installation: are both the same?"


def summary(attempts: Iterable[Attempt]) -> Counter[str]:
    """Return outcome -> number of records."""
    return Counter(one.outcome for one in attempts)
