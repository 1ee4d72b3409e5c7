"""Random events of every kind that the presets count, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

VISITORS = 40


def traffic(random: Random, count: int, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
    """Return events with times in [start, end)."""
    return [_event(random, random.randrange(start_ms, end_ms)) for _ in range(count)]


def _event(random: Random, ts_ms: int) -> dict[str, Any]:
    kind = random.choice(
        ["page_view"] * 4
        + ["ad_impression"] * 3
        + ["ad_click", "add_to_cart", "purchase", "refund"]
        + ["ticket_opened", "ticket_replied", "ticket_resolved"]
    )
    event: dict[str, Any] = {"type": kind, "ts": ts_ms}
    if kind.startswith("ticket"):
        by = {"by": "agent"} if kind == "ticket_replied" else {}
        return event | by | {"ticket_id": f"t{random.randrange(20)}", "priority": _one(random, "p")}
    event |= {"campaign": _one(random, "c"), "channel": _one(random, "ch")}
    if kind == "ad_impression":
        return event | {"ad": _one(random, "ad")}
    event |= {"visitor_id": f"v{random.randrange(VISITORS)}", "source": _one(random, "s")}
    if kind in ("add_to_cart", "purchase", "refund"):
        event |= {"value": f"{random.randrange(10_000) / 100}", "currency": _one(random, "EUR USD")}
    if kind in ("purchase", "refund"):
        event |= {"order_id": f"o{random.randrange(200)}"}
    return event


def _one(random: Random, of: str) -> str:
    """Return one of few values: currencies as they are, others numbered."""
    words = of.split()
    return random.choice(words) if len(words) > 1 else f"{of}{random.randrange(4)}"
