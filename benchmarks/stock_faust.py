"""A stock Faust agent over the same topic: what the product's batched transport is for.

Run by compare.py as ``python stock_faust.py BROKER TOPIC GROUP RECORDS``; decodes every record and
counts it by campaign in a dict, nothing else; answers with JSON and ends after RECORDS.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from typing import Any

import faust
import msgspec


class Click(msgspec.Struct):
    """As much of an event as is counted."""

    campaign: str = ""


def create_app(broker: str, topic: str, group: str, records: int) -> faust.App:
    """Return an app that ends its process after so many records."""
    app = faust.App(
        group,
        broker=f"kafka://{broker}",
        store="memory://",
        broker_rebalance_timeout=4.0,
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
    )
    decode = msgspec.json.Decoder(Click).decode
    counts: Counter[str] = Counter()
    begun: list[tuple[float, float]] = []

    @app.agent(app.topic(topic, value_serializer="raw"))  # type: ignore[untyped-decorator]
    async def count(stream: Any) -> None:
        seen = 0
        async for value in stream:
            if not begun:
                begun.append((time.perf_counter(), time.process_time()))
            counts[decode(value).campaign] += 1
            seen += 1
            if seen == records:
                seconds = time.perf_counter() - begun[0][0]
                cpu_s = time.process_time() - begun[0][1]
                print(json.dumps({"records": records, "seconds": seconds, "cpu_s": cpu_s}))
                sys.stdout.flush()
                os._exit(0)  # leaving a group properly is not what is measured

    return app


if __name__ == "__main__":
    broker, topic, group, records = sys.argv[1:]
    app = create_app(broker, topic, group, int(records))
    faust.Worker(app, loglevel="error", redirect_stdouts=False).execute_from_commandline()
