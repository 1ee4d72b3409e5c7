"""The courses of KPIs, read from the tables when somebody asks, and kept until the next point.

Reading is bounded: one request at a time, one partition at a time, only the cells that are wanted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from processors.errors import UsageError
from streams.exporter.courses import CoursePlan, coarse, next_change_ms
from streams.exporter.turns import Turns

if TYPE_CHECKING:
    from processors.catalog.model import Window
    from streams.exporter.courses import Course
    from streams.exporter.follower import Follower
    from streams.exporter.selection import Part, Selection

KEPT_MAX: Final = 128
_PARTS_MAX: Final = 1_000


class _Kept(NamedTuple):
    """Courses as JSON, and until when they hold."""

    until_ms: int
    text: bytes


class History:
    """Courses by window and KPIs.

    Args:
        follower: knows the tables, the catalogue and the time.
    """

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._kept: dict[tuple[object, ...], _Kept] = {}
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
        groups: dict[Window, list[Part]] = {}
        for part in selection.parts:
            window = coarse(self._follower.catalog, part[0], part[1])
            groups.setdefault(window, []).append(part)
        found = [
            await self._courses(window, parts, selection.values_max)
            for window, parts in groups.items()
        ]
        now_ms = self._follower.clock_ms()
        return b'{"now_ms":%d,"until_ms":%d,"courses":[%s]}' % (
            now_ms,
            min((kept.until_ms for kept in found), default=now_ms),
            b",".join(kept.text for kept in found if kept.text),
        )

    async def _courses(self, window: Window, parts: list[Part], values_max: int | None) -> _Kept:
        """Return the courses of one window, read anew where there is a new point."""
        key = (window, values_max, *((metric.id, by) for metric, _, by in parts))
        async with self._reading:  # who waits finds it kept
            now_ms = self._follower.clock_ms()
            kept = self._kept.pop(key, None)
            if kept is None or now_ms >= kept.until_ms:
                plan = CoursePlan(self._follower.catalog, parts, window, now_ms)
                courses = await self._read(plan, values_max)
                kept = _Kept(next_change_ms(window, now_ms), msgspec.json.encode(courses)[1:-1])
            self._kept[key] = kept  # at the end: what nobody asks for is forgotten first
            while len(self._kept) > KEPT_MAX:
                self._kept.pop(next(iter(self._kept)))
            return kept

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
        return plan.courses(looks, values_max, self._follower.board().counted)
