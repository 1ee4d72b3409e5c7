"""Fetched bytes become the records that aiokafka's own iteration would give."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from streams.transport.slices import take_chunk

if TYPE_CHECKING:
    from collections.abc import Sequence

TP = TopicPartition("t", 3)
START_MS = 1_700_000_000_000


def batch(
    base: int,
    values: Sequence[bytes | None],
    *,
    deltas: Sequence[int] | None = None,
    producer: int = -1,
    transactional: bool = False,
    codec: int = 0,
) -> bytearray:
    """Encode a batch; ``deltas`` leaves gaps as compaction does."""
    builder = DefaultRecordBatchBuilder(
        2, codec, int(transactional), producer, 0 if producer >= 0 else -1, 0, 1 << 30
    )
    for index, value in enumerate(values):
        delta = index if deltas is None else deltas[index]
        key = None if value is None else b"k" + value
        builder.append(delta, timestamp=START_MS + delta, key=key, value=value, headers=[])
    encoded = bytearray(builder.build())
    encoded[:8] = base.to_bytes(8, "big")
    return encoded


def control(base: int, producer: int, marker: int) -> bytearray:
    """Encode a control batch: marker 0 aborts, 1 commits."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer, 0, 0, 1 << 20)
    key = (0).to_bytes(2, "big") + marker.to_bytes(2, "big")
    builder.append(0, timestamp=START_MS, key=key, value=b"\0" * 6, headers=[])
    encoded = bytearray(builder.build())
    encoded[:8] = base.to_bytes(8, "big")
    encoded[22] |= 0x20  # the attribute's control bit; the checksum is not checked here
    return encoded


def fetched(
    encoded: bytes,
    position: int,
    *,
    aborted: Sequence[tuple[int, int]] = (),
    check_crcs: bool = False,
) -> tuple[FetchResult, Any]:
    """Make what the fetcher makes of a response, and the partition's state."""
    assignment = Assignment([TP])
    state = assignment.state_value(TP)
    state.seek(position)
    state.highwater = 1_000
    records = PartitionRecords(
        TP, MemoryRecords(encoded), list(aborted), position, None, None, check_crcs, READ_COMMITTED
    )
    result = FetchResult(TP, assignment=assignment, partition_records=records, backoff=0)
    return result, state


@pytest.fixture(autouse=True)
def loop() -> Any:
    """Aiokafka's states are made inside a loop."""
    runner = asyncio.Runner()
    asyncio.set_event_loop(runner.get_loop())
    with runner:
        yield runner


def run(loop: asyncio.Runner, body: Any) -> Any:
    """Call a function inside the loop."""

    async def inside() -> Any:
        return body()

    return loop.run(inside())


@pytest.mark.parametrize("codec", [0, 1])
def test_chunk_holds_every_record_and_leads_on(loop: asyncio.Runner, codec: int) -> None:
    """Batches of a slice become one chunk whose next position follows the last record."""

    def body() -> None:
        encoded = bytes(batch(10, [b"a", b"b"], codec=codec) + batch(12, [b"c", None], codec=codec))
        result, state = fetched(encoded, 10, check_crcs=False)
        chunk = take_chunk(result)
        assert chunk is not None
        assert [(r[0], r[2], r[3]) for r in chunk.records] == [
            (10, b"ka", b"a"),
            (11, b"kb", b"b"),
            (12, b"kc", b"c"),
            (13, None, None),
        ]
        assert chunk.records[1][1] == START_MS + 1
        assert (chunk.topic, chunk.partition, chunk.high_water) == ("t", 3, 1_000)
        assert (chunk.position, chunk.next_position, state.position) == (10, 14, 14)

    run(loop, body)


def test_fetch_from_inside_a_batch_drops_what_was_before(loop: asyncio.Runner) -> None:
    """A broker returns whole batches: records before the position are not delivered again."""

    def body() -> None:
        result, _ = fetched(bytes(batch(10, [b"a", b"b", b"c"])), 12)
        chunk = take_chunk(result)
        assert chunk is not None
        assert [r[0] for r in chunk.records] == [12]
        assert (chunk.position, chunk.next_position) == (12, 13)

    run(loop, body)


def test_control_batch_moves_the_position_without_a_record(loop: asyncio.Runner) -> None:
    """Markers of transactions take offsets: an empty chunk leads past them."""

    def body() -> None:
        result, state = fetched(bytes(control(10, 7, 1)), 10)
        chunk = take_chunk(result)
        assert chunk is not None
        assert chunk.records == []
        assert (chunk.position, chunk.next_position, state.position) == (10, 11, 11)

    run(loop, body)


def test_aborted_transaction_is_skipped_and_a_committed_one_is_not(loop: asyncio.Runner) -> None:
    """Events of an aborted transaction never were; the producer's next ones are."""

    def body() -> None:
        encoded = bytes(
            batch(10, [b"gone"], producer=7, transactional=True)
            + batch(11, [b"other"])
            + control(12, 7, 0)
            + batch(13, [b"kept"], producer=7, transactional=True)
            + control(14, 7, 1)
        )
        result, _ = fetched(encoded, 10, aborted=[(7, 10)])
        chunk = take_chunk(result)
        assert chunk is not None
        assert [r[3] for r in chunk.records] == [b"other", b"kept"]
        assert chunk.next_position == 15

    run(loop, body)


def test_compacted_batch_leads_past_its_missing_end(loop: asyncio.Runner) -> None:
    """A batch whose last record was compacted away still tells its end."""

    def body() -> None:
        encoded = batch(10, [b"a", b"b"], deltas=[0, 4])
        encoded[23:27] = (9).to_bytes(4, "big")  # the last offset's delta
        result, _ = fetched(bytes(encoded), 10)
        chunk = take_chunk(result)
        assert chunk is not None
        assert [r[0] for r in chunk.records] == [10, 14]
        assert chunk.next_position == 20

    run(loop, body)


def test_wrong_checksum_raises_and_stays(loop: asyncio.Runner) -> None:
    """Damaged bytes are an error, never records, and are fetched again."""

    def body() -> None:
        encoded = batch(10, [b"a", b"b"])
        encoded[-2] ^= 0xFF
        result, state = fetched(bytes(encoded), 10, check_crcs=True)
        with pytest.raises(CorruptRecordException, match="checksum"):
            take_chunk(result)
        assert state.position == 10

    run(loop, body)


def test_slice_from_before_a_seek_is_dropped(loop: asyncio.Runner) -> None:
    """What was fetched for another position is not delivered."""

    def body() -> None:
        result, state = fetched(bytes(batch(10, [b"a"])), 10)
        state.seek(5)
        assert take_chunk(result) is None

    run(loop, body)
