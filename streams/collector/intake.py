"""Events in, an answer out: judged, addressed, and in Kafka (or the spool) before it is given."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from streams.collector.answer import Answer, rejected
from streams.collector.refusal import Refusal
from streams.producer.bundle import all_landed
from streams.producer.errors import BufferFullError, DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processors.decode import Rejection
    from streams.collector.identity import IdentityHasher
    from streams.collector.impact import Impact
    from streams.producer.envelope import Addresser, Envelope
    from streams.producer.gate import Gate
    from streams.producer.outbox import Outbox

_log = logging.getLogger(__name__)
RETRY_AFTER_S = 5.0


class Intake:
    """Takes events in.

    Args:
        gate: judges them.
        addresser: finds their topic and key.
        outbox: carries them to Kafka.
        impact: says which KPIs a wrong one would have corrupted.
        hasher: replaces identities; None: they stay.
        clock: the time, in ms since 1970 UTC.
    """

    def __init__(
        self,
        gate: Gate,
        addresser: Addresser,
        outbox: Outbox,
        impact: Impact,
        hasher: IdentityHasher | None,
        clock: Callable[[], int],
    ) -> None:
        self._gate, self._addresser, self._outbox = gate, addresser, outbox
        self._impact, self._hasher = impact, hasher
        self.clock = clock

    async def take(
        self,
        values: Sequence[bytes],
        request_id: str,
        *,
        places: Sequence[int] | None = None,
        unmapped: Sequence[tuple[Rejection, bytes]] = (),
        ignored: int = 0,
    ) -> Answer:
        """Take the events of one request.

        Args:
            values: the events' JSON.
            request_id: of the request.
            places: where each stands in the request; None: in this order.
            unmapped: what could not even be mapped to an event; ``offset`` is its place.
            ignored: how many have no meaning for any KPI.

        Raises:
            Refusal: 503, neither Kafka nor the spool could take them. Some may have been taken:
                sent again under the same ids they count once.
        """
        now_ms = self.clock()
        if self._hasher is not None:
            values = list(map(self._hasher.replace, values))
        good, events, bad = self._gate.sort(values, now_ms)
        taken = values if len(good) == len(values) else [values[index] for index in good]
        envelopes = self._addresser.address_all(events, taken, now_ms)
        answer = Answer(request_id=request_id, ignored=ignored)
        if envelopes:
            answer.accepted = len(envelopes)
            answer.spooled = await self._deliver(envelopes)
        if bad or unmapped:
            answer.rejected = [
                rejected(one, places[one.offset] if places else one.offset, value, self._impact)
                for one, value in ((one, values[one.offset]) for one in bad)
            ]
            answer.rejected += [
                rejected(one, one.offset, value, self._impact) for one, value in unmapped
            ]
            answer.rejected.sort(key=lambda one: one.index)
        return answer

    async def _deliver(self, envelopes: Sequence[Envelope]) -> int:
        """Wait until all are in Kafka or on disk; return how many are only on disk."""
        try:
            bundles = self._outbox.post(envelopes)
        except (BufferFullError, DeliveryError) as error:
            raise _unavailable() from error
        different = set(bundles)
        await all_landed(different)
        for bundle in different:
            failure = bundle.landed.exception()
            if failure is not None:
                _log.error("events could not be taken: %s", type(failure).__name__)
                raise _unavailable() from failure
        if not any(bundle.landed.result().spooled for bundle in different):
            return 0
        return sum(bundle.landed.result().spooled for bundle in bundles)


def _unavailable() -> Refusal:
    return Refusal(
        503, "kafka_away", "Kafka is away and nothing more can be kept here", RETRY_AFTER_S
    )
