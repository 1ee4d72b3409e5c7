"""Follows an exporter: keeps a picture up to date, connects again when the stream is cut."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from processors.errors import UnreachableError, UsageError
from streams.top.picture import PARTS_MAX, Picture

if TYPE_CHECKING:
    from streams.top.feed import Feed

TOP: Final = str(PARTS_MAX)
_BACKOFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_COURSES_RETRY_S: Final = 15.0


@dataclass(frozen=True)
class View:
    """What is looked at.

    Attributes:
        by: a dimension set beside the total; empty: the total alone.
        family: only its KPIs; empty: all.
    """

    window: str = "1h"
    by: str = ""
    family: str = ""
    kpi: str = ""
    final: bool = False

    def asked(self) -> dict[str, str]:
        """Return the API's filters."""
        asked = {"window": self.window, "nearest": "true", "top": TOP}
        asked["by"] = f"total;{self.by}" if self.by else "total"
        if self.kpi:
            asked["kpi"] = self.kpi
        return asked

    def streamed(self) -> dict[str, str]:
        """Return the filters of the stream: the family is chosen here, not there."""
        final = {"final": "true"} if self.final else {}
        return {**self.asked(), **final, "health": "true"}


class Watch:
    """A picture that is kept up to date.

    Attributes:
        picture: what is known.
        news: set with every change; whoever shows it clears it.
        cut: why there is no stream, and when it is tried again (monotonic); None while there is.
    """

    def __init__(self, feed: Feed, view: View) -> None:
        self._feed, self.view = feed, view
        self.picture = Picture()
        self.news = asyncio.Event()
        self.cut: tuple[str, float] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def load(self) -> None:
        """Take one look at everything.

        Raises:
            UsageError: there is no such family, KPI, window or dimension set.
            UnreachableError: the exporter is away, refused, or has no figures yet.
        """
        picture, view = self.picture, self.view
        found = await self._feed.get("/api/v1/catalog")
        picture.catalog = {one["kpi"]: one for one in found}
        check(picture, view)
        if view.kpi:
            await self._feed.get(
                "/api/v1/kpis", {"kpi": view.kpi, "by": "total", "nearest": "true"}
            )
            picture.catalog = {kpi: picture.catalog[kpi] for kpi in view.kpi.split(",")}
        async with aclosing(self._feed.follow(view.streamed())) as events:
            async for name, data in events:
                if name != "kpis":
                    picture.health = data
                    break
                if not data["rows"] and data["stale"]:
                    raise UnreachableError(f"the exporter has no figures: {data['reason']}")
                picture.take_rows(data, first=True)
        picture.take_courses(await self._feed.get("/api/v1/history", view.asked()))

    def start(self) -> None:
        """Follow the view from now on."""
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._ask())]

    async def stop(self) -> None:
        """Follow no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def look_at(self, view: View) -> None:
        """Change what is looked at."""
        before, self.view = self.view, view
        if replace(before, family="") != replace(view, family=""):
            await self.stop()
            self.picture.courses = {}
            self.start()
        self.news.set()

    def fault(self) -> BaseException | None:
        """Return what ended the following, if anything did that trying again does not help."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and task.exception() is not None:
                return task.exception()
        return None

    async def _follow(self) -> None:
        failures = 0
        while True:
            first = True
            try:
                async for name, data in self._feed.follow(self.view.streamed()):
                    failures, self.cut = 0, None
                    if name == "kpis":
                        self.picture.take_rows(data, first=first)
                        first = False
                    else:
                        self.picture.health = data
                    self.news.set()
            except UnreachableError as error:
                wait_s = _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)]
                failures += 1
                self.cut = str(error), time.monotonic() + wait_s
                self.news.set()
                await asyncio.sleep(wait_s)

    async def _ask(self) -> None:
        """Ask for courses when they have their next point."""
        while True:
            wait_s = _COURSES_RETRY_S
            try:
                answer = await self._feed.get("/api/v1/history", self.view.asked())
            except UnreachableError:
                pass  # the stream says so
            else:
                self.picture.take_courses(answer)
                self.news.set()
                wait_s = max(1.0, (answer["until_ms"] - answer["now_ms"]) / 1_000 + 1)
            await asyncio.sleep(wait_s)


def check(picture: Picture, view: View) -> None:
    """Refuse what no KPI has.

    Raises:
        UsageError: it names what there is.
    """
    known = picture.catalog.values()
    for flag, asked, there in (
        ("--family", view.family, picture.families),
        ("--window", view.window, windows(picture)),
        ("--by", view.by, sets(picture)),
    ):
        if known and asked and asked not in there:
            raise UsageError(f"{flag}: there is no {asked!r}: there are {', '.join(there)}")


def windows(picture: Picture, family: str = "") -> list[str]:
    """Return the windows that some KPI has, short to long."""
    found = {w for one in _members(picture, family) for w in one["windows"]}
    return sorted(found, key=_length)


def sets(picture: Picture, family: str = "") -> list[str]:
    """Return the dimension sets that some KPI is kept by, the small ones first."""
    found = {by for one in _members(picture, family) for by in one["by"]} - {"total"}
    return sorted(found, key=lambda by: (by.count(","), by))


def _members(picture: Picture, family: str) -> list[dict[str, list[str]]]:
    return [dict(one) for one in picture.catalog.values() if family in ("", one["family"])]


def _length(window: str) -> int:
    calendar = ("day_to_date", "month_to_date", "quarter_to_date", "year_to_date")
    if window in calendar:
        return 10**9 + calendar.index(window)
    return int(window[:-1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[window[-1]]
