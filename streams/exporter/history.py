"""The courses of KPIs, read from the tables when somebody asks, and kept until the next point.

Reading is bounded: one request at a time, one partition at a time, only the cells that are wanted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from processors.errors import UsageError
from streams.exporter.courses import CoursePlan, coarse, next_change_ms
from streams.exporter.turns import Turns

if TYPE_CHECKING:
    from processors.catalog.model import Window
    from streams.exporter.courses import Course
    from streams.exporter.follower import Follower
    from streams.exporter.selection import Part, Selection

KEPT_MAX: Final = 64
_PARTS_MAX: Final = 1_000


class History:
    """Courses by selection.

    Args:
        follower: knows the tables, the catalogue and the time.
    """

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._kept: dict[tuple[object, ...], tuple[int, bytes]] = {}
        self._reading = asyncio.Lock()

    async def answer(self, selection: Selection) -> bytes:
        """Return the courses of everything that is selected, as JSON.

        Raises:
            UsageError: it is too much, or asks for final windows: a course is of live ones, whose
                past is final.
            UnreachableError: the tables are away.
        """
        if selection.final:
            raise UsageError("final: a course has no final end; its past points are")
        if len(selection.parts) > _PARTS_MAX:
            raise UsageError(
                f"{len(selection.parts)} courses at once, at most {_PARTS_MAX}: choose a window, "
                "by=total or fewer KPIs"
            )
        key = selection.key
        async with self._reading:  # who waits finds it kept
            now_ms = self._follower.clock_ms()
            kept = self._kept.get(key)
            if kept is None or now_ms >= kept[0]:
                kept = await self._work_out(selection, now_ms)
                self._kept.pop(key, None)
                self._kept[key] = kept
                while len(self._kept) > KEPT_MAX:
                    self._kept.pop(next(iter(self._kept)))
        return kept[1]

    async def _work_out(self, selection: Selection, now_ms: int) -> tuple[int, bytes]:
        """Return until when the courses hold, and the courses."""
        catalog = self._follower.catalog
        groups: dict[Window, list[Part]] = {}
        for part in selection.parts:
            groups.setdefault(coarse(catalog, part[0], part[1]), []).append(part)
        until_ms = min((next_change_ms(window, now_ms) for window in groups), default=now_ms)
        courses: list[Course] = []
        for window, parts in groups.items():
            plan = CoursePlan(catalog, parts, window, now_ms)
            courses += await self._read(plan, selection.values_max)
        body = {"now_ms": now_ms, "until_ms": until_ms, "courses": courses}
        return until_ms, msgspec.json.encode(body)

    async def _read(self, plan: CoursePlan, values_max: int | None) -> list[Course]:
        reader, turns, needs = self._follower.reader, Turns(), plan.needs()
        for who in sorted(await reader.progress()):
            # At one position: a level is all of a partition's panes less the newest.
            for snapshot in (await reader.snapshot(needs, (who,))).values():
                for rung, panes in snapshot.rungs.items():
                    for start_ms, cells in panes.items():
                        plan.load(rung, start_ms, cells)
                        await turns.pause()
        looks = []
        for rows in plan.steps():
            looks.append(rows)
            await turns.pause()
        return plan.courses(looks, values_max)
