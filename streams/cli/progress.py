"""Progress of long commands: one line that is rewritten on a terminal, a line now and then else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from types import TracebackType

_TERMINAL_S: Final = 0.1
_FILE_S: Final = 10.0


class ProgressLine:
    """Writes ``published 12,000 of 60,287 (20 %)`` to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._next = time.monotonic() + (0.0 if self._terminal else _FILE_S)
        self._shown = False

    def __enter__(self) -> Self:
        """Return the line."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Clear the line, so that what follows starts in the first column."""
        self._clear()

    def report(self, what: str, done: int, total: int) -> None:
        """Show how far something is, not more often than anybody can read."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (_TERMINAL_S if self._terminal else _FILE_S)
        share = 100 * done // total if total else 100
        text = f"{what} {done:,} of {total:,} ({share} %)"
        if self._terminal:
            self._stream.write(f"\r\x1b[2K{text}")
            self._shown = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._clear()
        self._stream.write(f"kpi: {text}\n")
        self._stream.flush()

    def _clear(self) -> None:
        if self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._shown = False
