"""Quix Streams: group_by, a tumbling window with a grace period, results when a window closes.

Environment: PEER_BROKER, PEER_TOPICS, PEER_GROUP, PEER_OUT, PEER_DIR.
"""

from __future__ import annotations

import os
from datetime import timedelta

import quixstreams.dataframe.windows.aggregations as agg
from quixstreams import Application

app = Application(
    broker_address=os.environ["PEER_BROKER"],
    consumer_group=os.environ["PEER_GROUP"],
    auto_offset_reset="earliest",
    commit_interval=1.0,
    state_dir=os.environ["PEER_DIR"],
    loglevel="WARNING",
)
out = app.topic(os.environ["PEER_OUT"], value_serializer="json")


def _count(topic: str, name: str) -> None:
    """Count a topic's events by campaign and window, and write the counts under a name."""
    counts = (
        app.dataframe(app.topic(topic, value_deserializer="json"))[["campaign"]]
        .group_by("campaign")
        .tumbling_window(timedelta(seconds=10), grace_ms=timedelta(minutes=5))
        .agg(count=agg.Count())
        .final()
    )
    counts.apply(
        lambda value, key, _timestamp, _headers: {
            "campaign": key,
            "window_start_ms": value["start"],
            name: value["count"],
        },
        metadata=True,
    ).to_topic(out)


ads, visitor = os.environ["PEER_TOPICS"].split(",")
_count(ads, "impressions")
_count(visitor, "clicks")

if __name__ == "__main__":
    app.run()
