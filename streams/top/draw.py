"""Lines as a table: drawn for a terminal, plain for pipes, JSON for programs."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from streams.top.words import ABSENT, age, change, course, figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from streams.top.picture import Line, Picture
    from streams.top.watch import Watch

WAITING: Final = "waiting"
HEADERS: Final = ("KPI", "window", "value", "target", "change", "course", "samples", "age", "")
_COURSE_WIDTH: Final = 18
_FRAME_LINES: Final = 6  # title, heads, rule, keys and some air
_WIDE: Final = 100
_REMARKS: Final = 8
_REMARK_WIDTH: Final = 4
_RIGHT: Final = frozenset({2, 4, 6, 7})
_MARKS: Final = {"ok": "✓", "off": "✗", "": ""}
_STYLES: Final = {"ok": "green", "off": "red", "": ""}
KEYS: Final = "q quit   ←→ window   tab family   d dimensions   f final   ↑↓ scroll"


def cells(line: Line) -> tuple[str, ...]:
    """Return a line's texts, in the order of the headers."""
    currency = line.dimensions.get("currency", "")
    remarks = [
        *([line.waiting] if line.waiting else []),
        *(["provisional"] if line.provisional and not line.waiting else []),
        *([] if line.complete else ["incomplete"]),
    ]
    target = "" if line.target is None else figure(line.target, line.unit, currency)
    return (
        f"  {line.name}" if line.part else line.name,
        line.window,
        WAITING if line.waiting else figure(line.value, line.unit, currency),
        f"{_MARKS[line.state]} {target}".strip(),
        change(line.change),
        course(line.course, _COURSE_WIDTH),
        f"{line.samples:,}" if line.window else "",
        ABSENT if line.age_ms is None else age(line.age_ms),
        " ".join(remarks),
    )


def as_text(lines: Sequence[Line], status: str) -> str:
    """Return a plain table, its columns aligned, a line about it at the top."""
    table = [HEADERS, *map(cells, lines)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADERS))]
    texts = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    return "\n".join([status, *texts])


def as_objects(picture: Picture, lines: Sequence[Line]) -> dict[str, Any]:
    """Return one document for programs."""
    return {
        "now_ms": picture.now_ms,
        "stale": picture.stale,
        "lines": [asdict(line) for line in lines],
    }


def status_of(watch: Watch) -> str:
    """Return one line: since when the figures are, what is looked at, what is wrong."""
    picture, view = watch.picture, watch.view
    at = datetime.fromtimestamp(picture.now_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = [at, view.family or "all families", view.window]
    if view.by:
        words.append(f"by {view.by}")
    if view.final:
        words.append("final")
    if watch.cut is not None:
        reason, retry_at = watch.cut
        words.append(f"CUT: {reason}; again in {max(0, round(retry_at - time.monotonic()))} s")
    elif picture.stale:
        words.append(f"STALE: {picture.stale}")
    delays = [p["watermark_delay_ms"] or 0 for p in picture.health.get("partitions", ())]
    if delays:
        words.append(f"watermark {age(max(delays))} behind")
    dead = sum(
        many
        for partition in picture.health.get("partitions", ())
        for name, many in partition["counters"].items()
        if name.startswith("rejected:")
    )
    if dead:
        words.append(f"{dead:,} dead letters")
    return " | ".join(words)


def as_drawing(
    lines: Sequence[Line], status: str, *, height: int, width: int, first: int
) -> RenderableType:
    """Return a table that fits a terminal, from its line ``first`` on."""
    from rich import box  # noqa: PLC0415  # slow to import, not needed for pipes
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    room = max(1, height - _FRAME_LINES)
    shown = lines[first : first + room]
    hidden = {1, 5, 6, 8} if width < _WIDE else set[int]()
    numbers = [i for i in range(len(HEADERS)) if i not in hidden]
    texts = [HEADERS, *map(cells, shown)]
    taken = sum(max(len(text[i]) for text in texts) + 3 for i in numbers[:-1])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for i in numbers:
        # The remarks take what is left: they are what can be cut.
        most = max(_REMARK_WIDTH, width - taken) if i == _REMARKS else None
        right = i in _RIGHT
        table.add_column(
            HEADERS[i],
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=most,
        )
    for line in shown:
        drawn = _drawn(line)
        table.add_row(*(drawn[i] for i in numbers))
    more = len(lines) - first - room
    foot = f"{KEYS}   {f'({more} more below)' if more > 0 else ''}"
    wrong = "CUT:" in status or "STALE:" in status
    return Group(
        Text(status, style="bold red" if wrong else "bold", no_wrap=True, overflow="ellipsis"),
        table,
        Text(foot, style="dim", no_wrap=True, overflow="ellipsis"),
    )


def _drawn(line: Line) -> list[Any]:
    from rich.text import Text  # noqa: PLC0415  # as above

    name, window, value, target, gained, went, samples, old, remarks = cells(line)
    better = {True: "green", False: "red", None: "dim"}[line.better]
    strong = "dim" if line.part else "bold" if line.headline else ""
    return [
        Text(name, style=strong),
        Text(window, style="dim"),
        Text(value, style="yellow" if line.waiting else "" if line.part else "bold"),
        Text(target, style=_STYLES[line.state] or "dim"),
        Text(gained, style=better),
        Text(went, style=_STYLES[line.state] or "blue"),
        Text(samples, style="dim"),
        Text(old, style="dim"),
        Text(remarks, style="yellow" if line.waiting or not line.complete else "dim"),
    ]
