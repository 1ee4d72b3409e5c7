"""Recomputation of what sessions hold beside themselves: engagement, funnels, new visitors."""

from __future__ import annotations

from typing import Any

from processors.catalog.model import Catalog

Row = dict[str, Any]


def is_engaged(defaults: Any, run: list[Row]) -> bool:
    """Two pages, ten seconds or a purchase."""
    pages = sum(r["type"] == "page_view" for r in run)
    lasted_ms = run[-1]["ts"] - run[0]["ts"]
    bought = any(r["type"] == "purchase" for r in run)
    return pages >= defaults.engaged_pages or lasted_ms >= defaults.engaged_ms or bought


def steps_reached(steps: tuple[str, ...], run: list[Row]) -> int:
    """Walk through the session: each step is the first event of its type since the step before."""
    reached = 0
    for row in run:
        if reached < len(steps) and row["type"] == steps[reached]:
            reached += 1
    return reached


def step_facts(catalog: Catalog, run: list[Row], start: Row) -> list[Row]:
    """Tell of each step reached, and whether there was a next one, and that it was reached."""
    steps = catalog.defaults.funnel_steps
    reached = steps_reached(steps, run)
    facts = []
    for number, step in enumerate(steps[:reached]):
        facts.append({**start, "type": "funnel_reached", "step": step})
        if number < len(steps) - 1:
            facts.append({**start, "type": "funnel_entered", "step": step})
        if number + 1 < reached:
            facts.append({**start, "type": "funnel_passed", "step": step})
    return facts


def audience(catalog: Catalog, visitors: list[Row], first: Row) -> str:
    """Look whether anything of the visitor, in order, came before within the horizon."""
    horizon_ms = catalog.defaults.visitor_horizon_ms
    place = first["ts"], first["offset"]
    before = [r["ts"] for r in visitors if (r["ts"], r["offset"]) < place]
    return "returning" if before and first["ts"] - max(before) < horizon_ms else "new"
