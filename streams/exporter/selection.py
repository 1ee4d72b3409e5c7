"""Which rows a request asks for: filters of the JSON API and of the stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from processors.errors import UsageError
from processors.evaluate import Row
from processors.names import BY_TOTAL
from streams.exporter.turns import Turns
from streams.query import find_dimensions, find_metric, find_window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.model import Catalog, Metric, Window
    from streams.exporter.board import Board

_FILTERS = frozenset({"kpi", "window", "by", "final"})
_SWITCHES = {"": False, "0": False, "false": False, "1": True, "true": True}


@dataclass(frozen=True)
class Selection:
    """Combinations of KPI, window and dimension set, live or final."""

    parts: tuple[tuple[Metric, Window, tuple[str, ...]], ...]
    final: bool = False

    async def rows(self, board: Board) -> list[Row]:
        """Return the rows asked for."""
        turns, rows = Turns(), list[Row]()
        for metric, window, dimensions in self.parts:
            rows += board.rows(metric, window, dimensions, final=self.final)
            await turns.pause()
        return rows


def select(catalog: Catalog, filters: Mapping[str, str]) -> Selection:
    """Read filters: ``kpi`` (ids, separated by commas), ``window``, ``by`` and ``final``.

    A filter that is not there lets everything through; ``by=total`` is the total. Where several
    KPIs are asked for, those without the window or the dimensions are passed over.

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
    switch = filters.get("final", "").lower()
    if switch not in _SWITCHES:
        raise UsageError(f"final: {switch!r} is not true or false")
    parts: list[tuple[Metric, Window, tuple[str, ...]]] = []
    fault: UsageError | None = None
    for metric in metrics:
        try:
            parts += _combinations(metric, filters)
        except UsageError as error:
            fault = error
    if not parts and fault is not None:
        raise fault
    return Selection(tuple(parts), _SWITCHES[switch])


def _combinations(
    metric: Metric, filters: Mapping[str, str]
) -> list[tuple[Metric, Window, tuple[str, ...]]]:
    windows, sets = metric.windows, metric.dimension_sets
    if filters.get("window"):
        windows = (find_window(metric, filters["window"]),)
    if filters.get("by"):
        by = filters["by"]
        sets = (find_dimensions(metric, "" if by == BY_TOTAL else by),)
    return [(metric, window, dimensions) for window in windows for dimensions in sets]
