"""Laws of the asyncio producer, on a real broker, with a cable that is really cut."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from kafka.partitioner.default import murmur2

from processors.errors import SettingsError, UnreachableError
from processors.event import STRUCT_BY_TYPE, record_key
from streams.producer.aio import AsyncEventProducer
from streams.producer.errors import BufferFullError, DeliveryError, InvalidEventError
from tests.streams.producer.test_gate import minimal
from tests.streams.producer.test_sync_producer import numbers
from tests.support.kafka_log import PARTITIONS, events, records

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from streams.embedded.servers import Addresses
    from tests.support.cable import Cable

pytestmark = pytest.mark.servers
DEADLINE_S = 60
AWAY_AFTER_MS = 1_000
PATIENT_MS = 30_000


def hasty(address: str, namespace: str, **options: Any) -> AsyncEventProducer:
    """Return a producer that notices soon that Kafka is away."""
    return producer(address, namespace, away_after_ms=AWAY_AFTER_MS, **options)


def producer(address: str, namespace: str, **options: Any) -> AsyncEventProducer:
    """Return a producer that a slow machine does not make believe that Kafka is away."""
    return AsyncEventProducer(
        address, namespace=namespace, **({"away_after_ms": PATIENT_MS} | options)
    )


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not await holds():  # noqa: ASYNC110  # Kafka has no event for it
            await asyncio.sleep(0.02)


def test_every_type_arrives_in_its_topic_under_its_key(servers: Addresses, namespace: str) -> None:
    """Topic, key, partition, timestamp order and receipt are those of the blocking producer."""

    async def run() -> dict[str, Any]:
        async with producer(servers.broker, namespace) as out:
            return {
                event_type: await out.publish(
                    minimal(event_type) | {"event_id": event_type, "ts": None}
                )
                for event_type in STRUCT_BY_TYPE
            }

    receipts = asyncio.run(run())
    found = {json.loads(r.value)["event_id"]: r for r in records(servers.broker, namespace)}
    assert found.keys() == STRUCT_BY_TYPE.keys()
    for event_type, record in found.items():
        assert receipts[event_type][:3] == (record.topic, record.partition, record.offset)
        assert record.topic == f"{namespace}.{STRUCT_BY_TYPE[event_type].topic}"
        assert record.key == str(record_key(json.loads(record.value))).encode()
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % PARTITIONS
        assert record.timestamp == json.loads(record.value)["ts"]


def test_many_at_once_arrive_in_order(servers: Addresses, namespace: str) -> None:
    """Submitted without waiting, through a small buffer, every event arrives once, in order."""

    async def run() -> list[Any]:
        async with producer(servers.broker, namespace, buffer_bytes_max=50_000) as out:
            promises = [
                await out.submit({"type": "page_view", "visitor_id": f"v{n % 7}", "number": n})
                for n in range(5_000)
            ]
            return await asyncio.gather(*promises)

    receipts = asyncio.run(run())
    found = events(servers.broker, namespace)
    assert len(found) == len(set(receipts)) == 5_000
    for index in range(7):
        assert numbers(found, f"v{index}") == list(range(index, 5_000, 7))


def test_invalid_events_are_raised_and_never_sent(servers: Addresses, namespace: str) -> None:
    """A mistake is an exception where it was made."""

    async def run() -> None:
        async with producer(servers.broker, namespace) as out:
            with pytest.raises(InvalidEventError, match="missing_field: order_id"):
                await out.publish({"type": "purchase", "visitor_id": "v"})

    asyncio.run(run())
    assert events(servers.broker, namespace) == []


def test_spool_takes_over_and_gives_back_in_order(
    cabled: tuple[Cable, str], cabled_namespace: str, tmp_path: Path
) -> None:
    """While Kafka is away publishing goes on; the spool arrives before what comes after."""
    cable, address = cabled

    async def run() -> None:
        out = hasty(address, cabled_namespace, when_away="spool", spool_dir=tmp_path)
        async with out:
            for number in range(100):
                await out.submit({"type": "page_view", "visitor_id": "v", "number": number})
            cable.cut()
            promises = [
                await out.submit({"type": "page_view", "visitor_id": "v", "number": number})
                for number in range(100, 300)
            ]
            assert all(receipt.spooled for receipt in await asyncio.gather(*promises))
            async with asyncio.timeout(0.9):  # at once: nothing waits for Kafka any more
                assert (await out.page_view(visitor_id="v", number=300)).spooled
            cable.mend()

            async def back() -> bool:
                return not (await out.page_view(visitor_id="v", number=301)).spooled

            await until(back)

    asyncio.run(run())
    assert numbers(events(address, cabled_namespace), "v") == list(range(302))


def test_spool_outlives_the_process(
    cabled: tuple[Cable, str], cabled_namespace: str, tmp_path: Path
) -> None:
    """It starts without Kafka; what one could not send, the next one sends first."""
    cable, address = cabled

    async def first() -> None:
        out = hasty(address, cabled_namespace, when_away="spool", spool_dir=tmp_path)
        async with out:
            for number in range(50):
                assert (await out.page_view(visitor_id="v", number=number)).spooled

    async def second() -> None:
        out = hasty(address, cabled_namespace, when_away="spool", spool_dir=tmp_path)
        async with out:
            await out.page_view(visitor_id="v", number=50)

            async def back() -> bool:
                return not (await out.page_view(visitor_id="v", number=51)).spooled

            await until(back)

    cable.cut()
    try:
        asyncio.run(first())
    finally:
        cable.mend()
    asyncio.run(second())
    assert numbers(events(address, cabled_namespace), "v") == list(range(52))


def test_closing_spools_what_is_unconfirmed(
    cabled: tuple[Cable, str], cabled_namespace: str, tmp_path: Path
) -> None:
    """A close while Kafka is away loses nothing and does not wait for ever."""
    cable, address = cabled

    async def run() -> Any:
        out = hasty(address, cabled_namespace, when_away="spool", spool_dir=tmp_path)
        await out.start()
        cable.cut()
        promise = await out.submit({"type": "page_view", "visitor_id": "v"})
        async with asyncio.timeout(DEADLINE_S):
            await out.close(timeout_s=0.1)
        return await promise

    try:
        assert asyncio.run(run()).spooled
    finally:
        cable.mend()


def test_raise_names_the_event(cabled: tuple[Cable, str], cabled_namespace: str) -> None:
    """Events on their way fail, new ones are refused by id until Kafka is back."""
    cable, address = cabled

    async def run() -> None:
        async with hasty(address, cabled_namespace, when_away="raise") as out:
            cable.cut()
            try:
                with pytest.raises(DeliveryError, match="event on-its-way was not confirmed"):
                    await out.page_view(visitor_id="v", event_id="on-its-way")
                with pytest.raises(DeliveryError, match="event late was not confirmed"):
                    await out.page_view(visitor_id="v", event_id="late")
            finally:
                cable.mend()

            async def back() -> bool:
                try:
                    await out.page_view(visitor_id="v", event_id="back")
                except DeliveryError:
                    return False
                return True

            await until(back)

    asyncio.run(run())
    assert "back" in {event["event_id"] for event in events(address, cabled_namespace)}


def test_block_waits_and_loses_nothing(cabled: tuple[Cable, str], cabled_namespace: str) -> None:
    """A full buffer holds callers back until Kafka is back; all arrives in order."""
    cable, address = cabled

    async def run() -> None:
        async with hasty(address, cabled_namespace, buffer_bytes_max=2_000) as out:
            await out.page_view(visitor_id="v", number=0)
            cable.cut()
            promises: list[Any] = []

            async def flood() -> None:
                for number in range(1, 100):
                    event = {"type": "page_view", "visitor_id": "v", "number": number}
                    promises.append(await out.submit(event))

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(flood(), 2.5)  # long enough for it to be noticed
            assert 0 < len(promises) < 99
            cable.mend()
            await asyncio.gather(*promises)

    try:
        asyncio.run(run())
    finally:
        cable.cut()
        cable.mend()
    found = numbers(events(address, cabled_namespace), "v")
    assert found == list(range(len(found)))
    assert len(found) > 1


def test_without_kafka_only_a_spool_can_start() -> None:
    """Who has no other place for events hears at the start that Kafka is not there."""
    with pytest.raises(UnreachableError, match="Kafka"):
        asyncio.run(hasty("127.0.0.1:1", "live").start())


def test_a_missing_topic_is_named(servers: Addresses) -> None:
    """Topics are never created by publishing: their partition count must be chosen."""
    with pytest.raises(
        UnreachableError, match=r"no topic nobody\.tracking\.ads.*kpi topics create"
    ):
        asyncio.run(producer(servers.broker, "nobody").start())


def test_closed_producers_take_nothing(servers: Addresses, namespace: str) -> None:
    """An event after the close is refused, not lost."""

    async def run() -> None:
        out = producer(servers.broker, namespace)
        async with out:
            pass
        with pytest.raises(BufferFullError, match="the producer is closed"):
            await out.page_view(visitor_id="v")

    asyncio.run(run())


def test_a_spool_needs_a_directory() -> None:
    """A policy without its means is refused, not ignored."""
    with pytest.raises(SettingsError, match="a spool needs a directory"):
        AsyncEventProducer(when_away="spool")
