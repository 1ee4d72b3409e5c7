"""Targets as last set, by the values that they are set for.

A target that is set for just these values counts; where there is none, those that are set for
parts of them add up; where there is neither, the catalogue's own holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from processors.names import NONE_VALUE
from streams.verify.series import Source

if TYPE_CHECKING:
    from processors.catalog.model import Catalog
    from streams.verify.held import Held
    from streams.verify.leaves import Leaf

_JOIN: Final = "\x1f"
_SETTABLE: Final = ("kpi", "source", "campaign", "channel", "network", "list")
SET: Final = Source("target_readings", _SETTABLE, level=True)
KNOWN: Final = Source("targets_known", _SETTABLE, level=True)


@dataclass(frozen=True)
class Targets:
    """The targets of one KPI or figure, by some dimensions.

    ``fallback`` is the catalogue's own in millionths, None where it has none.
    """

    name: str
    dimensions: tuple[str, ...]
    fallback: int | None

    @classmethod
    def of(cls, catalog: Catalog, leaf: Leaf, dimensions: tuple[str, ...]) -> Targets:
        """Return what a leaf reads in rows of some dimensions; no target has a currency."""
        metric = catalog.metrics.get(leaf.name)
        text = metric.target if metric is not None else catalog.targets.get(leaf.name, "")
        bare = tuple(name for name in dimensions if name != "currency" and not leaf.total)
        return cls(leaf.name, bare, int(Fraction(text) * 1_000_000) if text else None)

    def amounts(self, held: Held) -> dict[str, int]:
        """Return values -> what was last set, in millionths."""
        own: dict[str, int] = {}
        parts: dict[str, int] = {}
        for key in held.keys(KNOWN):
            values = dict(zip(_SETTABLE, key.split(_JOIN), strict=True))
            if values.pop("kpi") != self.name:
                continue
            mine = _JOIN.join(values.pop(name) for name in self.dimensions)
            amount = held.number(SET, key)
            if all(value == NONE_VALUE for value in values.values()):
                own[mine] = amount
            else:
                parts[mine] = parts.get(mine, 0) + amount
        return parts | own
