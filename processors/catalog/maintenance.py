"""From the catalogue's section ``maintenance`` to times at which nobody is told."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from processors.catalog import scalars
from processors.catalog.model import Maintenance
from processors.catalog.nodes import Node, Problems
from processors.catalog.scalars import Fault, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def read_maintenance(
    entries: Mapping[str, Node], families: Collection[str], zone: str, problems: Problems
) -> tuple[Maintenance, ...]:
    """Read all of them.

    Args:
        entries: id -> entry.
        families: those that KPIs are of.
        zone: where an entry names none.
        problems: gets what is wrong.
    """
    found = []
    for name, node in entries.items():
        try:
            scalars.name(Node(name, node.file, node.line))
            read = _read(name, node, families, problems)
        except Fault as fault:
            problems.add(fault.node, name, fault.field or "maintenance", fault.consequence)
            continue
        found.append(Maintenance(id=name, **{"zone": zone, **read}))
    return tuple(found)


def _read(name: str, node: Node, families: Collection[str], problems: Problems) -> dict[str, Any]:
    fields = scalars.mapping(node)
    readers: dict[str, Callable[[Node], Any]] = {
        "families": _words_of(families, "no family of any KPI"),
        "days": _words_of(WEEKDAYS, "no weekday"),
        "dates": _dates,
        "start": _time,
        "end": _time,
        "zone": _zone,
    }
    read = scalars.read_fields(fields, readers, name, problems)
    if not {"days", "dates", "start", "end"} & set(fields):
        raise Fault(node, "no days, dates, start or end: nobody would ever be told", "maintenance")
    start, end = read.get("start", "00:00"), read.get("end", "24:00")
    if start >= end:
        raise Fault(
            fields.get("end", node),
            f"it does not lie behind {start}: the time is empty; one that goes past midnight is"
            " two, up to 24:00 and from 00:00",
            "end",
        )
    return read


def _words_of(known: Collection[str], fault: str) -> Callable[[Node], tuple[str, ...]]:
    def read(node: Node) -> tuple[str, ...]:
        for item in scalars.items(node):
            word = scalars.text(item)
            if word not in known:
                raise Fault(item, f"{fault}: nothing would be muted; {did_you_mean(word, known)}")
        return scalars.words(node)

    return read


def _dates(node: Node) -> tuple[str, ...]:
    for item in scalars.items(node):
        try:
            date.fromisoformat(scalars.text(item))
        except ValueError:
            raise Fault(item, "no date: write 2026-12-24") from None
    return scalars.words(node)


def _time(node: Node) -> str:
    word = scalars.text(node)
    if not _TIME.fullmatch(word):
        raise Fault(node, "no time of a day: write 02:30, or 24:00 for its end")
    return word


def _zone(node: Node) -> str:
    word = scalars.text(node)
    try:
        return ZoneInfo(word).key
    except (OSError, ValueError, KeyError):
        raise Fault(node, "unknown time zone: nobody would be told at other times") from None
