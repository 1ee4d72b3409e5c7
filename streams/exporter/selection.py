"""Which rows a request asks for: filters of the JSON API and of the stream."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Final

from processors.catalog.model import window as parse_window
from processors.errors import UsageError
from processors.evaluate import Row
from processors.ladder import DAY_MS
from processors.names import BY_TOTAL
from streams.exporter.turns import Turns
from streams.query import find_dimensions, find_metric, find_window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.model import Catalog, Metric, Window
    from streams.exporter.board import Board

TOP_MAX: Final = 100_000
_FILTERS: Final = frozenset({"kpi", "window", "by", "final", "nearest", "top"})
_SWITCHES: Final = {"": False, "0": False, "false": False, "1": True, "true": True}
_CALENDAR_DAYS: Final = {  # about how long, to be held against trailing windows
    "day_to_date": 1,
    "month_to_date": 30,
    "quarter_to_date": 90,
    "year_to_date": 365,
}

Part = tuple["Metric", "Window", tuple[str, ...]]


@dataclass(frozen=True)
class Selection:
    """Combinations of KPI, window and dimension set, live or final.

    Attributes:
        values_max: only so many dimension values, those with the most samples; None: all.
    """

    parts: tuple[Part, ...]
    final: bool = False
    values_max: int | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What it asks for, in short: equal selections have equal keys."""
        names = ((metric.id, window.name, by) for metric, window, by in self.parts)
        return (self.final, self.values_max, *names)

    async def rows(self, board: Board) -> list[Row]:
        """Return the rows asked for."""
        turns, rows = Turns(), list[Row]()
        for metric, window, dimensions in self.parts:
            rows += board.rows(
                metric, window, dimensions, final=self.final, values_max=self.values_max
            )
            await turns.pause()
        return rows


def select(catalog: Catalog, filters: Mapping[str, str]) -> Selection:
    """Read filters.

    ====================  ================================================================
    ``kpi``               ids, separated by commas; every KPI where it is not there
    ``window``            one window; every window
    ``by``                dimension sets, separated by semicolons, ``total`` for the total;
                          every set
    ``nearest``           a KPI without the window, or none of the sets, is shown in the
                          window most like it, or by its first set, not passed over
    ``top``               so many dimension values, those with the most samples
    ``final``             windows that end at the watermark
    ====================  ================================================================

    Where several KPIs are asked for, those without the window or the dimensions are passed over.

    Raises:
        UsageError: a filter is unknown, or nothing can ever match.
    """
    unknown = filters.keys() - _FILTERS
    if unknown:
        raise UsageError(
            f"unknown filter {min(unknown)!r}: there are {', '.join(sorted(_FILTERS))}"
        )
    ids = [kpi for kpi in filters.get("kpi", "").split(",") if kpi]
    metrics = [find_metric(catalog, kpi) for kpi in ids] or list(catalog.metrics.values())
    final, nearest = (switch(filters, name) for name in ("final", "nearest"))
    values_max = _count(filters, "top")
    parts: list[Part] = []
    fault: UsageError | None = None
    for metric in metrics:
        try:
            parts += _combinations(metric, filters, nearest=nearest)
        except UsageError as error:
            fault = error
    if not parts and fault is not None:
        raise fault
    return Selection(tuple(parts), final, values_max)


def switch(filters: Mapping[str, str], name: str) -> bool:
    """Return whether a filter is on; it is off where it is not there.

    Raises:
        UsageError: it is neither.
    """
    text = filters.get(name, "").lower()
    if text not in _SWITCHES:
        raise UsageError(f"{name}: {text!r} is not true or false")
    return _SWITCHES[text]


def _count(filters: Mapping[str, str], name: str) -> int | None:
    text = filters.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= TOP_MAX:
        raise UsageError(f"{name}: {text!r} is not a number from 1 to {TOP_MAX}")
    return int(text)


def _combinations(metric: Metric, filters: Mapping[str, str], *, nearest: bool) -> list[Part]:
    windows, sets = metric.windows, metric.dimension_sets
    if filters.get("window"):
        windows = (_window(metric, filters["window"], nearest=nearest),)
    if filters.get("by"):
        sets = _sets(metric, filters["by"].split(";"), nearest=nearest)
    return [(metric, window, dimensions) for window in windows for dimensions in sets]


def _window(metric: Metric, name: str, *, nearest: bool) -> Window:
    try:
        return find_window(metric, name)
    except UsageError:
        if not nearest:
            raise
        wanted = parse_nearest(name)
    return min(metric.windows, key=lambda window: abs(log(_size_ms(window) / wanted)))


def parse_nearest(name: str) -> int:
    """Return about how long a window is, in ms.

    Raises:
        UsageError: no KPI could ever have such a window.
    """
    try:
        return _size_ms(parse_window(name))
    except ValueError as error:
        raise UsageError(f"window: {error}") from None


def _size_ms(window: Window) -> int:
    return _CALENDAR_DAYS[window.name] * DAY_MS if window.calendar else window.size_ms


def _sets(metric: Metric, wanted: list[str], *, nearest: bool) -> tuple[tuple[str, ...], ...]:
    """Return the sets that a KPI has of those that are wanted.

    Raises:
        UsageError: it has none of them, and the nearest will not do.
    """
    found: dict[tuple[str, ...], None] = {}
    fault: UsageError | None = None
    for by in wanted:
        try:
            found[find_dimensions(metric, "" if by == BY_TOTAL else by)] = None
        except UsageError as error:
            fault = error
    if not found and fault is not None:
        if not nearest:
            raise fault
        found[metric.dimension_sets[0]] = None
    return tuple(found)
