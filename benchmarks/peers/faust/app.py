"""Faust: an agent that counts in windowed Tables, re-keyed by ``group_by`` as its guide has it.

Environment: PEER_BROKER, PEER_TOPICS (separated by commas), PEER_GROUP, PEER_DIR. The counts are
what the Tables write to their changelog topics.
"""

from __future__ import annotations

import os
from datetime import timedelta

import faust

app = faust.App(
    os.environ["PEER_GROUP"],
    broker=f"kafka://{os.environ['PEER_BROKER']}",
    datadir=os.environ["PEER_DIR"],
    store="memory://",
    topic_partitions=4,
    web_enabled=False,
    broker_rebalance_timeout=4.0,
)


class Event(faust.Record):
    """As much of an event as is counted."""

    type: str
    campaign: str
    ts: int


events = app.topic(*os.environ["PEER_TOPICS"].split(","), value_type=Event)
# Named, because two topics have no name to derive it from.
by_campaign = app.topic(
    f"{os.environ['PEER_GROUP']}-by-campaign", value_type=Event, partitions=4, internal=True
)


def _windowed(name: str) -> faust.tables.wrappers.WindowWrapper:
    table = app.Table(name, default=int).tumbling(10, expires=timedelta(days=1))
    return table.relative_to(lambda event: event.value.ts / 1000)


impressions = _windowed("impressions")
clicks = _windowed("clicks")


@app.agent(events)
async def count(stream: faust.Stream[Event]) -> None:
    """Count an event in its campaign's window."""
    async for event in stream.group_by(Event.campaign, topic=by_campaign):
        table = impressions if event.type == "ad_impression" else clicks
        table[event.campaign] += 1


if __name__ == "__main__":
    app.main()
