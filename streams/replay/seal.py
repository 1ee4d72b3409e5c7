"""The last tick of a replayed log: time moves on so far that every window is final."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors.event import tick_record
from processors.names import EVENT_TOPICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.catalog.model import Defaults
    from streams.replay.publish import Publisher

_HOUR_MS: Final = 3_600_000


def seal_ts_ms(last_ts_ms: int, defaults: Defaults) -> int:
    """Return the tick's time: after it the watermark stands on a whole hour (ms since 1970 UTC).

    ::

        last event | gap or cart timeout | keyed lateness | lateness |..up to the hour | lateness
                   +--- sessions and carts close and are let go ---+                 ^ watermark
    """
    settled_ms = (
        last_ts_ms
        + max(defaults.session_gap_ms, defaults.cart_timeout_ms)
        + defaults.keyed_lateness_ms
        + defaults.allowed_lateness_ms
    )
    return -(-settled_ms // _HOUR_MS) * _HOUR_MS + defaults.allowed_lateness_ms


def seal(publisher: Publisher, ts_ms: int, topics: Sequence[str] = EVENT_TOPICS) -> None:
    """Publish the tick into each partition of some topics, empty ones too.

    An empty partition would hold back the watermark of every KPI that reads its topic.
    """
    for topic in topics:
        for partition in range(publisher.partitions(topic)):
            publisher.send(topic, None, tick_record(ts_ms, partition), ts_ms, partition=partition)
