r"""All traffic of one run, in order of event time: history and live are one generator's two ends.

::

    arrivals (Poisson, daily rhythm)      what each plans ahead
      impression ------------------------> itself, maybe a click and the visit behind it
      visit      ------------------------> page views, cart, order, refund
      ticket     ------------------------> replies, resolution, maybe a reopening
                     \__ one heap by (ts, order of planning) __/  -> until(ts)
"""

from __future__ import annotations

from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING, Any, Final

from streams.simulator.chance import RHYTHM_MAX, Choice, delay_ms, rhythm
from streams.simulator.incidents import Incident, IncidentKind, during
from streams.simulator.tickets import plan_ticket
from streams.simulator.visitors import Visitors
from streams.simulator.visits import Visit
from streams.simulator.world import CAMPAIGNS, ORIGINS, Campaign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.simulator.visitors import Visitor
    from streams.simulator.visits import Planned

Event = dict[str, Any]

_IMPRESSION_SHARE: Final = 0.40  # of all events
_TICKET_SHARE: Final = 0.025
# Means of what one arrival brings, from the shares in visits.py and tickets.py; a test measures
# that the stated rate comes out.
_EVENTS_PER_VISIT: Final = 3.32
_EVENTS_PER_TICKET: Final = 4.2
_CLICK_MEDIAN_MS: Final = 1_500
_CLICK_MAX_MS: Final = 8_000
_LANDING_MS: Final = 900

_ORIGINS: Final = Choice(ORIGINS, [origin.weight for origin in ORIGINS])
_CAMPAIGNS: Final = Choice(CAMPAIGNS, [campaign.weight for campaign in CAMPAIGNS])
_CLICK_RATE: Final = sum(c.weight * c.click_rate for c in CAMPAIGNS) / sum(
    c.weight for c in CAMPAIGNS
)


class Traffic:
    """Seeded traffic from an instant on.

    Args:
        seed: the same seed, start, rate and incidents give the same events.
        start_ms: event time of the first arrival's earliest moment (ms since 1970 UTC).
        rate: mean events a second over a day.
        incidents: what goes wrong, and when.
    """

    def __init__(
        self, seed: int, start_ms: int, rate: float, incidents: tuple[Incident, ...] = ()
    ) -> None:
        # Identities carry the run: a second run against the same tables is other people.
        self._run = f"{start_ms // 1000:x}{seed & 0xFFFF:04x}"
        self._random = Random(seed)
        self._accounts = Random(seed + 1)  # of its own: who logs in changes nothing else
        self._incidents = incidents
        self._visitors = Visitors(self._random, self._run)
        self._planned = 0
        self._emitted = 0
        self._visits = 0
        self._tickets = 0
        self._heap: list[tuple[int, int, Event | Callable[[int], None]]] = []
        impressions = rate * _IMPRESSION_SHARE
        clicks = impressions * _CLICK_RATE
        tickets = rate * _TICKET_SHARE / _EVENTS_PER_TICKET
        visits = rate * (1 - _IMPRESSION_SHARE - _TICKET_SHARE) - clicks
        visits = visits / _EVENTS_PER_VISIT - clicks
        self._arrivals(start_ms, impressions, self._impression)
        self._arrivals(start_ms, visits, self._visit)
        self._arrivals(start_ms, tickets, self._ticket)

    def until(self, end_ms: int) -> Iterator[Event]:
        """Yield the events before ``end_ms`` that no earlier call has yielded, in order of ts."""
        heap = self._heap
        while heap and heap[0][0] < end_ms:
            ts_ms, _, what = heappop(heap)
            if isinstance(what, dict):
                self._emitted += 1
                yield {"event_id": f"{self._run}-{self._emitted:x}", "ts": ts_ms} | what
            else:
                what(ts_ms)

    def _push(self, ts_ms: int, what: Event | Callable[[int], None]) -> None:
        self._planned += 1
        heappush(self._heap, (ts_ms, self._planned, what))

    def _arrivals(self, start_ms: int, rate: float, arrive: Callable[[int], None]) -> None:
        """Let something happen at ``rate`` a second, thinned by the daily rhythm."""
        if rate <= 0:
            return
        random = self._random
        exact_ms = float(start_ms)

        def next_arrival(ts_ms: int) -> None:
            nonlocal exact_ms
            if random.random() * RHYTHM_MAX < rhythm(ts_ms):
                arrive(ts_ms)
            exact_ms += random.expovariate(rate * RHYTHM_MAX) * 1000
            self._push(int(exact_ms), next_arrival)

        exact_ms += random.expovariate(rate * RHYTHM_MAX) * 1000
        self._push(int(exact_ms), next_arrival)

    def _impression(self, ts_ms: int) -> None:
        random = self._random
        campaign = _CAMPAIGNS.draw(random)
        ad = random.choice(campaign.ads)
        clicked = random.random() < campaign.click_rate
        click_ms = ts_ms + delay_ms(random, _CLICK_MEDIAN_MS, 0.6, _CLICK_MAX_MS)
        if during(self._incidents, IncidentKind.AD_OUTAGE, ts_ms):
            return
        shown = {
            "campaign": campaign.name,
            "ad": ad,
            "placement": campaign.placement,
            "network": campaign.network,
            "channel": campaign.channel,
        }
        self._push(ts_ms, {"type": "ad_impression"} | shown)
        if clicked:
            self._click(click_ms, campaign, shown)

    def _click(self, ts_ms: int, campaign: Campaign, shown: Event) -> None:
        visitor = self._visitors.arrive(ts_ms)
        origin = {"source": campaign.network, "medium": "cpc", "campaign": campaign.name}
        click = {"type": "ad_click", "click_id": f"x-{self._run}-{self._visits + 1:x}"}
        self._push(ts_ms, click | visitor.identity() | shown | origin)
        origin["landing_page"] = campaign.landing_page
        self._begin(visitor, ts_ms + _LANDING_MS, origin)

    def _visit(self, ts_ms: int) -> None:
        chosen = _ORIGINS.draw(self._random)
        origin = {
            "source": chosen.source,
            "medium": chosen.medium,
            "landing_page": self._random.choice(chosen.landing_pages),
        }
        if chosen.campaign is not None:
            origin["campaign"] = chosen.campaign
        self._begin(self._visitors.arrive(ts_ms), ts_ms, origin)

    def _begin(self, visitor: Visitor, ts_ms: int, origin: Event) -> None:
        self._visits += 1
        visit_id = f"{self._run}-{self._visits:x}"
        visit = Visit(
            self._random,
            visitor,
            ts_ms,
            origin=origin,
            visit_id=visit_id,
            incidents=self._incidents,
            accounts=self._accounts,
        )
        visit.run()
        self._plan(visit.events)
        self._visitors.leave(visitor, visit.last_ms)

    def _ticket(self, ts_ms: int) -> None:
        self._tickets += 1
        ticket_id = f"t-{self._run}-{self._tickets:x}"
        self._plan(plan_ticket(self._random, ticket_id, ts_ms, self._incidents))

    def _plan(self, planned: list[Planned]) -> None:
        for ts_ms, event in planned:
            self._push(ts_ms, event)


def history(
    seed: int, start_ms: int, end_ms: int, rate: float, incidents: tuple[Incident, ...] = ()
) -> Iterator[Event]:
    """Yield the traffic of [start_ms, end_ms) in order of ts."""
    return Traffic(seed, start_ms, rate, incidents).until(end_ms)


def live(
    seed: int, start_ms: int, rate: float, incidents: tuple[Incident, ...] = ()
) -> Iterator[Event]:
    """Yield endless traffic in order of ts; the caller paces it by its clock."""
    return Traffic(seed, start_ms, rate, incidents).until(2**62)
