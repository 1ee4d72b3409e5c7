"""Who visits: new people, and earlier ones who come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from streams.simulator.chance import Choice
from streams.simulator.world import DEVICES, PLACES, Place

if TYPE_CHECKING:
    from random import Random

_KNOWN_MAX: Final = 20_000
_RETURNING_SHARE: Final = 0.35
_APP_SHARE: Final = 0.25
_HELD_OUT_EVERY: Final = 10  # visitors: campaigns pass one of them over, to be compared with
# Longer than the session gap: two visits of one person must stay two sessions.
_REST_MS: Final = 2_700_000

_PLACES: Final = Choice(PLACES, [place.weight for place in PLACES])
_DEVICES: Final = Choice([name for _, name in DEVICES], [weight for weight, _ in DEVICES])


@dataclass
class Visitor:
    """One person at one device.

    Attributes:
        keeps_session: the client sends its own ``session_id`` and ``cart_id``.
        group: which side of the campaigns' trial they are on.
        customer_id: known from the first purchase on.
        free_at_ms: earliest start of the next visit.
    """

    visitor_id: str
    place: Place
    device: str
    keeps_session: bool
    group: str
    customer_id: str | None = None
    free_at_ms: int = 0

    def identity(self) -> dict[str, Any]:
        """Return the fields that every event of this visitor carries."""
        fields = {
            "visitor_id": self.visitor_id,
            "device": self.device,
            "country": self.place.country,
            "group": self.group,
        }
        if self.customer_id is not None:
            fields["customer_id"] = self.customer_id
        return fields


class Visitors:
    """Everybody who may visit; forgets some where there are too many to remember."""

    def __init__(self, random: Random, run: str) -> None:
        self._random = random
        self._run = run
        self._count = 0
        self._known: list[Visitor] = []

    def arrive(self, ts_ms: int) -> Visitor:
        """Return who visits at an instant."""
        random = self._random
        if self._known and random.random() < _RETURNING_SHARE:
            index = random.randrange(len(self._known))
            if self._known[index].free_at_ms <= ts_ms:
                self._known[index], self._known[-1] = self._known[-1], self._known[index]
                return self._known.pop()
        self._count += 1
        return Visitor(
            visitor_id=f"v-{self._run}-{self._count:x}",
            place=_PLACES.draw(random),
            device=_DEVICES.draw(random),
            keeps_session=random.random() < _APP_SHARE,
            group="treatment" if self._count % _HELD_OUT_EVERY else "holdout",
        )

    def leave(self, visitor: Visitor, ts_ms: int) -> None:
        """Remember a visitor whose visit's last event is at an instant."""
        visitor.free_at_ms = ts_ms + _REST_MS
        if len(self._known) < _KNOWN_MAX:
            self._known.append(visitor)
        else:
            self._known[self._random.randrange(_KNOWN_MAX)] = visitor
