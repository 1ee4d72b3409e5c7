"""What the demo shows: drawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from streams.demo.figures import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console, RenderableType
    from rich.live import Live

    from streams.demo.figures import Figure

_PLAIN_SHARE: Final = 0.25
_PLAIN_INTERVAL_S: Final = 10.0
_PLAIN_FIGURES_MAX: Final = 20
_FRAME_LINES: Final = 7  # heading, rule, status and some air


class Screen(Protocol):
    """Where the demo reports."""

    def say(self, text: str) -> None:
        """Print one line."""

    def progress(self, title: str) -> AbstractContextManager[Callable[[float], None]]:
        """Show how far something is: the function takes the share done, 0 to 1."""

    def show(self, figures: list[Figure], status: str) -> None:
        """Show the newest values and a line below them."""

    def close(self) -> None:
        """Leave the screen as other programs expect it."""


def open_screen() -> Screen:
    """Return the screen that fits stdout."""
    return TerminalScreen() if sys.stdout.isatty() else PlainScreen()


@dataclass
class PlainScreen:
    """Lines that read well in a file: steps of progress, the values every ten seconds."""

    _shown_at: float = float("-inf")

    def say(self, text: str) -> None:
        """Print one line."""
        print(text, flush=True)  # noqa: T201  # the demo's output

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[float], None]]:
        """Print a line every quarter."""
        said = -1.0

        def advance(share: float) -> None:
            nonlocal said
            if share - said >= _PLAIN_SHARE or (share >= 1 > said):
                said = share
                self.say(f"{title}: {share:.0%}")

        advance(0.0)
        yield advance

    def show(self, figures: list[Figure], status: str) -> None:
        """Print the values, if the last time was long enough ago."""
        now = time.monotonic()
        if now - self._shown_at < _PLAIN_INTERVAL_S:
            return
        self._shown_at = now
        for figure in figures[:_PLAIN_FIGURES_MAX]:
            values = ", ".join(f"{w} {v}" for w, v in zip(WINDOWS, figure.values, strict=True))
            self.say(f"{figure.name}: {values}")
        self.say(status)

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class TerminalScreen:
    """A progress bar, then a table that is drawn over itself."""

    _live: Live | None = None
    _console: Console = field(init=False)

    def __post_init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415  # slow to import, not needed for lines

        self._console = Console(highlight=False)

    def say(self, text: str) -> None:
        """Print one line, above the table where there is one."""
        self._console.print(text, markup=False)

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[float], None]]:
        """Show a bar."""
        from rich import progress  # noqa: PLC0415  # as above

        bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            console=self._console,
        )
        with bar:
            task = bar.add_task(title, total=1.0)
            yield lambda share: bar.update(task, completed=share)

    def show(self, figures: list[Figure], status: str) -> None:
        """Redraw the table."""
        from rich.live import Live  # noqa: PLC0415  # as above

        drawn = self._draw(figures, status)
        if self._live is None:
            self._live = Live(drawn, console=self._console, auto_refresh=False)
            self._live.start(refresh=True)
        else:
            self._live.update(drawn, refresh=True)

    def close(self) -> None:
        """Stop drawing and show the cursor again."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, figures: list[Figure], status: str) -> RenderableType:
        from rich import box  # noqa: PLC0415  # as above
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=box.SIMPLE_HEAD, caption=Text(status), caption_justify="left")
        table.add_column("KPI")
        for window in WINDOWS:
            table.add_column(window, justify="right", style="bold")
        table.add_column(f"samples {WINDOWS[-1]}", justify="right", style="dim")
        # What does not fit would push the status line off the screen.
        for figure in figures[: max(1, self._console.height - _FRAME_LINES)]:
            table.add_row(figure.name, *figure.values, figure.samples)
        return table
