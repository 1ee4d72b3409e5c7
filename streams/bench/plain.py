"""The yardstick: a process that fetches the same log with plain aiokafka and does nothing else.

Run as ``python -m streams.bench.plain`` with the log's description as JSON on standard input;
answers with JSON on standard output.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

# The worker's own fetch size and number of records a turn, so that only its work differs.
MAX_RECORDS: Final = 20_000


async def consume(
    broker: str, ends: list[tuple[str, int, int]], fetch_bytes: int
) -> dict[str, Any]:
    """Read every partition from its start to its end by ``getmany``.

    Args:
        broker: bootstrap servers.
        ends: (physical topic, partition, one past the last offset).
        fetch_bytes: of one partition at a time.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=broker.split(","),
        enable_auto_commit=False,
        max_partition_fetch_bytes=fetch_bytes,
    )
    await consumer.start()
    try:
        left = {TopicPartition(topic, partition): end for topic, partition, end in ends}
        consumer.assign(list(left))
        await consumer.seek_to_beginning(*left)
        records, started, cpu_started = 0, 0.0, 0.0
        ended = cpu_ended = 0.0
        while left:
            for place, fetched in (
                await consumer.getmany(timeout_ms=1000, max_records=MAX_RECORDS)
            ).items():
                if not started:
                    # From the first records on: connecting is not what is compared.
                    started, cpu_started = time.perf_counter(), time.process_time()
                else:
                    records += len(fetched)
                if fetched[-1].offset + 1 >= left.get(place, 0):
                    left.pop(place, None)
            ended, cpu_ended = time.perf_counter(), time.process_time()
        return {
            "records": records,
            "seconds": ended - started,
            "cpu_s": cpu_ended - cpu_started,
        }
    finally:
        await consumer.stop()


def main() -> None:
    """Read the description, consume, answer."""
    order = json.load(sys.stdin)
    ends = [(str(t), int(p), int(e)) for t, p, e in order["ends"]]
    answer = asyncio.run(consume(order["broker"], ends, int(order["fetch_bytes"])))
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
