"""What several keyed processors share: events kept as marks, and facts told by their difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from processors.facts import Fact
from processors.keyed.base import Emit


class Mark(msgspec.Struct, array_like=True, order=True, gc=False):
    """One event that matters, ordered by (ts, offset)."""

    ts: int
    offset: int
    dimensions: tuple[str | None, ...] = ()


M = TypeVar("M", bound=Mark)


class Placed(Protocol):
    """Whatever keeps an event's time and offset."""

    ts: int
    offset: int


def at(mark: Placed) -> tuple[int, int]:
    """Return where an event stands among the events of its key."""
    return mark.ts, mark.offset


def first_since(marks: Sequence[M], since: Mark) -> M | None:
    """Return the first of the sorted marks at or after another."""
    since_ms, since_offset = since.ts, since.offset
    for mark in marks:
        if mark.ts > since_ms or (mark.ts == since_ms and mark.offset >= since_offset):
            return mark
    return None


def first_possible(marks: Iterable[M], since: Mark | None) -> list[M]:
    """Keep the marks that can still be the first at or after another, sorted.

    What they are counted from can only move to an earlier time, so what comes after the one that
    counts now never becomes the first.
    """
    kept = sorted(marks, key=at)
    first = None if since is None else first_since(kept, since)
    return kept if first is None else kept[: kept.index(first) + 1]


def emit_difference(before: list[Any], after: list[Any], emit: Emit) -> None:
    """Take back what is concluded no more and emit what is new, with the weights they carry."""
    same = 0  # most of it, mostly
    for fact, again in zip(before, after, strict=False):
        if fact != again:
            break
        same += 1
    fresh: list[Fact] = after[same:]
    for fact in before[same:]:
        if fact in fresh:
            fresh.remove(fact)
        else:
            fact.weight = -fact.weight
            emit(fact)
    for fact in fresh:
        emit(fact)


def filled(
    dimensions: Sequence[str | None], otherwise: Sequence[str | None]
) -> tuple[str | None, ...]:
    """Return dimensions, those of another event where they are absent."""
    return tuple(mine or its for mine, its in zip(dimensions, otherwise, strict=True))
