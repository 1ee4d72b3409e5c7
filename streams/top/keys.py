"""Keys pressed in a terminal, without waiting for a new line."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMED: Final = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"\x1b[5~": "page up",
    b"\x1b[6~": "page down",
    b"\x1b[Z": "back tab",
    b"\t": "tab",
    b"\x03": "q",
}


@contextmanager
def pressed_keys() -> Iterator[asyncio.Queue[str]]:
    """Give a queue of the keys that are pressed; afterwards the terminal is as it was."""
    import termios  # noqa: PLC0415  # not on every system; a pipe needs no keys
    import tty  # noqa: PLC0415

    keys: asyncio.Queue[str] = asyncio.Queue()
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def read() -> None:
        pressed = os.read(descriptor, 64)
        if not pressed:
            keys.put_nowait("q")  # the terminal is gone
        for key in split(pressed):
            keys.put_nowait(key)

    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, read)
    try:
        yield keys
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def split(pressed: bytes) -> list[str]:
    """Return the names of keys, several of which may come at once."""
    found: list[str] = []
    while pressed:
        code = next((code for code in _NAMED if pressed.startswith(code)), pressed[:1])
        found.append(_NAMED.get(code, code.decode("ascii", "ignore")))
        pressed = pressed[len(code) :]
    return found
