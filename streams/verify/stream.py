"""The simulated log: seeded events that every KPI has something to say about, as they arrive.

::

    event time   |bursts|        |bursts|                 |bursts|      over seven months
    arrival      in order, but for what is late: seconds, minutes, hours, days
                 some come twice, some at one instant, some are no events at all

Bursts lie minutes, days and weeks apart, so that every window up to a year, and the ones before,
hold something. Within them events fall into the first pane of every fifth minute: so few panes that
all ends of all windows can be compared, and gaps that are often exactly those that matter.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any, Final

from processors.ladder import BASE_MS
from streams.simulator.chance import Choice
from streams.verify.scenes import DAY_MS, HOUR_MS, MINUTE_MS, SCENES, SECOND_MS, Cast, readings

if TYPE_CHECKING:
    from collections.abc import Iterator

START_MS: Final = 1_696_118_400_000  # 2023-10-01, so that a year ends on the way
BURSTS: Final = (
    0,
    1,
    25,
    26,
    49,
    168,
    192,
    337,
    720,
    744,
    1_464,
    2_160,
    2_184,
    2_185,
    2_904,
    5_040,
)
BURST_MS: Final = 40 * MINUTE_MS
_GRID_MS: Final = 5 * MINUTE_MS
_PRODUCTS: Final = 6_000
_EVENTS_PER_VISITOR: Final = 40
_SCENES: Final = Choice([scene for _, scene in SCENES], [weight for weight, _ in SCENES])
_DELAYS: Final = Choice(  # of arrival; most events come at once
    (
        0,
        5 * SECOND_MS,
        31 * SECOND_MS,
        10 * MINUTE_MS,
        45 * MINUTE_MS,
        2 * HOUR_MS,
        26 * HOUR_MS,
        8 * DAY_MS,
    ),
    (96, 1, 1, 0.7, 0.7, 0.3, 0.2, 0.1),
)
_TWICE: Final = 0.01
_BROKEN: Final = 0.001
_SPOILT: Final[tuple[dict[str, Any], ...]] = (
    {"value": "-1"},
    {"event_id": ""},
    {"ts": "yesterday"},
    {"type": "unheard_of"},
    {"source": 5},
)


def simulated(events: int, seed: int, *, products: int = _PRODUCTS) -> Iterator[bytes]:
    """Yield at least ``events`` records, as JSON lines in order of arrival.

    Args:
        events: how many there are to be, repeats included.
        seed: the same seed gives the same records.
        products: how many different ones are sold.
    """
    random = Random(seed)
    cast = Cast(max(20, events // _EVENTS_PER_VISITOR), products)
    arrivals: list[tuple[int, int, bytes]] = []
    for number, hour in enumerate(BURSTS):
        wanted = events * (number + 1) // len(BURSTS)
        start_ms = START_MS + hour * HOUR_MS
        cast.abroad = number > 1
        for event in readings(cast, random, start_ms):
            _arrive(random, event, arrivals)
        while len(arrivals) < wanted:
            ts = start_ms + random.randrange(BURST_MS)
            for event in _SCENES.draw(random)(cast, random, ts):
                _arrive(random, event, arrivals)
    arrivals.sort()
    return (line for _, _, line in arrivals)


def _arrive(random: Random, event: dict[str, Any], arrivals: list[tuple[int, int, bytes]]) -> None:
    """Put one event where it arrives; some events are put there again later."""
    ts = event["ts"]
    ts -= ts % _GRID_MS - ts % BASE_MS
    if random.random() < 0.3:  # many fall on one instant
        ts -= ts % SECOND_MS
    known = {name: value for name, value in event.items() if value is not None}
    whole = {"event_id": f"e{len(arrivals)}", **known, "ts": ts}
    if random.random() < _BROKEN:
        whole |= random.choice(_SPOILT)
    line = json.dumps(whole, separators=(",", ":")).encode()
    if random.random() < _BROKEN:
        line = line[:-1]
    arrivals.append((ts + _DELAYS.draw(random), len(arrivals), line))
    if random.random() < _TWICE:
        again_ms = ts + random.choice((0, SECOND_MS, 40 * MINUTE_MS, DAY_MS))
        arrivals.append((again_ms, len(arrivals), line))
