"""The ends of one window, and where the window that ends there starts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from streams.verify.series import slide_ms, starts_by_end

if TYPE_CHECKING:
    import duckdb

    from processors.catalog.model import Window


class Grid:
    """One window's grid, up to its last final end.

    Args:
        con: a recomputed log.
        window: whose ends.
        final_ms: the last final end.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, window: Window, final_ms: int) -> None:
        self.window, self.final_ms = window, final_ms
        self._starts = starts_by_end(con, window) if window.calendar else {}
        self._ends = sorted(self._starts)

    def start_ms(self, end_ms: int) -> int:
        """Return where the window that ends there starts."""
        return self._starts[end_ms] if self.window.calendar else end_ms - self.window.size_ms

    def count_from(self, end_ms: int) -> int:
        """Return how many ends there are from this one to the last final one."""
        if self.window.calendar:
            return bisect_right(self._ends, self.final_ms) - bisect_left(self._ends, end_ms)
        return (self.final_ms - end_ms) // slide_ms(self.window) + 1
