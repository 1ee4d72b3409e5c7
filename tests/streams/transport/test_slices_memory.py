"""Fetched bytes go as soon as they are read."""

from __future__ import annotations

import gc
import weakref

from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from streams.transport.slices import _read

HERE = TopicPartition("t", 0)


def _fetched() -> PartitionRecords:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0,
        producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20,
    )  # fmt: skip
    for offset in range(10):
        builder.append(offset, offset, b"key", b"value", [])
    records = MemoryRecords(bytes(builder.build()))
    return PartitionRecords(HERE, records, [], 0, None, None, True, READ_COMMITTED)


def test_fetched_bytes_are_freed_without_a_collection() -> None:
    """Reading leaves no cycle behind: the worker's collector hardly ever runs in full."""
    source = _fetched()
    gone = weakref.ref(source)
    gc.disable()
    try:
        assert len(_read(source, HERE)) == 10
        del source
        assert gone() is None
    finally:
        gc.enable()
