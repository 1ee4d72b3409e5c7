"""Support: customers ask, agents answer, most tickets are resolved, some come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streams.simulator.chance import Choice, delay_ms
from streams.simulator.incidents import Incident, IncidentKind, during
from streams.simulator.world import AGENTS_PER_TEAM, PRIORITIES, TEAMS, TICKET_CHANNELS

if TYPE_CHECKING:
    from random import Random

    from streams.simulator.visits import Planned

_REOPENED_SHARE: Final = 0.06
_TALKED_SHARE: Final = 0.35
_SLOWDOWN: Final = 10
_DAY_MS: Final = 86_400_000
_REPLY_MAX_MS: Final = 14_400_000
_TALK_MEDIAN_MS: Final = 300_000
_WORK_MEDIAN_MS: Final = 1_200_000
_RETURN_MEDIAN_MS: Final = 2_400_000

_PRIORITIES: Final = Choice(PRIORITIES, [priority.weight for priority in PRIORITIES])
_TEAMS: Final = Choice([name for _, name in TEAMS], [weight for weight, _ in TEAMS])
_CHANNELS: Final = Choice(
    [name for _, name in TICKET_CHANNELS], [weight for weight, _ in TICKET_CHANNELS]
)


def plan_ticket(
    random: Random, ticket_id: str, opened_ms: int, incidents: tuple[Incident, ...]
) -> list[Planned]:
    """Plan one ticket from its opening to the resolution that holds, in order of time."""
    priority = _PRIORITIES.draw(random)
    team = _TEAMS.draw(random)
    ticket: dict[str, Any] = {
        "ticket_id": ticket_id,
        "priority": priority.name,
        "team": team,
        "channel": _CHANNELS.draw(random),
    }
    agent = {"agent": f"{team}-{random.randrange(AGENTS_PER_TEAM) + 1}"}
    now_ms = opened_ms
    events: list[Planned] = []

    def add(kind: str, median_ms: int, spread: float, max_ms: int, **fields: str) -> None:
        nonlocal now_ms
        now_ms += delay_ms(random, median_ms, spread, max_ms) if median_ms else 0
        events.append((now_ms, {"type": kind} | ticket | fields))

    add("ticket_opened", 0, 0, 0)
    slow = during(incidents, IncidentKind.SLOW_SUPPORT, opened_ms)
    first_ms = priority.first_reply_ms * (_SLOWDOWN if slow else 1)
    add("ticket_replied", first_ms, 0.7, _REPLY_MAX_MS, by="agent", **agent)
    while random.random() < _TALKED_SHARE:
        add("ticket_replied", _TALK_MEDIAN_MS, 0.9, _REPLY_MAX_MS, by="customer")
        add("ticket_replied", _TALK_MEDIAN_MS, 0.7, _REPLY_MAX_MS, by="agent", **agent)
    add("ticket_resolved", _WORK_MEDIAN_MS, 1.1, _DAY_MS, **agent)
    if random.random() < _REOPENED_SHARE:
        add("ticket_reopened", _RETURN_MEDIAN_MS, 0.8, _DAY_MS)
        add("ticket_replied", _TALK_MEDIAN_MS, 0.7, _REPLY_MAX_MS, by="agent", **agent)
        add("ticket_resolved", _WORK_MEDIAN_MS, 1.1, _DAY_MS, **agent)
    return events
