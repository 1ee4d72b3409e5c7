"""What may be published: the worker's own rules, and what only the worker itself may write."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from processors.catalog.model import Defaults
from processors.decode import Decoder, Rejection, Validity
from processors.event import TICK_TYPE, Event, Tick
from processors.ladder import Ladder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.amounts import Fault
    from processors.catalog.model import Catalog

_TICK: Fault = ("unknown_type", "type", f"{TICK_TYPE!r} is reserved: the worker keeps time itself")


def validity_of(catalog: Catalog | None = None) -> Validity:
    """Return the bounds that the worker of this catalogue judges by; None: the defaults'."""
    defaults, ladder = (catalog.defaults, catalog.ladder) if catalog else (Defaults(), Ladder())
    return Validity(defaults.far_future_ms, ladder.retention_ms_max, defaults.record_bytes_max)


class Gate:
    """Judges events before they are published.

    Args:
        validity: the bounds of time and size.
    """

    def __init__(self, validity: Validity) -> None:
        self._decoder = Decoder(validity)

    def judge(self, value: bytes, timestamp_ms: int) -> Event | Fault:
        """Return the decoded event, or why it would be a dead letter.

        Args:
            value: the event's JSON.
            timestamp_ms: the timestamp that its record will carry.
        """
        judged = self._decoder.judge(value, timestamp_ms)
        return _TICK if isinstance(judged, Tick) else judged

    def sort(
        self, values: Sequence[bytes], timestamp_ms: int
    ) -> tuple[list[int], list[Event], list[Rejection]]:
        """Judge many events at once.

        Returns:
            The indices of the good ones, these decoded, and the rejections, whose ``offset`` is
            the index.
        """
        records = list(zip(range(len(values)), repeat(timestamp_ms), repeat(None), values))
        indices, events, rejections = self._decoder.decode(records)
        if Tick in set(map(type, events)):
            return self._sort_singly(values, timestamp_ms)
        return indices, events, rejections

    def _sort_singly(
        self, values: Sequence[bytes], timestamp_ms: int
    ) -> tuple[list[int], list[Event], list[Rejection]]:
        indices: list[int] = []
        events: list[Event] = []
        rejections: list[Rejection] = []
        for index, value in enumerate(values):
            judged = self.judge(value, timestamp_ms)
            if isinstance(judged, Event):
                indices.append(index)
                events.append(judged)
            else:
                rejections.append(Rejection(index, *judged))
        return indices, events, rejections
