"""Bytewax: a dataflow with fold_window over an event clock, Kafka in and out, recovery on.

Environment: PEER_BROKER, PEER_TOPICS, PEER_OUT.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow

WINDOW_MS = 10_000
BROKERS = [os.environ["PEER_BROKER"]]

# As the guide on windows advises, an item is no more than what is counted.
Item = tuple[datetime, bool]


def _item(message) -> tuple[str, Item]:  # noqa: ANN001  # the connector's
    event = orjson.loads(message.value)
    at = datetime.fromtimestamp(event["ts"] / 1000, UTC)
    return event["campaign"], (at, event["type"] == "ad_click")


def _folded(counts: tuple[int, int], item: Item) -> tuple[int, int]:
    impressions, clicks = counts
    return (impressions, clicks + 1) if item[1] else (impressions + 1, clicks)


def _result(found: tuple[str, tuple[int, tuple[int, int]]]) -> KafkaSinkMessage:
    campaign, (window, (impressions, clicks)) = found
    value = {
        "campaign": campaign,
        "window_start_ms": window * WINDOW_MS,
        "impressions": impressions,
        "clicks": clicks,
    }
    return KafkaSinkMessage(campaign.encode(), orjson.dumps(value))


flow = Dataflow("click_through")
# Ends with the log, and so closes every window; with tail=True the last ones would stay open.
source = KafkaSource(BROKERS, os.environ["PEER_TOPICS"].split(","), tail=False)
records = op.input("events", flow, source)
items = op.map("decode", records, _item)
counted = win.fold_window(
    "count",
    items,
    win.EventClock(ts_getter=lambda item: item[0], wait_for_system_duration=timedelta(minutes=5)),
    win.TumblingWindower(
        length=timedelta(milliseconds=WINDOW_MS), align_to=datetime(1970, 1, 1, tzinfo=UTC)
    ),
    builder=lambda: (0, 0),
    folder=_folded,
    merger=lambda one, other: (one[0] + other[0], one[1] + other[1]),
    ordered=False,  # counts need no order: without this every item waits for the watermark
)
op.output(
    "results", op.map("encode", counted.down, _result), KafkaSink(BROKERS, os.environ["PEER_OUT"])
)
