"""Events on their way to Kafka, for asyncio: one batch under way for each partition.

::

    post() --> queued, by partition --> under way --> landed
                  |                        |
                  +------- Kafka is away --+--> spool (in order) --> Kafka, once it is back

While one batch of a partition is under way the next one fills, so batches grow with the load and
a lone event waits for nothing. While anything is in the spool, new events go behind it, or wait
until its last events are in Kafka: the order of each key is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from typing import TYPE_CHECKING

from processors.errors import UnreachableError
from streams.producer.bundle import Landing, record_bytes
from streams.producer.drain import drain
from streams.producer.errors import BufferFullError, DeliveryError
from streams.producer.lanes import Lanes, Place
from streams.producer.link import BATCH_BYTES, LinkError
from streams.producer.spooler import Spooler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from typing import Any

    from streams.producer.bundle import Bundle
    from streams.producer.envelope import Envelope
    from streams.producer.link import Link
    from streams.producer.outgoing import WhenAway
    from streams.producer.spool import Spool

_log = logging.getLogger(__name__)
BACKOFF_S = (0.1, 0.2, 0.5, 1.0)
_LOOKS = 5  # while Kafka is silent, before it counts as away


class Outbox:
    """All events that are not confirmed. Belongs to one event loop.

    Args:
        connect: makes a link, or raises LinkError.
        when_away: what happens while Kafka is away.
        spool: where events wait then, for ``spool``.
        bytes_max: how much may be unconfirmed in memory.
        away_after_s: how long Kafka may take to confirm before it counts as away.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Link]],
        when_away: WhenAway,
        spool: Spool | None,
        bytes_max: int,
        away_after_s: float,
    ) -> None:
        self._connect = connect
        self._when_away = when_away
        self._spooler = Spooler(spool) if spool is not None else None
        self._bytes_max = bytes_max
        self._away_after_s = away_after_s
        self._link: Link | None = None
        self._away_because: object = "not connected yet"
        self._lanes = Lanes(BATCH_BYTES, self._follow)
        self._bytes = 0
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._holding = False  # the spool is nearly empty: new events wait in the lanes

    @property
    def away(self) -> bool:
        """Whether Kafka is away, or events wait in the spool."""
        return self._link is None

    @property
    def full(self) -> bool:
        """Whether nothing is taken at present."""
        if self._closed or self._bytes >= self._bytes_max:
            return True
        if not self.away or self._when_away == "block":
            return False
        return self._spooler is None or self._spooler.spool.full

    @property
    def spooled(self) -> tuple[int, int]:
        """How many events, and bytes, wait in the spool."""
        spool = self._spooler.spool if self._spooler is not None else None
        return (len(spool), spool.size_bytes) if spool is not None else (0, 0)

    async def start(self) -> None:
        """Connect; with a spool, go on without Kafka.

        Raises:
            UnreachableError: Kafka is away and there is no spool, or a topic is missing.
        """
        try:
            link = await self._connect()
        except LinkError as error:
            if self._spooler is None:
                raise UnreachableError(f"Kafka: {error}") from error
            self._go_away(error)
            return
        if self._spooler is None or self._spooler.empty:
            self._use(link)
        else:
            self._away_because = "events of an earlier process wait in the spool"
            self._run(self._come_back(link))

    def post(self, envelopes: Sequence[Envelope]) -> list[Bundle]:
        """Take events in, all or none, and return each one's bundle.

        Raises:
            BufferFullError: no room.
            DeliveryError: Kafka is away and the policy is ``raise``.
        """
        if self.full:
            raise self._refusal(envelopes[0])
        return self._add(envelopes)

    def post_one(self, envelope: Envelope) -> tuple[Bundle, int]:
        """Take one event in and return its bundle and its place there; as :meth:`post`."""
        if self.full:
            raise self._refusal(envelope)
        (bundle,) = self._add([envelope])
        return bundle, len(bundle.envelopes) - 1

    async def room(self) -> None:
        """Wait until there is room, or it is certain that there will be none."""
        while self.full and not self._closed and not (self.away and self._when_away == "raise"):
            self._changed.clear()
            await self._changed.wait()

    async def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything taken so far landed; False if time runs out before."""
        landing = [bundle.landed for bundle in self._unconfirmed()]
        return not landing or not (await asyncio.wait(landing, timeout=timeout_s))[1]

    async def close(self, timeout_s: float) -> int:
        """Flush; spool or fail the rest. Returns how many events failed."""
        self._closed = True
        self._changed.set()
        await self.flush(timeout_s)
        left = self._unconfirmed()
        if left:
            self._when_away = "raise" if self._spooler is None else "spool"
            self._go_away("the producer was closed")
            await asyncio.wait([bundle.landed for bundle in left])
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(link.close(), self._away_after_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._spooler is not None:
            await self._spooler.close()
        return sum(len(b.envelopes) for b in left if b.landed.exception() is not None)

    def _refusal(self, envelope: Envelope) -> Exception:
        if self._closed:
            return BufferFullError(f"event {envelope.event_id}: the producer is closed")
        if self.away and self._when_away == "raise":
            return DeliveryError(envelope.event_id, envelope.topic, self._away_because)
        return BufferFullError(f"event {envelope.event_id}: no room: Kafka is away or slow")

    def _add(self, envelopes: Sequence[Envelope]) -> list[Bundle]:
        if self._link is None and self._spooler is not None and not self._holding:
            bundle = self._spooler.open_bundle()
            if not bundle.envelopes:
                self._follow(bundle)
            bundle.envelopes.extend(envelopes)
            size = sum(map(record_bytes, envelopes))
            bundle.size_bytes += size
            bundles = [bundle] * len(envelopes)
        else:
            bundles, size = self._lanes.add(envelopes)
        self._bytes += size
        return bundles

    def _follow(self, bundle: Bundle) -> None:
        """A bundle was begun: send it as soon as its partition is free."""
        bundle.watchers.append(self._leave)
        if self._link is not None and self._lanes.idle(bundle):
            self._run(self._ship((bundle.topic, bundle.partition), self._link))

    def _leave(self, bundle: Bundle) -> None:
        self._bytes -= bundle.size_bytes
        self._changed.set()

    def _unconfirmed(self) -> list[Bundle]:
        spooling = self._spooler.waiting() if self._spooler is not None else ()
        return [*self._lanes.unconfirmed(), *spooling]

    async def _ship(self, place: Place, link: Link) -> None:
        """Send what is queued for a partition, one bundle after the other."""
        clock = asyncio.get_running_loop().time
        while self._link is link and (bundle := self._lanes.depart(place)) is not None:
            bundle.departed_s = clock()
            try:
                offset = await link.send(bundle)
            except LinkError as error:
                if self._link is link:
                    self._go_away(error)
                return
            if self._link is link:
                self._lanes.arrive(bundle)
            bundle.land(Landing(offset, spooled=False))

    async def _watch(self, link: Link) -> None:
        """Look now and then whether Kafka still answers: cheaper than a timer for each bundle."""
        clock = asyncio.get_running_loop().time
        while self._link is link:
            await asyncio.sleep(self._away_after_s / _LOOKS)
            late_s = clock() - self._away_after_s
            if self._link is link and any(b.departed_s < late_s for b in self._lanes.under_way()):
                self._go_away(f"no confirmation within {self._away_after_s} s")

    def _use(self, link: Link) -> None:
        self._link = link
        self._run(self._watch(link))
        self._lanes.route(link.partitions)
        self._holding = False
        for place in self._lanes.ready():
            self._run(self._ship(place, link))
        self._changed.set()

    def _go_away(self, reason: object) -> None:
        """Kafka is away: apply the policy to everything that is not confirmed, in order."""
        _log.warning("Kafka is away: %s", reason)
        self._away_because = reason
        self._holding = False
        link, self._link = self._link, None
        if link is not None:
            self._run(link.close())
        if self._when_away == "block":
            self._lanes.turn_back()
        else:
            for bundle in self._lanes.clear():
                if self._spooler is not None:
                    self._spooler.put(bundle)
                else:
                    first = bundle.envelopes[0]
                    bundle.fail(DeliveryError(first.event_id, first.topic, reason))
        self._changed.set()
        if not self._closed:
            self._run(self._come_back(None))

    async def _come_back(self, link: Link | None) -> None:
        """Connect again and empty the spool, until both succeed."""
        for attempt in itertools.count():
            try:
                link = link or await self._connect()
                if self._spooler is not None:
                    self._lanes.route(link.partitions)
                    await drain(self._spooler, link, self._away_after_s, self._hold)
            except (LinkError, UnreachableError, OSError) as error:
                self._away_because = error
                self._let_go()
                if link is not None:
                    self._run(link.close())
                    link = None
                await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
            else:
                _log.info("Kafka is back")
                self._use(link)
                return

    def _hold(self) -> None:
        self._holding = True

    def _let_go(self) -> None:
        """Spool what waited for the spool to be empty: it is not going to be."""
        if self._holding and self._spooler is not None:
            self._holding = False
            for bundle in self._lanes.clear():
                self._spooler.put(bundle)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
