"""A worker on a real broker: nothing lost, nothing doubled, whatever is away or goes wrong."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition

from processors.errors import KpiError
from processors.names import ADS, DEAD_LETTER, physical_topic
from streams.worker.vitals import State
from tests.streams.worker.conftest import Site, until

if TYPE_CHECKING:
    from streams.worker.app import WorkerApp
    from streams.worker.partition import PartitionRunner

pytestmark = [pytest.mark.servers, pytest.mark.brokers]


def runner(app: WorkerApp, site: Site, partition: int = 0) -> PartitionRunner:
    """Return a partition's runner."""
    found = app.wired.owner.runner(site.topic, partition)
    assert found is not None
    return found


def read_topic(site: Site, topic: str) -> list[Any]:
    """Read a topic of the namespace from its start to its end."""
    name = physical_topic(topic, site.settings.namespace)
    consumer = KafkaConsumer(bootstrap_servers=site.settings.broker, auto_offset_reset="earliest")
    parts = [TopicPartition(name, p) for p in range(4)]
    consumer.assign(parts)
    consumer.seek_to_beginning(*parts)
    ends = consumer.end_offsets(parts)
    found: list[Any] = []
    while any(consumer.position(p) < end for p, end in ends.items()):
        for records in consumer.poll(timeout_ms=200).values():
            found += records
    consumer.close()
    return found


def committed(site: Site) -> list[int | None]:
    """Return the offsets that the group committed to Kafka."""
    consumer = KafkaConsumer(
        bootstrap_servers=site.settings.broker, group_id=site.settings.group_id
    )
    offsets = [consumer.committed(TopicPartition(site.topic, p)) for p in range(4)]
    consumer.close()
    return offsets


def test_every_record_is_counted_once_before_and_after_a_restart(site: Site) -> None:
    """A worker that is stopped hands over a checkpoint; the next one goes on from there."""

    async def body() -> None:
        site.send(10_000)
        async with site.worker():
            await until(lambda: site.exact, "first records counted")
            site.send(1_000)
        site.send(1_000)
        async with site.worker():
            await until(lambda: site.exact, "later records counted")
        assert [e is not None for e in site.store.read(ADS, 0).claims] == [False, True]
        assert committed(site) == [3_000, 3_000, 3_000, 3_000]

    asyncio.run(body())


def test_what_is_passed_on_tells_the_id_of_the_topic_that_was_claimed(site: Site) -> None:
    """The id that the tables were claimed with, where the broker tells one."""

    async def body() -> None:
        site.send(100)
        async with site.worker() as app:
            await until(lambda: site.exact, "counted")
            one = runner(app, site)
            assert one.counted is not None
            assert one._tools.passing.topic_id == one.counted.topic_id

    asyncio.run(body())


def test_store_that_is_away_holds_partitions_back(site: Site) -> None:
    """While tables are away nothing is lost and nothing is doubled, and health says why."""

    async def body() -> None:
        async with site.worker() as app:
            site.send(100)
            await until(lambda: site.exact, "first records counted")
            site.store.down = True
            site.send(5_000)
            held = runner(app, site).patience
            await until(lambda: held.held_since is not None, "held back")
            assert "the store is away" in held.reason
            site.store.down = False
            await until(lambda: site.exact, "held records counted")
            assert held.held_since is None

    asyncio.run(body())


def test_commit_whose_answer_is_lost_is_not_applied_twice(site: Site) -> None:
    """A repeated checkpoint that was applied already changes nothing."""

    async def body() -> None:
        async with site.worker():
            site.store.lose_answers = 20
            for _ in range(5):
                site.send(400)
                await until(lambda: site.exact, "counted once")

    asyncio.run(body())


def test_fenced_worker_forgets_and_claims_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zombie's late claim takes a partition away only until the true owner claims it back."""
    monkeypatch.setattr("streams.worker.partition.FENCED_WAIT_S", 0.2)

    async def body() -> None:
        async with site.worker() as app:
            site.send(1_000)
            await until(lambda: site.exact, "first records counted")
            table = site.backend.make_table(ADS, 0)
            zombie = await table.claim(topic_id="", partitions=4, log_start=0, log_end=10**9)
            site.send(1_000)
            await until(lambda: site.exact, "counted in spite of the zombie")
            assert runner(app, site).vitals.epoch > zombie.epoch

    asyncio.run(body())


def test_store_that_went_back_is_caught_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that lost their newest writes are read up again from their own offset."""
    monkeypatch.setattr("streams.worker.partition.FENCED_WAIT_S", 0.2)

    async def body() -> None:
        async with site.worker():
            site.send(1_000)
            await until(lambda: site.exact, "first records counted")
            copies = {p: json.dumps(site.store.read(ADS, p).__dict__) for p in range(4)}
            site.send(1_000)
            await until(lambda: site.exact, "all records counted")
            for partition, copy in copies.items():
                site.store.read(ADS, partition).__dict__.update(json.loads(copy))
            assert not site.exact
            site.send(1_000)
            await until(lambda: site.exact, "caught up")

    asyncio.run(body())


def test_stopped_partition_leaves_others_going(site: Site) -> None:
    """A partition that needs a person stops with a reason; the others go on."""

    async def body() -> None:
        site.send(400)
        site.store.read(ADS, 0).offset = 10**6  # BAD! past the log's end
        async with site.worker() as app:
            await until(lambda: site.store.read(ADS, 3).counters.get("count") == 100, "3 counted")
            stopped = runner(app, site).vitals
            assert stopped.state is State.STOPPED
            assert "is not in the log" in stopped.reason
            assert site.store.read(ADS, 0).counters == {}

    asyncio.run(body())


def test_faulty_record_ends_the_process_after_some_attempts(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of the pipeline is tried again, then ends the process; its record is not logged."""
    monkeypatch.setattr("streams.worker.partition.FAILURES_MAX", 1)

    async def body() -> None:
        site.send(400)
        site.send_raw(b"boom")
        async with site.worker() as app:
            await until(lambda: app.failure is not None, "given up")
            assert isinstance(app.failure, KpiError)
            assert app.failure.exit_code == 1
        assert "RuntimeError at offset" in caplog.text
        assert f"{site.topic}[0]" in caplog.text
        assert "boom" not in caplog.text

    asyncio.run(body())


def test_record_that_no_broker_takes_stops_its_partition_and_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Waiting would not make it shorter: a person has to decide, and other partitions go on."""

    async def refuse(*_: Any, **__: Any) -> None:
        raise ProducerSendError("Error while sending") from MessageSizeTooLargeError()

    async def body() -> None:
        site.send_raw(b"a dead letter")
        async with site.worker() as app:
            monkeypatch.setattr(app.producer, "send_and_wait", refuse)
            vitals = runner(app, site).vitals
            await until(lambda: vitals.state is State.STOPPED, "stopped")
            assert "is too large" in vitals.reason
            site.send(400)
            await until(lambda: site.store.read(ADS, 3).counters.get("count") == 100, "3 counted")
        assert "nothing is lost" not in caplog.text

    asyncio.run(body())


def test_dead_letters_precede_the_checkpoint_that_passes_them(site: Site) -> None:
    """What was rejected is in the dead-letter topic with its reason and place, and counted."""

    async def body() -> None:
        async with site.worker():
            site.send_raw(b"\xff\x00", partition=2, key=b"who")
            site.send_raw(b"x" * 100_000, partition=2)
            site.send_raw(None, partition=2, key=b"gone")
            await until(lambda: site.store.total(ADS, "rejected", 4) == 3, "rejected")
        letters = [(r.key, json.loads(r.value)) for r in read_topic(site, DEAD_LETTER)]
        by_offset = {letter["offset"]: (key, letter) for key, letter in letters}
        assert len(letters) == 3
        key, first = by_offset[0]
        assert key == b"who"
        assert (first["reason"], first["topic"], first["partition"]) == ("invalid_json", ADS, 2)
        assert first["original_base64"] == "/wA="
        assert first["timestamp_ms"] > 0
        _, second = by_offset[1]
        assert second["truncated"]
        assert second["original_bytes"] == 100_000
        assert len(second["original"]) == 65_536
        assert by_offset[2][1]["original"] is None

    asyncio.run(body())


def test_idle_partitions_get_ticks_and_only_when_read_to_their_end(site: Site) -> None:
    """A silent partition's log carries the clock; every tick is in its own partition."""

    async def body() -> None:
        site.change(tick_interval_ms=300)
        async with site.worker():
            await until(
                lambda: all(site.store.read(ADS, p).max_ts_ms for p in range(4)),
                "every partition has a watermark",
            )
        ticks = [(r.partition, json.loads(r.value), r.timestamp) for r in read_topic(site, ADS)]
        assert {partition for partition, _, _ in ticks} == {0, 1, 2, 3}
        for partition, tick, timestamp_ms in ticks:
            assert tick["type"] == "_tick"
            assert tick["event_id"].startswith(f"tick-{partition}-")
            assert tick["ts"] == timestamp_ms

    asyncio.run(body())


def test_gap_in_delivery_is_fetched_again(site: Site) -> None:
    """A chunk that went missing between fetch and runner is noticed and delivered again."""

    async def body() -> None:
        async with site.worker() as app:
            site.send(400)
            await until(lambda: site.exact, "first records counted")
            owner, lost = app.wired.owner, []
            deliver = owner.deliver

            def lossy(chunk: Any) -> None:
                if len(lost) < 4:
                    lost.append(chunk)
                else:
                    deliver(chunk)

            owner.deliver = lossy  # type: ignore[method-assign]
            site.send(400)
            await until(lambda: len(lost) == 4, "chunks lost")
            site.send(400)
            await until(lambda: site.exact, "lost chunks counted")

    asyncio.run(body())


def test_position_that_the_log_does_not_hold_is_claimed_anew(site: Site) -> None:
    """A broker that has no such offset is asked for its bounds again; nothing is skipped."""

    async def body() -> None:
        async with site.worker() as app:
            site.send(400)
            await until(lambda: site.exact, "first records counted")
            epoch = runner(app, site).vitals.epoch
            app.consumer.on_out_of_range(TopicPartition(site.topic, 0))
            site.send(400)
            await until(lambda: site.exact, "all records counted")
            assert runner(app, site).vitals.epoch > epoch

    asyncio.run(body())


def test_log_trimmed_past_the_position_stops_the_partition(site: Site, broker_kind: str) -> None:
    """What retention took before it was counted is never skipped in silence."""
    if broker_kind == "embedded":
        pytest.skip("the embedded broker cannot trim a log")

    async def body() -> None:
        async with site.worker() as app:
            site.send(400)
            await until(lambda: site.exact, "first records counted")
            site.store.down = True
            gate = runner(app, site)._gate
            assert gate is not None
            await app.consumer.shut(site.topic, 0)
            site.send(400)
            admin = KafkaAdminClient(bootstrap_servers=site.settings.broker)
            admin.delete_records({TopicPartition(site.topic, 0): 150})
            admin.close()
            site.store.down = False
            runner(app, site).reopen()
            vitals = runner(app, site).vitals
            await until(lambda: vitals.state is State.STOPPED, "stopped")
            assert "is not in the log" in vitals.reason
            await until(lambda: site.store.read(ADS, 1).offset == 200, "others go on")

    asyncio.run(body())
