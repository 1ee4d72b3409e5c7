"""Runs ``kpi top``: once, one table an update, or a screen with keys."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aiohttp import ClientSession

from streams.top.draw import as_drawing, as_objects, as_text, status_of
from streams.top.feed import Feed
from streams.top.keys import pressed_keys
from streams.top.watch import View, Watch, sets, windows

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

_DRAW_INTERVAL_S: Final = 0.25
_TICK_S: Final = 1.0
_PAGE: Final = 10


@dataclass(frozen=True)
class Options:
    """What the command line decides.

    Attributes:
        once: one look, then the end.
        as_json: documents instead of tables, one a line while following.
        interval_s: least time between two tables where nobody can press keys.
        screen: draw over the terminal and take keys.
    """

    url: str
    token: str
    once: bool = False
    as_json: bool = False
    interval_s: float = 5.0
    screen: bool = False


async def run_top(options: Options, view: View) -> int:
    """Show the figures until it is enough.

    Returns:
        0.

    Raises:
        UsageError: there is no such family, KPI, window or dimension set.
        UnreachableError: at the start the exporter is away or refused.
    """
    async with ClientSession() as session:
        watch = Watch(Feed(session, options.url, options.token), view)
        await watch.load()
        if options.once:
            _print(options, watch)
            return 0
        watch.start()
        ended = _ended_by_signal()
        try:
            if options.screen:
                await _screen(watch, ended)
            else:
                await _tables(options, watch, ended)
        finally:
            await watch.stop()
    return 0


def _ended_by_signal() -> asyncio.Event:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    return ended


async def _tables(options: Options, watch: Watch, ended: asyncio.Event) -> None:
    """Print a table with every change, not too often."""
    said = ""
    while not ended.is_set():
        _raise_fault(watch)
        if watch.cut is None:
            _print(options, watch)
            said = ""
        elif watch.cut[0] != said:
            said = watch.cut[0]
            sys.stderr.write(f"kpi: {said}; trying again\n")
        watch.news.clear()
        await _either(ended, asyncio.sleep(options.interval_s))
        await _either(ended, watch.news.wait())


async def _either(ended: asyncio.Event, other: Coroutine[Any, Any, object]) -> None:
    """Wait for something, or for the end."""
    waiting = [asyncio.ensure_future(one) for one in (ended.wait(), other)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _print(options: Options, watch: Watch) -> None:
    lines = watch.picture.lines(watch.view.family)
    if options.as_json:
        text = json.dumps(
            as_objects(watch.picture, lines), ensure_ascii=False, indent=2 if options.once else None
        )
    else:
        text = as_text(lines, status_of(watch)) + ("" if options.once else "\n")
    print(text, flush=True)  # noqa: T201  # the command's answer


async def _screen(watch: Watch, ended: asyncio.Event) -> None:
    from rich.console import Console  # noqa: PLC0415  # slow to import, not needed for pipes
    from rich.live import Live  # noqa: PLC0415

    console, first = Console(), 0
    with (
        pressed_keys() as keys,
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        pressed: asyncio.Task[str] = asyncio.create_task(keys.get())
        while not ended.is_set():
            _raise_fault(watch)
            lines = watch.picture.lines(watch.view.family)
            first = max(0, min(first, len(lines) - 1))
            drawing = as_drawing(
                lines, status_of(watch), height=console.height, width=console.width, first=first
            )
            live.update(drawing, refresh=True)
            watch.news.clear()
            drawn_s = time.monotonic()
            await _woken(watch, ended, pressed)
            if pressed.done():
                key = pressed.result()
                pressed = asyncio.create_task(keys.get())
                if key == "q":
                    break
                first = _scrolled(key, first)
                view = turned(key, watch)
                if view != watch.view:
                    await watch.look_at(view)
            elif not ended.is_set():
                await asyncio.sleep(max(0.0, drawn_s + _DRAW_INTERVAL_S - time.monotonic()))
        pressed.cancel()


async def _woken(watch: Watch, ended: asyncio.Event, pressed: asyncio.Task[str]) -> None:
    """Wait for news, a key, the end, or a moment: ages move by themselves."""
    others = [asyncio.ensure_future(one.wait()) for one in (watch.news, ended)]
    await asyncio.wait([*others, pressed], timeout=_TICK_S, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()


def _scrolled(key: str, first: int) -> int:
    steps = {"up": -1, "down": 1, "page up": -_PAGE, "page down": _PAGE}
    return (
        max(0, first + steps[key]) if key in steps else 0 if key in ("tab", "back tab") else first
    )


def turned(key: str, watch: Watch) -> View:
    """Return the view that a key leads to."""
    picture, view = watch.picture, watch.view
    match key:
        case "left" | "right":
            step = 1 if key == "right" else -1
            return replace(view, window=_next(windows(picture), view.window, step))
        case "tab" | "back tab":
            step = 1 if key == "tab" else -1
            return replace(view, family=_next(["", *picture.families], view.family, step))
        case "d":
            return replace(view, by=_next(["", *sets(picture, view.family)], view.by, 1))
        case "f":
            return replace(view, final=not view.final)
    return view


def _next(choices: Sequence[str], present: str, step: int) -> str:
    place = choices.index(present) if present in choices else -1
    return choices[(place + step) % len(choices)]


def _raise_fault(watch: Watch) -> None:
    fault = watch.fault()
    if fault is not None:
        raise fault
