"""Pathway: windowby a tumbling window, one instance a campaign; updates go to Kafka as they come.

Environment: PEER_BROKER, PEER_TOPICS, PEER_GROUP, PEER_OUT.
"""

from __future__ import annotations

import os

import pathway as pw

settings = {
    "bootstrap.servers": os.environ["PEER_BROKER"],
    "group.id": os.environ["PEER_GROUP"],
    "auto.offset.reset": "earliest",
}


class Event(pw.Schema):
    """As much of an event as is counted."""

    type: str
    campaign: str
    ts: int


ads, visitor = (
    pw.io.kafka.read(
        settings, topic=topic, schema=Event, format="json", autocommit_duration_ms=1000
    )
    for topic in os.environ["PEER_TOPICS"].split(",")
)
events = pw.Table.concat_reindex(ads, visitor)
counts = events.windowby(
    pw.this.ts, window=pw.temporal.tumbling(duration=10_000), instance=pw.this.campaign
).reduce(
    campaign=pw.this._pw_instance,  # noqa: SLF001  # its documented name
    window_start_ms=pw.this._pw_window_start,  # noqa: SLF001  # as above
    impressions=pw.reducers.sum(pw.cast(int, pw.this.type == "ad_impression")),
    clicks=pw.reducers.sum(pw.cast(int, pw.this.type == "ad_click")),
)
pw.io.kafka.write(counts, settings, os.environ["PEER_OUT"], format="json")

if __name__ == "__main__":
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
