"""What was compared and what differs, by KPI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

EXAMPLES_MAX: Final = 10


@dataclass(frozen=True)
class Example:
    """One difference: where, what the product says, and what the recomputation says."""

    where: str
    ours: Any
    recomputed: Any


@dataclass
class Tally:
    """Figures of one KPI.

    Attributes:
        cells: pane cells compared, over all rungs.
        windows: final windows compared: at every end where a pane comes in or leaves.
        grid: final windows that these stand for: nothing changes between such ends.
        filled: rows of compared windows that must say something other than 0.
    """

    name: str
    cells: int = 0
    cells_differ: int = 0
    windows: int = 0
    windows_differ: int = 0
    grid: int = 0
    filled: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def differ(self) -> int:
        """Cells and windows that differ."""
        return self.cells_differ + self.windows_differ

    def add(self, other: Tally) -> None:
        """Take another one's figures in."""
        self.cells += other.cells
        self.cells_differ += other.cells_differ
        self.windows += other.windows
        self.windows_differ += other.windows_differ
        self.grid += other.grid
        self.filled += other.filled
        self.examples = (self.examples + other.examples)[:EXAMPLES_MAX]

    def cell_differs(self, where: str, ours: Any, recomputed: Any) -> None:
        """Count a pane cell that differs."""
        self.cells_differ += 1
        self._keep(where, ours, recomputed)

    def window_differs(self, where: str, ours: Any, recomputed: Any) -> None:
        """Count a window that differs."""
        self.windows_differ += 1
        self._keep(where, ours, recomputed)

    def _keep(self, where: str, ours: Any, recomputed: Any) -> None:
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(Example(where, ours, recomputed))
